"""Hooks that frameworks call."""
