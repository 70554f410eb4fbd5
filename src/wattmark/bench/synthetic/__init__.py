"""Stand-ins for published datasets: made on the spot from a seed, by whole numbers alone."""
