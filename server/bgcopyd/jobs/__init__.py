"""Values and rules of jobs. No input or output, and nothing of ours is imported from here."""
