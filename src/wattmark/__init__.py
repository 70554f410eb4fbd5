"""wattmark scores the energy and carbon of AI. Every number says how it is known."""

__version__ = "0.1.0"
