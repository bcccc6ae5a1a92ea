"""Downloads from their first request to their one terminal event."""
