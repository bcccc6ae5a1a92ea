"""The daemon of bgcopy: a queue of file transfers that survives everything but its disk."""

__version__ = "0.1.0"
