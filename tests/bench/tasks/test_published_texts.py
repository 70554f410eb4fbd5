"""Queries of published datasets, by the real `datasets` library from local copies in the hub's layout."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from wattmark.bench import catalog
from wattmark.bench.asking import QuerySet
from wattmark.bench.query_hash import query_set_sha256
from wattmark.core.bench.task import TASKS
from wattmark.core.errors import UsageError

datasets = pytest.importorskip("datasets", reason="needs datasets (extra bench)")
pytestmark = pytest.mark.slow


def parquet(
    folder: Path, rows: Sequence[Mapping[str, Any]], *, config: str = "", split: str = "test"
) -> None:
    """A copy as the hub has it: README.md with its configurations, Parquet files in a folder for each."""
    folder.mkdir(parents=True, exist_ok=True)
    name = config or "default"
    datasets.Dataset.from_list(list(rows)).to_parquet(folder / name / f"{split}-00000-of-00001.parquet")
    files = f"{name}/{split}-*.parquet"
    head = f"configs:\n- config_name: {name}\n  data_files:\n  - split: {split}\n    path: {files}\n"
    (folder / "README.md").write_text(f"---\n{head}---\n")


def lines(folder: Path, rows: Sequence[Mapping[str, Any]], *, split: str = "test") -> None:
    """A copy as plain JSON lines, named by the split."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Copies of the three datasets of text generation; a third of wikitext's rows are blank."""
    wiki = [{"text": "" if n % 3 == 0 else f"wiki {n}"} for n in range(30)]
    parquet(tmp_path / "wikitext", wiki, config="wikitext-103-raw-v1")
    lines(tmp_path / "oscar-corpus--oscar", [{"text": f"oscar {n}"} for n in range(20)], split="train")
    chats = [{"prompt": f"chat {n}", "messages": []} for n in range(20)]
    parquet(tmp_path / "HuggingFaceH4" / "ultrachat_200k", chats, split="test_gen")
    return tmp_path


def published(task: str, *names: str, count: int = 9, seed: int = 0) -> QuerySet:
    return catalog.part_of(TASKS[task]).published(names, count, seed)


def test_thirds_of_three_taking_turns(texts: Path) -> None:
    """Ten are 4, 3 and 3, one of each after the other; blank rows are left out; the pin says all of it."""
    found = published("text_generation", f"aies={texts}", count=10)
    assert [query.part for query in found.queries[:4]] == ["wikitext", "oscar", "ultrachat", "wikitext"]
    assert found.pin.parts == (("wikitext", 4), ("oscar", 3), ("ultrachat", 3))
    assert found.pin.name == "wikitext+oscar+ultrachat"
    assert not found.pin.synthetic
    assert found.pin.sha256 == query_set_sha256(found.queries)
    assert [query.index for query in found.queries] == list(range(10))
    words = {query.inputs["text"].split()[0] for query in found.queries}
    assert words == {"wiki", "oscar", "chat"}


def test_rows_are_drawn_by_the_seed(texts: Path) -> None:
    """The same seed asks the same rows, another seed others; no row comes twice."""
    first, again, other = (published("text_generation", f"aies={texts}", seed=s) for s in (1, 1, 2))
    assert first == again
    assert first.pin.sha256 != other.pin.sha256
    asked = [query.inputs["text"] for query in first.queries]
    assert len(set(asked)) == len(asked)


def test_no_path_is_kept(texts: Path) -> None:
    """The pin names datasets, never folders."""
    assert str(texts) not in repr(published("text_generation", f"aies={texts}").pin)


@pytest.mark.parametrize(
    ("task", "id", "row", "inputs", "reference"),
    [
        (
            "summarization",
            "cnn-dailymail",
            {"article": "long", "highlights": "short"},
            {"text": "long"},
            "short",
        ),
        (
            "question_answering",
            "squad-v2",
            {"question": "q?", "context": "c", "answers": {"text": ["a", "b"], "answer_start": [0, 1]}},
            {"question": "q?", "context": "c"},
            ["a", "b"],
        ),
        (
            "text_classification",
            "tweet-eval",
            {"text": "t", "label": 2},
            {"text": "t"},
            {"label": "positive", "labels": ["negative", "neutral", "positive"]},
        ),
        (
            "sentence_similarity",
            "sts-b",
            {"sentence1": "a", "sentence2": "b", "label": 2.5},
            {"first": "a", "second": "b"},
            0.5,
        ),
        (
            "sentence_similarity",
            "sentence-compression",
            {"set": ["a", "b"]},
            {"first": "a", "second": "b"},
            None,
        ),
        ("reasoning", "gsm8k", {"question": "1 + 1?", "answer": "#### 2"}, {"text": "1 + 1?"}, "#### 2"),
    ],
)
def test_columns_become_queries(
    tmp_path: Path, task: str, id: str, row: dict[str, Any], inputs: dict[str, Any], reference: Any
) -> None:
    """Each dataset's own columns are asked and held against as its task wants them."""
    split = {"squad-v2": "validation", "sts-b": "validation", "sentence-compression": "train"}.get(id, "test")
    config = {"cnn-dailymail": "3.0.0", "tweet-eval": "sentiment", "sts-b": "stsb", "gsm8k": "main"}.get(
        id, ""
    )
    parquet(tmp_path / id, [row], config=config, split=split)
    query = published(task, f"{id}={tmp_path}", count=1).queries[0]
    assert (query.inputs, query.reference, query.part) == (inputs, reference, id)


