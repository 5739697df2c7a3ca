"""One fake a port, each kept honest by the contract suite that the real adapter passes too."""
