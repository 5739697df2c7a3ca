"""The web shop which the demo runs: its history with a hidden regression, as a git repository."""

from demo.sample_service.builder import History, build

__all__ = ["History", "build"]
