"""Pages for a while; loaded by the import hook of the worker."""
