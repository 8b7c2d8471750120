"""The network: parameters, recurrence, loss."""
