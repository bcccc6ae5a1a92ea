"""The `bgcopyd` command."""
