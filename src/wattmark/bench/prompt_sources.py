"""Queries of published datasets of prompts, for image generation."""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.bench.asking import Query, QuerySet
from wattmark.bench.picture_sources import captions_in
from wattmark.bench.published import published_set
from wattmark.bench.published_table import Chosen
from wattmark.bench.text_rows import text_or_none


def prompts_of(task: str, names: Sequence[str], count: int, seed: int) -> QuerySet:
    """So many prompts of the datasets named, or of a file of one's own with a column ``prompt``."""
    return published_set(task, names, count, seed, prompted)


def prompted(index: int, chosen: Chosen) -> Query | None:
    """A prompt, or the first caption of a picture; a row without one is passed over."""
    prompt = text_or_none(chosen, "prompt") or next(iter(captions_in(chosen)), None)
    return None if prompt is None else Query(index=index, inputs={"prompt": prompt}, part=chosen.part)
