"""The workflow on the history of a real package: ``importlib_resources``, as published on the package index."""
