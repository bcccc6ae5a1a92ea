"""Numbered, forward-only migrations as SQL files."""
