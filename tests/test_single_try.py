"""Which tests have a second try: those that drive other people's programs, and none besides."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import DRIVE_OTHERS


@pytest.mark.parametrize("name", DRIVE_OTHERS)
def test_only_files_that_are_there_are_listed(name: str) -> None:
    """A file that is renamed takes its second try along, or loses it."""
    assert (Path(__file__).parent / name).is_file()


def test_this_one_has_a_single_try(request: pytest.FixtureRequest) -> None:
    """So has every test that is not listed."""
    assert request.node.get_closest_marker("flaky") is None
