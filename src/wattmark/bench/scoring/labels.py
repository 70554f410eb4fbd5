"""Labels of what pictures show, as they are compared."""

from __future__ import annotations


def plain(label: str) -> str:
    """In small letters, with single spaces, also for underscores."""
    return " ".join(label.replace("_", " ").lower().split())
