"""Client library of bgcopy."""
