"""A sample production, on which the hotfix workflow can be watched at work."""
