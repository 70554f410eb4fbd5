"""The page on request logs is true: its rows are read as what they are said to be."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attribution.logs.reading import NOON_US, read
from wattmark.attribution.logs.catalog import FORMATS

PAGE = Path(__file__).parents[3] / "docs" / "attribution" / "request-logs.md"
NAMED = {"nginx": "nginx", "Envoy": "envoy", "llama.cpp": "llama.cpp", "SGLang": "sglang", "Ollama": "ollama"}
NAMED |= {"Text Generation Inference": "tgi", "Spans of OpenTelemetry": "otlp", "Tables": "csv"}
NAMED |= {"Our own lines, and JSON Lines with other names": "jsonl"}
OPTIONS = {"sglang": {"zone": "Europe/Berlin"}, "llama.cpp": {"began": "2026-11-01T12:00:00Z"}}


def examples() -> Iterator[tuple[str, str]]:
    """Each section's format and the rows that it shows."""
    for section in PAGE.read_text().split("\n## ")[1:]:
        block = re.search(r"```(?:json|csv|text)\n(.*?)```", section, re.DOTALL)
        if block:
            yield NAMED[section.partition("\n")[0]], block[1]


@pytest.mark.parametrize(("name", "rows"), list(examples()))
def test_the_rows_of_the_page_are_found_out_and_read(tmp_path: Path, name: str, rows: str) -> None:
    """One request within a minute of noon, and nothing bad."""
    path = tmp_path / "log"
    path.write_text(rows)
    found, log = read(path, **OPTIONS.get(name, {}))
    assert (log.format, len(found), log.tally.bad_rows) == (name, 1, 0)
    assert 0 <= found[0].start_us - NOON_US <= found[0].end_us - NOON_US < 60_000_000
    assert not found[0].failed


def test_every_format_has_its_section_and_its_row() -> None:
    """But Parquet, which nobody can read on a page."""
    assert {name for name, _ in examples()} == set(FORMATS) - {"parquet"}
    assert all(f"`{name}`" in PAGE.read_text() for name in FORMATS)
