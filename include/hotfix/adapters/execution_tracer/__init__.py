"""Which lines of a checkout a Python program executes, without a change to the program or its environment."""

from hotfix.adapters.execution_tracer.collect import instrumented, read_execution

__all__ = ["instrumented", "read_execution"]
