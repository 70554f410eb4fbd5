"""Bundles: the evidence of a benchmark in a folder or zip file, from which anybody can work out its result.

While a benchmark runs, :class:`~wattmark.bench.bundle.store.EvidenceStore` keeps what is observed; at the end
:func:`~wattmark.bench.bundle.write.write_bundle` seals it. :func:`~wattmark.bench.bundle.verify.verify` works
everything out again and says what differs.
"""
