"""Governance: policies that hold, exceptions with names and dates, budgets, a log that can be replayed."""
