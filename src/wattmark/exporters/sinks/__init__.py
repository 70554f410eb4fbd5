"""Sinks: where people are told of decisions, budgets and digests. One service, one file."""
