"""Local models for benchmarks: found, loaded, told apart."""
