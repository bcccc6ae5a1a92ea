"""How much, how fast and whether at all a host is asked: slots, limits, breakers, facts."""
