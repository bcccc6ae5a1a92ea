"""Typed settings of the daemon, read in layers, each value with its origin."""

from bgcopyd.config.listeners import Listener, TcpListener, UnixListener
from bgcopyd.config.loading import Configuration, ConfigurationError, load
from bgcopyd.config.settings import Settings
from bgcopyd.config.types import HOST_ROOT

__all__ = [
    "HOST_ROOT",
    "Configuration",
    "ConfigurationError",
    "Listener",
    "Settings",
    "TcpListener",
    "UnixListener",
    "load",
]
