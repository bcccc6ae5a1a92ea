"""The bgcopy command: a client like any other, on top of the client library."""
