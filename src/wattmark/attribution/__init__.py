"""Divides measured energy among the requests of a log: exact, vectorised, for logs of any length."""
