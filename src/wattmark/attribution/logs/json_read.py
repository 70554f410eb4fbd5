"""Readers of logs whose rows are JSON objects, by the catalog of their fields."""

from __future__ import annotations

from collections.abc import Iterator

from wattmark.attribution.columns import RequestColumns
from wattmark.attribution.logs.blocks import requests_in
from wattmark.attribution.logs.catalog import Asked
from wattmark.attribution.logs.files import head_of
from wattmark.attribution.logs.formats import CANDIDATES, NOTES, first_bytes
from wattmark.attribution.logs.json_lines import first_rows, way_of
from wattmark.attribution.logs.layout import layout_for
from wattmark.core.errors import EvidenceError


def read(asked: Asked) -> Iterator[RequestColumns]:
    """The requests of a log. Raises UsageError and EvidenceError before the first of them."""
    rows = first_rows(head_of(asked.path))
    if not rows:
        raise EvidenceError(str(asked.path), "holds no JSON object in its first lines")
    candidates = first_bytes(asked.format, CANDIDATES[asked.format], asked.options)
    layout = layout_for(candidates, rows, asked.options, asked.tally.name)
    for note in NOTES.get(asked.format, ()):
        asked.tally.note(note)
    return requests_in(asked.path, layout, way_of(layout), asked.tally, with_ids=asked.with_ids)
