"""The door of a ledger: what comes in, and what is sent away with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import a_run
from tests.cli.running import kept
from wattmark.core.errors import EvidenceError
from wattmark.core.run import SourceId, Subject
from wattmark.core.tags import TagMode, TagRules
from wattmark.core.telemetry import Samples, Stream
from wattmark.hashing import sha256
from wattmark.ledger.door import Added, Door, run_files
from wattmark.ledger.store import LocalStore

STRICT = TagRules(required=("team",), mode=TagMode.REFUSE)


def landed(store: LocalStore) -> set[str]:
    """The names in the inbox."""
    return {entry.name for entry in store.names("inbox/")}


def test_a_file_lands_byte_for_byte(tmp_path: Path) -> None:
    """Under the hash of its bytes; twice is once."""
    store = LocalStore(tmp_path / "ledger")
    path = kept(tmp_path, a_run(), "one")
    door = Door(store, TagRules())
    assert list(door.files([path, path])) == [Added(1), Added(1)]
    content = sha256(path.read_bytes()).hexdigest()
    assert landed(store) == {f"inbox/{content}.run.json"}
    assert store.read(f"inbox/{content}.run.json") == path.read_bytes()


def test_a_folder_stands_for_the_run_files_in_it_at_any_depth(tmp_path: Path) -> None:
    """In the order of their names; one without any is an error, not an empty success."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    one = kept(tmp_path / "deep" / "er", a_run(), "one")
    (tmp_path / "deep" / "notes.txt").write_text("not a run")
    assert run_files([tmp_path]) == [one]
    (tmp_path / "empty").mkdir()
    with pytest.raises(EvidenceError, match="holds no run files"):
        run_files([tmp_path / "empty"])


def test_a_broken_file_is_told_and_the_others_come_in(tmp_path: Path) -> None:
    """With its name and what is wrong in it; one that is not there, too."""
    store = LocalStore(tmp_path / "ledger")
    broken = tmp_path / "broken.run.json"
    broken.write_text('{"schema": "wattmark.run"}')
    good = kept(tmp_path, a_run(), "good")
    told = sum(Door(store, TagRules()).files([broken, tmp_path / "none.run.json", good]), Added())
    assert told.files == 1
    assert [bad.place for bad in told.bad] == [str(broken), str(tmp_path / "none.run.json")]
    assert "does not hold a valid run" in told.bad[0].reason
    assert "cannot be read: No such file" in told.bad[1].reason


def test_only_the_mode_refuse_sends_away(tmp_path: Path) -> None:
    """In the others a run without its team comes in, and is listed later."""
    path = kept(tmp_path, a_run(), "one")
    for mode in (TagMode.WARN, TagMode.QUARANTINE):
        rules = TagRules(required=("team",), mode=mode)
        assert list(Door(LocalStore(tmp_path / mode), rules).files([path])) == [Added(1)]
    store = LocalStore(tmp_path / "strict")
    (told,) = Door(store, STRICT).files([path])
    assert told.files == 0
    assert told.bad[0].reason == "team is missing: state it"
    assert landed(store) == set()


def test_an_imported_run_and_its_telemetry_pass_the_same_door(tmp_path: Path) -> None:
    """Streams whose tags are right land without the others."""
    pytest.importorskip("pyarrow", reason="telemetry in a ledger needs the extra `ledger`")
    store = LocalStore(tmp_path / "ledger")
    door = Door(store, STRICT)
    assert door.run(a_run(subject=Subject(team="a")), "x.csv:2") == Added(1)
    assert door.run(a_run(), "x.csv:3").bad[0].place == "x.csv:3"
    with_team, without = (
        Samples(
            stream=Stream(
                source=SourceId(name="s"), host_id="h", device_id=name, component="gpu", subject=subject
            ),
            start_us=[0],
            end_us=[1_000_000],
            energy_uj=[5],
        )
        for name, subject in (("gpu-0", Subject(team="a")), ("gpu-1", Subject()))
    )
    told = door.samples([with_team, without], "http://prometheus")
    assert told.files == 1
    assert told.bad[0].place == "http://prometheus gpu-1"
    assert door.samples([without], "http://prometheus").files == 0
    assert len(landed(store)) == 2
