"""JSON lines from any language: what is right counts, what is wrong is named, nothing breaks the run."""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.measure.machine import Machine
from wattmark.core.plain import plain
from wattmark.core.run import Run
from wattmark.core.sound import first_fault
from wattmark.measure.journal import Journal
from wattmark.measure.loglines import KNOWN, LONGEST, LineReader, LineTaker
from wattmark.measure.recording import Recording
from wattmark.measure.settings import Settings


def taken(*lines: str | bytes, most: int = 10) -> Journal:
    """A journal after these lines, each a second after the one before."""
    journal = Journal(0.0, most)
    now = iter(range(1, 1000))
    taker = LineTaker(
        journal,
        lambda name, stage, parent: journal.begin(name, stage, parent, float(next(now))),
        lambda window: journal.end(window, float(next(now))),
    )
    for number, line in enumerate(lines, start=1):
        taker.take(number, line if isinstance(line, bytes) else line.encode())
    return journal


def test_every_kind_of_line_is_understood() -> None:
    """The five lines of the documentation."""
    journal = taken(
        '{"work": {"inferences": 100}, "failed": {"inferences": 2}}',
        '{"quality": {"accuracy": 0.97}}',
        '{"event": "begin", "window": "epoch 1", "stage": "training"}',
        '{"event": "end", "window": "epoch 1"}',
        '{"progress": 0.5}',
        '{"dataset": {"name": "digits", "rows": 1797, "declared": true}}',
        '{"work": {"flop": 1e9}, "precision": "fp16", "higher_is_better": false}',
    )
    assert journal.notes == []
    assert [(w.unit, w.count, w.failed) for w in journal.work] == [
        ("inferences", 100.0, 2.0),
        ("flop", 1e9, 0.0),
    ]
    assert [(w.name, w.stage, w.duration_seconds) for w in journal.kept_windows(9.0)] == [
        ("epoch 1", "training", 1.0)
    ]
    assert (journal.quality[0].value, journal.progress) == (0.97, 0.5)
    assert journal.dataset is not None
    assert journal.dataset.rows == 1797


def test_windows_with_ids_may_share_a_name_and_nest() -> None:
    """Two workers' epochs are two windows; a parent is named by its id."""
    journal = taken(
        '{"event": "begin", "window": "epoch", "id": "a"}',
        '{"event": "begin", "window": "epoch", "id": "b", "parent": "a"}',
        '{"work": {"samples": 5}, "id": "b"}',
        '{"event": "end", "id": "b"}',
        '{"event": "end", "id": "a"}',
    )
    outer, inner = journal.kept_windows(9.0)
    assert (inner.parent, journal.work[0].window, journal.notes) == (outer.id, inner.id, [])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("nonsense", "Expecting value"),
        ("[1]", "not a JSON object"),
        ('{"jobs": 1}', "unknown keys jobs"),
        ('{"work": 5}', "work must be an object"),
        ('{"work": {"inferences": -1}}', "not negative"),
        ('{"work": {"inferences": 1' + "0" * 400 + "}}", "not a number"),
        ('{"quality": {"loss": NaN}}', "not a finite number"),
        ('{"event": "begin"}', "needs the name"),
        ('{"event": "begin", "window": 5}', "window must be a text"),
        ('{"event": "begin", "window": "a", "stage": 5}', "stage must be a text"),
        ('{"event": "end", "window": "a"}', "'a' was not begun"),
        ('{"event": "pause", "window": "a"}', "begin or end"),
        ('{"precision": 16}', "precision must be a text"),
        ('{"higher_is_better": "yes"}', "higher_is_better must be true or false"),
        ('{"dataset": {"rows": "many"}}', "rows must be of type int"),
        ('{"dataset": {"rows": true}}', "rows must be of type int"),
        ('{"dataset": {"colour": "red"}}', "colour"),
        ('{"dataset": "digits"}', "dataset must be an object"),
        ("[" * 100_000, "recursion"),
        ('{"work": {"' + "x" * (1 << 20) + '": 1}}', "longer than 1 MiB"),
        (b'{"progress": "\xff"}', "codec can't decode"),
    ],
)
def test_a_wrong_line_is_named_and_the_next_one_counts(line: str | bytes, says: str) -> None:
    """The remark names line 1 and what is wrong with it."""
    journal = taken(line, '{"work": {"inferences": 1}}')
    assert len(journal.notes) == 1
    assert journal.notes[0].startswith("line 1 of the log was ignored: ")
    assert says in journal.notes[0]
    assert [w.count for w in journal.work] == [1.0]


