"""How many tokens a generating model made, whatever its output holds beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Steps:
    """Goes along with ``generate`` as a logits processor and counts its steps; changes nothing."""

    __slots__ = ("taken",)

    def __init__(self) -> None:
        self.taken = 0

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        self.taken += 1
        return scores


def new_tokens(sequence: Sequence[int], steps: int, ends: Sequence[int]) -> int:
    """Of one row: its last ``steps`` tokens up to the first that ends it, that one included."""
    made = list(sequence)[-steps:] if steps else []
    for place, token in enumerate(made):
        if token in ends:
            return place + 1
    return len(made)


def ends_of(model: Any) -> tuple[int, ...]:
    """The ids of tokens that end an output."""
    found = model.generation_config.eos_token_id
    if found is None:
        return ()
    return tuple(found) if isinstance(found, list | tuple) else (found,)
