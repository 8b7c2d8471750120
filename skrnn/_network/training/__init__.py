"""From a training problem to trained parameters."""
