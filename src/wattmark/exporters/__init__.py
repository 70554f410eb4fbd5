"""Sends results out: one tool, one file."""
