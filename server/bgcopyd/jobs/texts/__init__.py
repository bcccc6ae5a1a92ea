"""What reasons and HRESULTs mean to people: one folder for each language."""
