"""Fakes and conformance suites that anyone can run."""