def test_datasets_saved_to_disk_are_read(tmp_path: Path) -> None:
    """What `save_to_disk` wrote, with splits."""
    rows = datasets.Dataset.from_list([{"question": "q", "answer": "#### 1"}])
    datasets.DatasetDict({"test": rows}).save_to_disk(tmp_path / "gsm8k")
    assert published("reasoning", f"gsm8k={tmp_path}", count=1).queries[0].inputs == {"text": "q"}


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda folder: None, "no folder gsm8k or openai/gsm8k"),
        (lambda folder: parquet(folder, [{"question": "q", "answer": "a"}], config="socratic"), "socratic"),
        (
            lambda folder: parquet(folder, [{"question": "q", "answer": "a"}], config="main", split="train"),
            "test",
        ),
        (lambda folder: parquet(folder, [{"query": "q"}], config="main"), "row 0 has no 'question'"),
        (
            lambda folder: parquet(folder, [{"question": "", "answer": "a"}], config="main"),
            "0 of its 1 rows can be asked",
        ),
        (
            lambda folder: parquet(folder, [{"question": "q", "answer": "a"}], config="main"),
            "1 of its 1 rows can be asked: ask fewer",
        ),
    ],
)
def test_says_what_a_copy_lacks(tmp_path: Path, make: Any, problem: str) -> None:
    """No copy, other configuration, split or columns, blank or too few rows: an error that names it."""
    make(tmp_path / "gsm8k")
    with pytest.raises(UsageError, match=problem):
        published("reasoning", f"gsm8k={tmp_path}", count=2)


def test_says_that_the_hub_needs_a_copy() -> None:
    """OSCAR is behind a script: the error says what to do, before any network."""
    with pytest.raises(UsageError, match="put a copy into a folder"):
        published("text_generation", "oscar")


def test_a_preset_that_the_hub_gives_in_part_is_refused_at_once() -> None:
    """Before the others are fetched; and it says how those can be asked."""
    with pytest.raises(UsageError, match=r"--dataset oscar .*; --dataset wikitext,ultrachat asks the others"):
        published("text_generation", "aies")


def test_files_of_ones_own(tmp_path: Path) -> None:
    """All of its rows where it has fewer than asked; the pin has its name without the folder."""
    own = tmp_path / "mine.jsonl"
    own.write_text('{"text": "go on", "reference": "and on"}\n{"text": " "}\n{"text": "more"}\n')
    found = published("text_generation", str(own), count=50)
    assert sorted((q.inputs["text"], q.reference) for q in found.queries) == [
        ("go on", "and on"),
        ("more", None),
    ]
    assert (found.pin.name, found.pin.parts) == ("own/mine.jsonl", (("own/mine.jsonl", 2),))


def test_a_row_of_ones_own_that_lacks_something_is_named(tmp_path: Path) -> None:
    """Which row, and what is there instead: a header with semicolons shows at once."""
    own = tmp_path / "mine.csv"
    own.write_text("text;label\na;b\n")
    with pytest.raises(
        UsageError, match=r"no text in the column 'text' \(row 1 of the file has text;label\)"
    ):
        published("text_generation", str(own), count=1)


def test_a_file_of_another_kind_is_told(tmp_path: Path) -> None:
    """It is there: what is wrong is its name."""
    own = tmp_path / "mine.txt"
    own.write_text("{}")
    with pytest.raises(UsageError, match=r"mine.txt: a file of your own ends in \.jsonl or \.csv"):
        published("text_generation", str(own), count=1)


def test_classes_of_ones_own_are_those_of_the_file(tmp_path: Path) -> None:
    """A row knows the classes of all rows, so that another class of the file is wrong and not unknown."""
    own = tmp_path / "mine.csv"
    own.write_text("text,label\na,good\nb,bad\nc,\n")
    found = {q.inputs["text"]: q.reference for q in published("text_classification", str(own)).queries}
    assert found == {
        "a": {"label": "good", "labels": ["bad", "good"]},
        "b": {"label": "bad", "labels": ["bad", "good"]},
        "c": None,
    }


@pytest.mark.parametrize(
    ("task", "row", "problem"),
    [
        ("text_generation", {"prompt": "x"}, "no text in the column 'text'"),
        ("question_answering", {"question": "x"}, "no text in the column 'context'"),
        ("sentence_similarity", {"first": "a", "second": "b", "score": "much"}, "a score is no number"),
        ("sentence_similarity", {"first": "a", "second": "b", "score": "inf"}, "a score is not finite"),
        ("text_classification", {"text": "a", "label": 3}, "class 3 has no name"),
    ],
)
def test_names_the_column_of_ones_own_that_is_wrong(
    tmp_path: Path, task: str, row: dict[str, Any], problem: str
) -> None:
    """The name of the file and the column are in the error."""
    own = tmp_path / "mine.jsonl"
    own.write_text(json.dumps(row) + "\n")
    with pytest.raises(UsageError, match=problem):
        published(task, str(own), count=1)
