"""How much messages matter."""

from __future__ import annotations

from wattmark.core.governance.message import Severity


def test_severities_have_an_order() -> None:
    """The higher the worse."""
    assert [severity.rank for severity in (Severity.INFO, Severity.WARNING, Severity.ERROR)] == [0, 1, 2]
