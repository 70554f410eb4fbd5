"""``wattmark report --format sci`` and ``sci-ai`` as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.cli.running import kept
from tests.reports.sample import a_real_run
from wattmark.cli.report import command
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.run import Subject, Work

STATED = """
[tags]
organisation = "Example"

[embodied]
total_kg = 1000
lifespan_years = 4

[sci]
application_description = "classifies digits"
accountable_organisation = "Example"
accountable_person = "Head of ML"
accountable_contact = "ml@example.com"
functional_unit_rationale = "what is sold"
summary = "Mostly electricity."
normalisation = "gross"
assumptions = ["one machine", "no network"]
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_CONFIG", raising=False)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """An inference run of a thousand images, whole."""
    sample = a_real_run(
        subject=Subject(model="digits", model_version="2", stage="inference"),
        work=(Work(unit="images", count=1000.0),),
        windows=(),
    )
    return kept(tmp_path, sample, "now")


def report(*arguments: object) -> Result:
    """Run the verb; errors come through as they are raised."""
    place = ("--country", "FRA", "--pue", "1.2")
    return CliRunner().invoke(command, [str(a) for a in (*arguments, *place)], catch_exceptions=False)


def stated(folder: Path, text: str = STATED) -> None:
    (folder / "wattmark.toml").write_text(text)


def test_a_whole_report_passes_its_check(tmp_path: Path, run: Path) -> None:
    """Components add up to the score, and everything that is asked for is there."""
    stated(tmp_path)
    done = report(run, "--format", "sci", "--json", "--check")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["schema"], told["schema_version"]) == ("wattmark.sci-report", 1)
    assert told["unit"] == "gCO2e/image"
    assert sum(c["sci"] for c in told["components"]) == pytest.approx(told["sci"])
    assert told["sci"] * told["R_units"] == pytest.approx(told["O_grams"] + told["M_grams"])
    assert told["figure"]["terms"]["accounting"] == "location"
    assert {m["kind"] for m in told["methodologies"]} == set("EIMR")
    assert (told["application_name"], told["organisation"]) == ("digits", "Example")


def test_what_nobody_stated_fails_the_check_and_is_named(tmp_path: Path, run: Path) -> None:
    """Exit 3, not enough evidence; without the check the report is written all the same."""
    stated(tmp_path, STATED.partition("[sci]")[0])
    done = report(run, "--format", "sci", "--check")
    assert done.exit_code == 3
    assert "missing: accountable_person is empty" in done.stderr
    assert "**Accountable Person:** *not stated*" in done.stdout
    assert report(run, "--format", "sci").exit_code == 0


def test_markdown_follows_the_template(tmp_path: Path, run: Path) -> None:
    """In its order, to a file."""
    stated(tmp_path)
    page = tmp_path / "sci.md"
    assert report(run, "--format", "sci", "--md", page).exit_code == 0
    text = page.read_text(encoding="utf-8")
    order = ["# digits SCI report", "**Breakdown:**", "## Coefficients", "## Summary", "## Functional Unit"]
    order += ["## Methodologies", "## Component Breakdown", "95 % interval"]
    places = [text.index(head) for head in order]
    assert places == sorted(places)
    assert "| EL | expected lifespan | 35064 | h |" in text


def test_the_consumers_score_states_persona_normalisation_and_assumptions(tmp_path: Path, run: Path) -> None:
    """A report of its own schema."""
    stated(tmp_path)
    done = report(run, "--format", "sci-ai", "--persona", "consumer", "--json", "--check")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["schema"] == "wattmark.sci-ai-report"
    assert (told["persona"], told["normalisation"]) == ("consumer", "gross")
    assert told["assumptions"] == ["one machine", "no network"]
    text = report(run, "--format", "sci-ai", "--persona", "consumer").stdout
    assert "# digits SCI for AI report" in text
    assert "- no network" in text


def test_the_other_personas_runs_have_no_score(tmp_path: Path, run: Path) -> None:
    """Inference is not the provider's."""
    stated(tmp_path)
    with pytest.raises(EvidenceError, match="there is no score: missing: runs of the provider alone"):
        report(run, "--format", "sci-ai", "--persona", "provider")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "sci-ai"], "needs --persona consumer or --persona provider"),
        (["--format", "sci", "--persona", "consumer"], "--persona is for --format sci-ai"),
        (["--check"], "--check is for --format sci"),
        (["--format", "sci", "--html", "x.html"], "is written as Markdown or as JSON"),
        (["--format", "sci", "--md", "x.md", "--json"], "is written as Markdown or as JSON"),
        (["--format", "sci", "--md", "x.run.json"], "would be overwritten"),
    ],
)
def test_options_that_contradict_each_other_are_refused(run: Path, options: list[str], message: str) -> None:
    """With what to do."""
    with pytest.raises(UsageError, match=message):
        report(run, *options)


def test_without_embodied_carbon_there_is_no_sci(run: Path) -> None:
    """M is never zero for unknown."""
    with pytest.raises(EvidenceError, match="missing: embodied carbon"):
        report(run, "--format", "sci")
    checked = report(run, "--format", "sci", "--check")
    assert checked.exit_code == 3, "what is missing is missing evidence where it is checked"
    assert "missing: embodied carbon" in checked.stderr
    assert checked.stdout == ""
