"""Power of devices over time, from run files and samples: what the sweep divides among requests."""
