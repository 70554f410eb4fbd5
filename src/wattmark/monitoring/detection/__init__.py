"""The search for regressions: does a token cost more than it did, and what changed since it did not?

What runs beside every minute (rows, a baseline, a sequential test, causes) is the standard library. Fitting a
baseline and dating a change need the extra ``detect``.
"""
