"""Fakes and conformance suites for people who write adapters.

``wattmark.testing.fakes`` needs nothing but the standard library; ``wattmark.testing.meter_suite`` and
``wattmark.testing.source_suite`` need pytest. Nothing here is imported while measuring.
"""
