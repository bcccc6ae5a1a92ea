"""Files and directories: partial files, claims, digests, the final name."""
