"""The console: pages on which people read what the workflow recorded. It only reads."""
