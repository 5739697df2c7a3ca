"""Production as lines of JSON tell of it: an access log, or what a command prints."""

from hotfix.adapters.json_lines.source import JsonLinesSource

__all__ = ["JsonLinesSource"]
