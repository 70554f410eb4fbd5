"""From settings to ready objects: the only place that chooses adapters.

Names load when they are used, so that measuring never pays for reading results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattmark.wiring.configuration import load_config
    from wattmark.wiring.given import Stated, facts_for, given_from
    from wattmark.wiring.meters import Survey, open_meters, survey

_HOME = {
    "Stated": "given",
    "facts_for": "given",
    "given_from": "given",
    "load_config": "configuration",
    "Survey": "meters",
    "open_meters": "meters",
    "survey": "meters",
}

__all__ = ["Stated", "Survey", "facts_for", "given_from", "load_config", "open_meters", "survey"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
