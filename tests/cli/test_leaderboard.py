"""``wattmark leaderboard``: results in, a site out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import verb
from tests.reports.board_results import a_published, a_result
from wattmark.bench.results import write_results
from wattmark.cli.leaderboard import command
from wattmark.core.errors import EvidenceError, UsageError

PUBLISHED = """task,model,gpu_wh_per_1000,model_class,cohort,published_stars
text generation,lab/a,1.0,A,Dec 25,5
text generation,lab/b,6.0,A,Dec 25,1
"""


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two results of one key and a published one."""
    file = tmp_path / "results.json"
    write_results([a_result("lab/one"), a_result("lab/two", 72.0), a_published()], file)
    return file


def test_a_site_is_written_and_told_of(results: Path, tmp_path: Path) -> None:
    """Three files; counts on one line."""
    done = verb(command, results, "--out", tmp_path / "site", "--title", "Ours & theirs")
    assert "3 results, 1 task, 2 groups of equal keys, 2 ranked" in done.output
    assert sorted(p.name for p in (tmp_path / "site").iterdir()) == [
        *("index.html", "leaderboard.csv", "leaderboard.json"),
    ]
    assert "<bdi>Ours &amp; theirs</bdi>" in (tmp_path / "site" / "index.html").read_text("utf-8")
    told = json.loads((tmp_path / "site" / "leaderboard.json").read_text("utf-8"))
    assert (told["schema"], told["schema_version"], told["title"]) == (
        "wattmark.leaderboard",
        1,
        "Ours & theirs",
    )
    again = verb(command, results, "--out", tmp_path / "site")
    assert again.return_value in (None, 0)


def test_json_goes_to_standard_output(results: Path) -> None:
    """Without a site."""
    told = json.loads(verb(command, results, "--json").output)
    ranks = [row["rank"] for task in told["tasks"] for group in task["groups"] for row in group["rows"]]
    assert ranks == [{"first": 1, "last": 1}, {"first": 2, "last": 2}, None]


def test_published_tables_get_their_stars_and_no_rank(tmp_path: Path) -> None:
    """1 and 6 Wh: five bands of 1 Wh, 5 stars and 1."""
    table = tmp_path / "cohort.csv"
    table.write_text(PUBLISHED, encoding="utf-8")
    told = json.loads(verb(command, table, "--mode", "aies", "--json").output)
    rows = told["tasks"][0]["groups"][0]["rows"]
    assert [(row["model"], row["stars"], row["rank"], row["grade"]) for row in rows] == [
        *(("lab/a", 5, None, "E"), ("lab/b", 1, None, "E")),
    ]


def test_bundles_are_linked_where_they_lie(results: Path, tmp_path: Path) -> None:
    """Below an address; scripts are refused."""
    verb(command, results, "--out", tmp_path / "site", "--bundles", "https://b.example/x")
    assert 'href="https://b.example/x/one.wattmark"' in (tmp_path / "site" / "index.html").read_text("utf-8")
    with pytest.raises(UsageError, match="http or https"):
        verb(command, results, "--out", tmp_path / "site", "--bundles", "javascript:alert(1)")


def test_somebody_elses_page_is_never_overwritten(results: Path, tmp_path: Path) -> None:
    """It stays as it was."""
    (tmp_path / "index.html").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="is no leaderboard"):
        verb(command, results, "--out", tmp_path)
    assert (tmp_path / "index.html").read_text("utf-8") == "mine"


def test_bad_input_is_named(results: Path, tmp_path: Path) -> None:
    """Nowhere to write, a file that is none, a folder that cannot be."""
    with pytest.raises(UsageError, match="--out FOLDER"):
        verb(command, results)
    (tmp_path / "bad.json").write_text("{", encoding="utf-8")
    with pytest.raises(EvidenceError, match=r"bad\.json"):
        verb(command, tmp_path / "bad.json", "--json")
    with pytest.raises(UsageError, match="cannot write"):
        verb(command, results, "--out", results)
