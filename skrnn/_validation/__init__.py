"""Data forms: sequences, targets, tokens; every check of what users pass."""
