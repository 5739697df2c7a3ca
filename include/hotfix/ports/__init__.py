"""What the workflow needs from the outside world, one Protocol a file, in the workflow's own words."""
