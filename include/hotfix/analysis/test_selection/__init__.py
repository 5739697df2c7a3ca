"""Which tests can notice a change, why each, and in which order they tell most."""
