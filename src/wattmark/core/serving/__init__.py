"""Inference on shared devices: requests, and the windows that their energy is told in."""
