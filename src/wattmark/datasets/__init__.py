"""What a model was trained or run on: hash, rows, and unique uncompressed bytes."""
