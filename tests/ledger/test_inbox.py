"""Landing: sound evidence only, under the hash of what it holds, once however often it comes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.ledger.landing import document, some_samples
from wattmark.core.errors import EvidenceError
from wattmark.ledger.inbox import land_run, land_samples
from wattmark.ledger.store import LocalStore


def test_a_run_lands_under_the_hash_of_its_bytes(tmp_path: Path) -> None:
    """And its bytes are what was given."""
    store = LocalStore(tmp_path)
    content = land_run(store, document())
    assert content == hashlib.sha256(document()).hexdigest()
    assert store.read(f"inbox/{content}.run.json") == document()


def test_the_same_bytes_land_once(tmp_path: Path) -> None:
    """Bringing them again is no error."""
    store = LocalStore(tmp_path)
    assert {land_run(store, document()) for _ in range(3)} == {land_run(store, document())}
    assert len(list(store.names("inbox/"))) == 1


def test_what_is_no_sound_run_does_not_land(tmp_path: Path) -> None:
    """No JSON, or a number that cannot be: said at once, nothing is kept."""
    store = LocalStore(tmp_path)
    with pytest.raises(EvidenceError, match="is not a run file"):
        land_run(store, b"{")
    with pytest.raises(EvidenceError, match="negative"):
        land_run(store, document(duration_seconds=-1.0))
    assert list(store.names("")) == []


def test_samples_land_under_their_content(tmp_path: Path) -> None:
    """The same numbers again are the same file."""
    pytest.importorskip("pyarrow")
    store = LocalStore(tmp_path)
    content = land_samples(store, [some_samples()])
    assert land_samples(store, [some_samples()]) == content
    assert [e.name for e in store.names("inbox/")] == [f"inbox/{content}.samples.parquet"]
    with pytest.raises(EvidenceError, match="amount that cannot be"):
        land_samples(store, [some_samples(each=-1)])
