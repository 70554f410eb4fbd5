"""What a run file is held against when it is read: the rules are in :mod:`wattmark.core.sound`."""

from __future__ import annotations

from wattmark.core.sound import Fault, first_fault

__all__ = ["Fault", "first_fault"]
