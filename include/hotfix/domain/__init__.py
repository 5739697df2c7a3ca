"""Documents that travel between the steps, and the pure rules about them. Nothing here does I/O."""
