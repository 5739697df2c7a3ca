"""Root cause and minimal fix on real regressions, side by side with ``git bisect run``."""
