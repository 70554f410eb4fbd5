"""Which datasets can be asked without a network."""

from __future__ import annotations

import pytest

from wattmark.core.bench.listed_dataset import ListedDataset


@pytest.mark.parametrize(
    ("at_hand", "offline"),
    [
        ("always", True),
        ("in the folder", True),
        ("cached", True),
        ("to be fetched", False),
        ("copy needed", False),
    ],
)
def test_what_is_here_needs_no_network(at_hand: str, offline: bool) -> None:
    """Stand-ins, local copies and what the library has prepared before."""
    listed = ListedDataset(task="reasoning", id="gsm8k", synthetic=False, at_hand=at_hand)
    assert listed.offline is offline
