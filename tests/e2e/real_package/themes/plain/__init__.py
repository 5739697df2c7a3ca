"""Pages for every day; loaded by an ordinary import."""
