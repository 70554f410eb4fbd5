"""Reads what serving engines say of themselves."""
