"""The estimators: validate, build the problem, train, store."""
