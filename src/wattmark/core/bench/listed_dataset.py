"""A dataset as `wattmark bench datasets` lists it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDataset:
    """One dataset of one task."""

    task: str
    id: str
    synthetic: bool
    hub: str = ""
    """Its id on the Hugging Face hub; empty for a stand-in."""
    config: str = ""
    split: str = ""
    revision: str = ""
    """Commit on the hub, or version of the generator; empty where none is pinned."""
    preset: str = ""
    """The preset that it is a part of."""
    licence: str = ""
    at_hand: str = ""
    """``always``, ``in the folder``, ``cached``, ``to be fetched`` or ``copy needed``."""
    sha256: tuple[tuple[int, str], ...] = ()
    """Of a stand-in with seed 0: number of queries -> hash."""

    @property
    def offline(self) -> bool:
        """Whether it can be asked without a network."""
        return self.at_hand in ("always", "in the folder", "cached")
