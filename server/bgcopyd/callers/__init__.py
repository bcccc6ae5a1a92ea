"""Where callers' identities come from, beside bearer tokens."""
