"""Every form of a decision: it is found by name, and says its words."""

from __future__ import annotations

import pytest

from wattmark.core.errors import UsageError
from wattmark.reports.ci.catalog import FORMATS, format_named
from wattmark.testing.decisions import every_standing


@pytest.mark.parametrize("name", FORMATS)
def test_every_form_renders_and_ends_its_last_line(name: str) -> None:
    """The row leads to a function that makes text of the sample; UTF-8 can say it."""
    text = format_named(name).render(every_standing())
    assert text.encode().strip()
    assert FORMATS[name].file
    assert FORMATS[name].what


def test_a_name_that_is_nearly_right() -> None:
    """A slip is told with what was meant."""
    with pytest.raises(UsageError, match=r"no format 'jsn'; did you mean 'json'\?"):
        format_named("jsn")
