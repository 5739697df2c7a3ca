"""How well the tests of a change are chosen, measured against full runs of real test suites."""
