"""How long the intake takes to answer."""
