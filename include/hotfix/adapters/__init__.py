"""The ports, implemented for real systems."""
