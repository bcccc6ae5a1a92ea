"""Use cases of the queue and the ports that they need."""
