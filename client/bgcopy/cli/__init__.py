"""The bgcopy command: a client like any other, on top of the client library."""

import os

# gRPC's core writes its own log to stderr, a GOAWAY of a daemon that shuts down among it, and reads
# this when it is loaded, which no module has done yet. What matters reaches people as errors.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
