"""The numerical floor: recurrence, gradient and training on packed arrays."""
