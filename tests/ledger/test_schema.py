"""The published schema is the one that files are read by."""

from __future__ import annotations

import json
from pathlib import Path

from wattmark.ledger.runfile import json_schema

PUBLISHED = Path(__file__).resolve().parents[2] / "docs" / "run.schema.json"


def test_the_published_schema_is_up_to_date() -> None:
    """docs/run.schema.json is what the code would write now (`python scripts/generate_docs.py` writes it)."""
    assert json.loads(PUBLISHED.read_text()) == json.loads(json.dumps(json_schema()))
