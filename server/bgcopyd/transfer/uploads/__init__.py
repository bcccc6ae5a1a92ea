"""Uploads from the first look at their source to their one terminal event."""
