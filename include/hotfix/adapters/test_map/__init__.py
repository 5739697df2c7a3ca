"""Which lines of a checkout each test of a pytest run executes, without a change to the suite or its environment."""

from hotfix.adapters.test_map.collect import MapUnusable, collect_map

__all__ = ["MapUnusable", "collect_map"]
