"""What people state in ``wattmark.toml`` and in ``ledger.toml`` alike: one noun a file, read in one way.

Each module turns tables of TOML (or the CSV that they name) into objects of the core, strictly: a slip of the
pen is a ConfigError that names the file and the place.
"""
