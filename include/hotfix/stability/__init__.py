"""The judge of production's health: pure, no I/O, no clock."""
