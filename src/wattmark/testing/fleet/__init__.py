"""A fleet that does not exist, with every figure known: hosts, jobs, meters, faults, and the truth.

Powers are whole watts and times whole milliseconds, so that every energy, however a ledger cuts it, is
a whole number of microjoules: a total either equals the truth or is wrong.
"""

from wattmark.testing.fleet.chaos import Delivery, deliveries
from wattmark.testing.fleet.plan import Plan
from wattmark.testing.fleet.simulate import Fleet, simulate
from wattmark.testing.fleet.truth import Key, Truth

__all__ = ["Delivery", "Fleet", "Key", "Plan", "Truth", "deliveries", "simulate"]
