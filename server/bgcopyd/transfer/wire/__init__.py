"""libcurl, and how each protocol is spoken through it."""
