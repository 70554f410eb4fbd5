"""Brings in what others measured: one tool, one file, all through one catalog."""
