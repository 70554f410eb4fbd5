"""A decision as JSON: the contract from which every other form of it follows."""

from __future__ import annotations

from typing import Any

from wattmark.core.governance.decision import Decision
from wattmark.core.plain import plain
from wattmark.reports.as_json import document

SCHEMA, VERSION = "decision", 1


def decision_json(decision: Decision) -> str:
    """Everything of a decision; what is empty or a default is left out. Read it with ``read_decision``."""
    return document(SCHEMA, VERSION, _sayable(plain(decision)))


def _sayable(value: Any) -> Any:
    """Names of files that are no UTF-8 hold what JSON cannot say again: it is shown as a question mark."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_sayable(key): _sayable(inner) for key, inner in value.items()}
    return [_sayable(inner) for inner in value] if isinstance(value, list) else value
