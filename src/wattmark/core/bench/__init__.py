"""Benchmarks: what a rating needs to be trusted, worked out from evidence alone.

A benchmark leaves :class:`~wattmark.core.bench.evidence.Evidence`: what was pinned, what each meter said,
when each phase and query began and ended. Everything else (energy per query, quality, validity, the
comparability key) is a pure function of it, so that anybody can work it out again.
"""
