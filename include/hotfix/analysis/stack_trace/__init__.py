"""What an incident's stack trace and error text say about places in the repository."""

from hotfix.analysis.stack_trace.frame import Frame
from hotfix.analysis.stack_trace.raising_lines import raising_lines
from hotfix.analysis.stack_trace.trace import frames

__all__ = ["Frame", "frames", "raising_lines"]
