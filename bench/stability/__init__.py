"""How good is the judge of production? Simulations of which the truth is known."""
