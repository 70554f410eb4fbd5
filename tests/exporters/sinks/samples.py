"""Messages and worlds for tests of sinks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
from hypothesis import strategies as st

from wattmark.core.governance.message import Listing, Message, Severity, Topic
from wattmark.exporters.sinks.catalog import open_sink
from wattmark.exporters.sinks.sink import Sink, World
from wattmark.fields import Fields
from wattmark.webapi.api import Patience

SCHEMAS = Path(__file__).parent / "schemas"
HOSTILE = (
    "a <b>bold</b> & `code` | [link](https://x.invalid) *star* _under_ @all <!channel> \r\n/close {x} \\"
)
"""What a name, a tag or a reason can hold."""

MESSAGE = Message(
    key="gate/green/model=sorter",
    title="sorter 2.1.0: failed (1 failed, 2 passed)",
    markdown="### sorter 2.1.0: failed\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n",
    severity=Severity.ERROR,
    topics=(Topic.FAILED,),
    facts=(("Result", "failed"), ("Score", "92.0 points [88.0 .. 96.0], grade B")),
    tables=(
        Listing(
            title="Rules",
            columns=("", "rule", "found", "why"),
            rows=(
                ("failed", "Carbon per Inference at most 1 g", "1.20 [1.10 .. 1.30], grade B", "beyond"),
                ("passed", "Energy-to-Solution at most 5 % more", "", ""),
            ),
            notes=("1 more is not for these runs",),
        ),
    ),
    notes=("Audit log, entry 41: abc",),
    link="https://ci.example/jobs/1?a=1&b=2",
    labels={"team": "language", "model": "sorter"},
    at="2026-11-20T09:30:00Z",
)
OVER = replace(MESSAGE, title="sorter 2.2.0: passed (3 passed)", resolved=True, severity=Severity.INFO)
NASTY = replace(
    MESSAGE,
    title=HOSTILE,
    facts=((HOSTILE, HOSTILE),),
    tables=(Listing(title=HOSTILE, columns=("a", "b"), rows=((HOSTILE, HOSTILE),), notes=(HOSTILE,)),),
    notes=(HOSTILE,),
    labels={"team": HOSTILE},
)

_cell = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_text = st.builds(lambda piece, many: piece * many, _cell, st.sampled_from([1, 1, 50, 500]))
"""Short or very long, and quick to make."""
_rows = st.builds(
    lambda rows, many: tuple(rows) * many,
    st.lists(st.tuples(_cell, _text, _cell), max_size=3),
    st.sampled_from([1, 1, 40]),
)
messages = st.builds(
    Message,
    key=_cell,
    title=_text,
    markdown=_text,
    severity=st.sampled_from(Severity),
    resolved=st.booleans(),
    topics=st.lists(st.sampled_from(Topic), max_size=3).map(tuple),
    facts=st.lists(st.tuples(_cell, _text), max_size=12).map(tuple),
    tables=st.lists(
        st.builds(
            Listing,
            title=_cell,
            columns=st.just(("a", "b", "c")),
            rows=_rows,
            notes=st.lists(_cell, max_size=2).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
    notes=st.lists(_text, max_size=3).map(tuple),
    link=st.sampled_from(["", "https://ci.example/1?a=b&c=<d>|e"]),
    labels=st.dictionaries(st.sampled_from(["team", "model", "label.x-y"]), _cell, max_size=3),
    at=st.just("2026-11-20T09:30:00Z"),
)
"""Anything that can be told, and much that cannot."""


def world(secrets: Mapping[str, str] | None = None, waits: list[float] | None = None) -> World:
    """A world without pauses, in which a slow machine is no reason to try again; second 1 790 000 000."""
    found = secrets or {}
    return World(
        secret=found.get,
        wait=waits.append if waits is not None else lambda seconds: None,
        now=lambda: 1_790_000_000.0,
        patience=Patience(timeout=250.0),
    )


def sink(name: str, values: Mapping[str, Any], secrets: Mapping[str, str] | None = None) -> Sink:
    """A sink out of a table."""
    return open_sink(name, Fields("wattmark.toml", "[[notify]] 1", values), world(secrets))


def check(schema: str, document: Any) -> None:
    """Raise unless the document is what a published schema asks for."""
    _validator(schema).validate(document)


@cache
def _validator(schema: str) -> Any:
    found = json.loads((SCHEMAS / schema).read_text(encoding="utf-8"))
    return jsonschema.validators.validator_for(found)(found)
