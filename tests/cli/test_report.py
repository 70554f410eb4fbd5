"""``wattmark report`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from tests.reports.sample import a_real_run
from wattmark.cli.report import command
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.run import Run, Subject


def kept(folder: Path, run: Run, name: str) -> Path:
    """The run as a file."""
    path = folder / f"{name}.run.json"
    path.write_bytes(msgspec.json.encode(run))
    return path


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_CONFIG", raising=False)


def report(*arguments: object) -> Result:
    """Run the verb; errors come through as they are raised."""
    return CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=False)


@pytest.fixture
def now(tmp_path: Path) -> Path:
    """The sample run."""
    return kept(tmp_path, a_real_run(), "now")


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """A run that used 1.6 times as much."""
    older = a_real_run(
        1.6, record_id="9b1a77d0-0000-4000-8000-00000000000b", started_at="2026-10-20T09:30:00Z"
    )
    return kept(tmp_path, older, "before")


def test_a_page_is_written_with_the_hash_of_its_evidence(tmp_path: Path, now: Path) -> None:
    """The page names the file and its SHA-256, and says on standard error where it went."""
    page = tmp_path / "page.html"
    done = report(now, "--html", page, "--country", "FRA", "--pue", "1.2")
    assert done.exit_code == 0
    assert f"wrote {page}" in done.stderr
    assert done.stdout == ""
    html = page.read_text(encoding="utf-8")
    assert "digits-mlp 2" in html
    assert "now.run.json" in html
    assert "sha256:" in html


def test_markdown_goes_to_standard_output(now: Path, before: Path) -> None:
    """With a baseline each KPI has its ratio."""
    done = report(now, "--baseline", before, "--md")
    assert done.stdout.startswith("### wattmark: digits-mlp 2")
    assert "| Baseline | Ratio |" in done.stdout
    assert "1.60 (1.42 to 1.78)" in done.stdout


def test_json_has_its_schema(now: Path) -> None:
    """A schema id, a version, and the title that was asked for."""
    told = json.loads(report(now, "--json", "--title", "review 7").stdout)
    assert (told["schema"], told["schema_version"], told["title"]) == ("wattmark.report", 1, "review 7")
    assert told["files"][0]["name"] == "now.run.json"


def test_several_forms_at_once(tmp_path: Path, now: Path) -> None:
    """The page into a file and JSON on standard output."""
    page = tmp_path / "page.html"
    done = report(now, "--html", page, "--json")
    assert json.loads(done.stdout)["schema"] == "wattmark.report"
    assert page.exists()


def test_a_dash_is_standard_output(now: Path) -> None:
    """Nothing but the page."""
    assert report(now, "--html", "-").stdout.startswith("<!doctype html>")


def test_a_form_must_be_chosen(now: Path) -> None:
    """The error names all three."""
    with pytest.raises(UsageError, match=r"--html report\.html, --md or --json"):
        report(now)


def test_evidence_is_never_overwritten(now: Path, before: Path) -> None:
    """``--md RUN`` takes the run for the file to write: refused, and the run is whole."""
    text = now.read_bytes()
    with pytest.raises(UsageError, match=r"would be overwritten"):
        report("--md", now, before)
    assert now.read_bytes() == text


def test_what_cannot_be_written_says_why(tmp_path: Path, now: Path) -> None:
    """A folder that is not there."""
    with pytest.raises(UsageError, match=r"cannot write .*: No such file or directory"):
        report(now, "--html", tmp_path / "none" / "page.html")


def test_what_is_no_run_file_is_named(tmp_path: Path) -> None:
    """The error carries the path."""
    other = tmp_path / "x.run.json"
    other.write_text("{}")
    with pytest.raises(EvidenceError, match=r"x\.run\.json"):
        report(other, "--json")


def test_a_baseline_brings_a_score_and_a_policy_a_verdict(tmp_path: Path, now: Path, before: Path) -> None:
    """Both are in the document; the limit is judged as the gate would."""
    policy = tmp_path / "wattmark-policy.toml"
    policy.write_text('[[limit]]\nkpi = "energy_to_solution"\nmax_increase = 0.05\n')
    place = ("--intensity", "56", "--pue", "1.2", "--rubric", "training")
    told = json.loads(report(now, "--json", "--baseline", before, "--policy", policy, *place).stdout)
    assert told["score"]["rubric"].startswith("training")
    assert told["verdict"]["findings"][0]["kpi"] == "energy_to_solution"
    assert told["comparisons"]


def test_runs_that_may_not_be_scored_still_make_a_report(tmp_path: Path, now: Path) -> None:
    """Another task: no score, the reason in front, and the report is written."""
    other = a_real_run(2.0, record_id="other", subject=Subject(model="m", task="translation"))
    against = kept(tmp_path, other, "other")
    told = report(now, "--md", "--baseline", against).stdout
    assert "No score: these runs and this baseline may not be compared: task" in told
    assert "Score" not in told.split("No score")[0]


def test_several_runs_are_repeats_unless_they_are_said_to_be_one(tmp_path: Path, now: Path) -> None:
    """Twice the same work: a mean of two, or with --as-one the sum."""
    again = kept(tmp_path, a_real_run(record_id="again", started_monotonic_seconds=2000.0), "again")
    mean = json.loads(report(now, again, "--json").stdout)
    whole = json.loads(report(now, again, "--json", "--as-one").stdout)
    energy = [told["kpis"]["energy_to_solution"]["value"] for told in (mean, whole)]
    assert energy[1] == pytest.approx(2 * energy[0])
    assert len(mean["remarks"]) == 1
    assert whole["remarks"] == []
