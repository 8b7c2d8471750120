"""Data forms: sequences, targets and tokens; all checks of user input."""
