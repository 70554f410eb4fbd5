"""One piece of hardware, one file."""
