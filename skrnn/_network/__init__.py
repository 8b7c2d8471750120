"""The numerical layer: recurrence, gradient and training on packed arrays."""
