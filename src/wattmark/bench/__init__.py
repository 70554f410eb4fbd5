"""Runs benchmarks: tasks, the harness, bundles. What a benchmark means is in :mod:`wattmark.core.bench`."""
