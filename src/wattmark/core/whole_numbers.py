"""Whole numbers that no TOML file may hold."""

from __future__ import annotations

from typing import Any

BITS = 63
"""TOML 1.0: whole numbers are of 64 bits, with their sign."""


def huge_number(value: Any, name: str = "") -> str | None:
    """The key of a whole number that TOML does not know; Python can have it, and cannot even show it."""
    if isinstance(value, dict):
        return next(filter(None, (huge_number(v, k) for k, v in value.items())), None)
    if isinstance(value, list):
        return next(filter(None, (huge_number(v, name) for v in value)), None)
    return name if isinstance(value, int) and value.bit_length() > BITS else None