def test_a_window_that_is_begun_twice_is_refused() -> None:
    """Else the first could never be ended."""
    line = '{"event": "begin", "window": "epoch"}'
    journal = taken(line, line)
    assert "'epoch' is open already" in journal.notes[0]
    assert len(journal.kept_windows(9.0)) == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
keys = st.sampled_from(sorted(KNOWN))
entries = st.dictionaries(
    keys,
    json_values
    | st.dictionaries(st.sampled_from(["name", "rows", "sha256", "declared", "accuracy"]), json_values)
    | st.sampled_from(["begin", "end"]),
)


@given(st.lists(entries.map(lambda e: json.dumps(e).encode()) | st.binary(max_size=40), max_size=6))
@settings(max_examples=200, deadline=None)
def test_whatever_is_written_the_run_file_stays_readable(lines: list[bytes]) -> None:
    """Any bytes at all give a run that passes the reader's validation."""
    machine = Machine()
    recording = Recording(Settings(), machine.world())
    recording.start()
    for number, line in enumerate(lines):
        recording._taker.take(number, line)
    run = recording.stop()
    text = json.dumps(plain(run), ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    assert first_fault(msgspec.json.decode(text, type=Run)) is None


# --- following a file -------------------------------------------------------------------------------


def test_a_line_counts_once_it_is_ended(tmp_path: Path) -> None:
    """Half a line waits for its other half; numbers stay those of the file."""
    path = tmp_path / "log"
    reader = LineReader(path)
    assert not reader.grown()
    assert list(reader.new_lines()) == []
    path.write_bytes(b"one\n\ntw")
    assert list(reader.new_lines()) == [(1, b"one\n")]
    assert list(reader.new_lines()) == []
    path.write_bytes(b"one\n\ntwo\nthree")
    assert reader.grown()
    assert list(reader.new_lines()) == [(3, b"two\n")]
    assert list(reader.new_lines(final=True)) == [(4, b"three")]
    assert not reader.grown()


def lines_of(reader: LineReader, final: bool = False) -> list[bytes]:
    return [line for _, line in reader.new_lines(final)]


def test_a_log_that_is_written_anew_is_noticed(tmp_path: Path) -> None:
    """``>`` in place of ``>>``: what can be read is read, and that lines may be lost is said."""
    log = tmp_path / "log"
    reader = LineReader(log)
    log.write_bytes(b'{"work": {"a": 1}}\n')
    assert len(lines_of(reader)) == 1
    log.write_bytes(b'{"work": {"bb": 22}}\n')
    assert reader.grown()
    assert lines_of(reader) == [b'{"work": {"bb": 22}}\n']
    os.utime(log, ns=(1, 1))  # written again with the same content
    assert reader.grown()
    assert lines_of(reader) == []
    assert len(reader.problems) == 2
    assert all("append to it" in problem for problem in reader.problems)
    assert not reader.grown()


def test_a_line_without_end_is_not_held_in_memory(tmp_path: Path) -> None:
    """Its beginning is one bad line; the one after it counts."""
    log = tmp_path / "log"
    reader = LineReader(log)
    with log.open("wb") as file:
        for _ in range(40):
            file.write(b"x" * (1 << 20))
            file.flush()
            assert all(len(line) == LONGEST + 1 for line in lines_of(reader))
        file.write(b'\n{"progress": 0.5}\n')
    told = list(reader.new_lines(True))
    assert told == [(2, b'{"progress": 0.5}\n')]


def test_a_last_line_without_newline_counts_at_the_end(tmp_path: Path) -> None:
    """Although nothing was written since it was seen."""
    log = tmp_path / "log"
    reader = LineReader(log)
    log.write_bytes(b'{"progress": 0.5}')
    assert lines_of(reader) == []
    assert not reader.grown()
    assert lines_of(reader, final=True) == [b'{"progress": 0.5}']


def test_a_log_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """Not an empty one, but one that was there and is no file."""
    (tmp_path / "log").mkdir()
    reader = LineReader(tmp_path / "log")
    assert lines_of(reader) == []
    assert reader.problems == ["the log could not be read: Is a directory"]


@pytest.mark.parametrize("rows", [10**40, -1])
def test_an_impossible_size_of_a_dataset_is_refused(rows: int) -> None:
    """The run file would not be readable."""
    journal = taken(json.dumps({"dataset": {"name": "d", "rows": rows}}))
    assert journal.dataset is None
    assert "dataset: rows" in journal.notes[0]


def test_a_log_that_nobody_wrote_to_is_no_trouble(tmp_path: Path) -> None:
    """A command that says nothing leaves no file, and no remark about it."""
    reader = LineReader(tmp_path / "log.jsonl")
    assert list(reader.new_lines(final=True)) == []
    assert reader.problems == []
