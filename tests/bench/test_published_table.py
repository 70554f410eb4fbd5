"""The table of published datasets, and how one asks for them by name; files of one's own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.bench.own_queries import own_rows
from wattmark.bench.published import drawn_places
from wattmark.bench.published_table import (
    datasets_of,
    located,
    published_of,
    published_table,
    wanted,
)
from wattmark.core.bench.task import TASKS
from wattmark.core.errors import ConfigError, UsageError


def test_the_preset_of_each_task_has_three_datasets() -> None:
    """AI Energy Score takes thirds of three."""
    for task in TASKS.values():
        if task.inference:
            assert len([row for row in datasets_of(task.id) if row.preset == "aies"]) == 3, task.id


def test_rows_are_whole() -> None:
    """Known tasks, unique ids, commits of 40 digits or none, a licence or that none is stated."""
    rows = published_table()
    assert len({row.id for row in rows}) == len(rows)
    for row in rows:
        assert set(row.tasks) <= set(TASKS)
        assert row.licence
        assert re.fullmatch(r"([0-9a-f]{40})?", row.revision), row.id
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", row.hub), row.id


def test_a_row_that_lacks_something_is_named() -> None:
    """The id of the row is in the error."""
    with pytest.raises(ConfigError, match="odd"):
        published_of({"dataset": [{"id": "odd"}]})


def test_names_presets_revisions_and_folders() -> None:
    """Nothing is the preset; NAME@REVISION=FOLDER says which and where; a hub id is a name too."""
    assert [w.name for w in wanted("text_generation", ())] == ["wikitext", "oscar", "ultrachat"]
    one = wanted("reasoning", ["openai/gsm8k@abc=/data"])[0]
    assert (one.name, one.revision, one.folder) == ("gsm8k", "abc", Path("/data"))
    assert wanted("reasoning", ["gsm8k"])[0].revision.startswith("e53f0488")


def test_a_folder_goes_to_every_name_that_has_none() -> None:
    """--dataset-dir stands for all but files and what has a folder of its own."""
    assert located((), None) == ("aies",)
    assert located((), Path("/d")) == ("aies=/d",)
    assert located(("gsm8k", "x=/e", "own.jsonl"), Path("/d")) == ("gsm8k=/d", "x=/e", "own.jsonl")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("wikitex", "did you mean 'wikitext'"),
        ("imdb", "text_generation has no such dataset"),
        ("aies@abc", "no revision of its own"),
        ("nowhere.jsonl", "no such file"),
        ("=x", "no such dataset"),
    ],
)
def test_says_what_there_is_not(name: str, problem: str) -> None:
    """A UsageError with what is close."""
    with pytest.raises(UsageError, match=problem):
        wanted("text_generation", [name])


def test_a_dataset_is_asked_for_once() -> None:
    """Twice the same would be no thirds."""
    with pytest.raises(UsageError, match="twice"):
        wanted("text_generation", ["wikitext", "aies"])


@given(st.integers(0, 200), st.text(max_size=5))
def test_every_place_is_drawn_once(length: int, name: str) -> None:
    """A permutation, the same for the same name."""
    drawn = list(drawn_places(length, name))
    assert sorted(drawn) == list(range(length))
    assert drawn == list(drawn_places(length, name))


def test_reads_json_lines_and_csv(tmp_path: Path) -> None:
    """Blank lines of JSON lines are skipped; CSV may begin with a byte order mark and hold line breaks."""
    lines = tmp_path / "own.jsonl"
    lines.write_text('{"text": "a\\u2028b"}\n\n{"text": "c"}\n', encoding="utf-8")
    assert own_rows(lines) == [{"text": "a\u2028b"}, {"text": "c"}]
    table = tmp_path / "own.csv"
    table.write_text('\ufefftext,label\n"one\ntwo",x\n', encoding="utf-8")
    assert own_rows(table) == [{"text": "one\ntwo", "label": "x"}]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("own.jsonl", b'{"text": "a"}\n{"text": \n', r"own\.jsonl:2: is no JSON"),
        ("own.jsonl", b'["a"]\n', r"own\.jsonl:1: is no object"),
        ("own.jsonl", b"[" * 100_000, r"own\.jsonl:1: is no JSON"),
        ("own.jsonl", b"\n", "has no rows"),
        ("own.csv", b"text,label\na\n", r"own\.csv:2: has more or fewer cells"),
        ("own.csv", b"text\na,b\n", r"own\.csv:2: has more or fewer cells"),
        ("own.csv", b'text\n"a', r"own\.csv:1: unexpected end"),
        ("own.csv", b"\xff\xfe", "is not UTF-8"),
    ],
)
def test_names_file_and_line(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    """What cannot be read is told with its place; nothing is skipped."""
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(UsageError, match=problem):
        own_rows(file)
