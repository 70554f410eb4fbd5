"""What the verbs of the audit log print for programs: schema, version and keys do not change unnoticed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import verb
from wattmark.cli import audit_anchor, audit_replay, audit_show, audit_verify
from wattmark.core.governance.audit import Action
from wattmark.core.governance.identity import Identity
from wattmark.ledger.auditlog import open_log
from wattmark.wiring.auditing import record


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """One entry, of a baseline that was set."""
    folder = tmp_path / "audit"
    record(open_log(str(folder)), Action.BASELINE_SET, actor=Identity(name="dev@example.org"), subject="base")
    return folder


HEAD = ("audit_seq", "audit_head")


@pytest.mark.parametrize(
    ("command", "words", "schema", "keys"),
    [
        (
            audit_verify.command, (), "audit-verify",
            ("state", "entries", "head", "proven_through", "findings", "anchors_held", "notes"),
        ),
        (audit_show.show, (), "audit-entries", ("entries",)),
        (audit_show.show, (1,), "audit-entries", ("entries",)),
        (audit_show.head, (), "audit-head", HEAD),
        (audit_anchor.command, ("--print",), "audit-anchor", (*HEAD, "git_tag")),
        (audit_replay.command, (), "audit-replay", ("gates", "same", "replayed")),
    ],
)  # fmt: skip
def test_documents_of_the_audit_log(
    log: Path, command: Any, words: tuple[object, ...], schema: str, keys: tuple[str, ...]
) -> None:
    """Version 1 of each."""
    told = json.loads(verb(command, *words, "--log", log, "--json").stdout)
    assert (told["schema"], told["schema_version"]) == (f"wattmark.{schema}", 1)
    assert set(told) == {"schema", "schema_version", *keys}
