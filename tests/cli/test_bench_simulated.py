"""A simulated benchmark through every door that shows its numbers: none of them looks measured."""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from wattmark.cli.main import cli

MODEL = """
def answer(texts):
    return ["positive" if "good" in text else "negative" for text in texts]
"""
ENERGY = re.compile(r"\d (?:k|m)?(?:J/query|Wh/1000|J|W)\b")


def said(*words: object) -> str:
    """What a command prints."""
    found = CliRunner().invoke(cli, [str(word) for word in words], standalone_mode=False)
    assert found.exception is None, found.exception
    return found.stdout


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A try in simulated time."""
    (tmp_path / "mine.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    out = said(
        *("bench", "text_classification", "--callable", "mine:answer", "--profile", "quick"),
        *("--simulated", 3, "--dataset", "synthetic", "--dtype", "float32", "--out", "o"),
    )
    assert_marked(out)
    (found,) = (tmp_path / "o").iterdir()
    return found


def assert_marked(text: str) -> None:
    """Every line with an energy or a power says simulated, or stands below a head that does."""
    lines = [line for line in text.splitlines() if ENERGY.search(line) and "up to" not in line]
    assert "SIMULATED" in text
    assert lines
    for line in lines:
        assert "simulated" in line or re.match(r"\d+ +[\d.]+ J ", line), line


def test_the_bundle_shown(bundle: Path) -> None:
    """Text, JSON and page."""
    text = said("bench", "show", bundle)
    assert_marked(text)
    assert "per query, simulated" in text
    assert "power over the phases, simulated" in text
    told = json.loads(said("bench", "show", bundle, "--json"))["result"]
    assert told["key"]["evidence"] == "simulated"
    assert told["energy"]["terms"]["evidence"] == "simulated"
    assert list(told["energy"]["grades"]) == ["E"]
    said("bench", "show", bundle, "--html", bundle.parent / "p.html")
    page = (bundle.parent / "p.html").read_text("utf-8")
    assert "Simulated: nothing was measured." in page
    assert page.count(", simulated") >= 6


def test_its_run_file_shown(bundle: Path) -> None:
    """Energy, and KPIs made of it."""
    text = said("show", bundle / "run.json")
    assert re.search(r"^energy .*, simulated, grade E", text, re.MULTILINE)
    assert re.search(r"^Inference Watts per Query .*, simulated, grade E", text, re.MULTILINE)


def test_on_a_board(bundle: Path, tmp_path: Path) -> None:
    """Page, JSON and CSV; never ranked."""
    said("leaderboard", bundle, "--out", tmp_path / "site")
    page = (tmp_path / "site" / "index.html").read_text("utf-8")
    assert re.search(r'<td class="energy".*<small>simulated, [\d.]+ to [\d.]+</small>', page)
    assert "simulated: nothing was measured</td>" in page
    (group,) = json.loads((tmp_path / "site" / "leaderboard.json").read_text())["tasks"][0]["groups"]
    assert group["key"]["evidence"] == "simulated"
    for name in ("wh_per_1000_queries", "joules_per_query"):
        assert group["rows"][0][name]["evidence"] == "simulated"
    assert group["rows"][0]["grade"] == "E"
    (cells,) = csv.DictReader((tmp_path / "site" / "leaderboard.csv").read_text().splitlines())
    assert (cells["grade"], cells["unranked"]) == ("E", "simulated: nothing was measured")
    assert cells["evidence"] == "simulated"


def test_on_a_label(bundle: Path, tmp_path: Path) -> None:
    """Drawing, document, badge and card; and no carbon, as nothing was emitted."""
    files = {kind: tmp_path / f"l.{kind}" for kind in ("svg", "json", "md")}
    badge = tmp_path / "badge.json"
    said(
        *("label", bundle, "--svg", files["svg"], "--json", files["json"], "--card", files["md"]),
        *("--badge", badge, "--badge-shows", "energy", "--country", "FRA"),
    )
    drawing = files["svg"].read_text("utf-8")
    assert "simulated energy per 1,000 queries" in drawing
    assert "grade: simulated, nothing was measured" in drawing
    assert json.loads(files["json"].read_text())["wh_per_1000_queries"]["evidence"] == "simulated"
    assert json.loads(badge.read_text())["message"].endswith("(simulated)")
    card = files["md"].read_text("utf-8")
    assert "co2_eq_emissions" not in card
    assert "Carbon | not stated: the energy is simulated" in card
    assert "Simulated, not measured, by wattmark" in card
    assert re.search(r"Energy per 1,000 queries \| .*, simulated", card)
    assert "Wh per 1,000 queries, simulated" in card
    said("label", "check", files["svg"], bundle)


def test_among_stars_and_choices(bundle: Path) -> None:
    """Unrated, and marked where somebody wants to see it all the same."""
    assert re.search(r"unrated  [\d.]+ simulated", said("stars", bundle))
    chosen = said("select", "--task", "text_classification", bundle, "--include-unrated")
    assert re.search(r"mine:answer .*simulated, unrated", chosen)


def test_in_a_sweep(bundle: Path, tmp_path: Path) -> None:
    """Table, plot and page."""
    words = ("bench", "sweep", "text_classification", "--callable", "mine:answer", "--profile", "quick",
             "--simulated", 3, "--dataset", "synthetic", "--batch-size", "1,2", "--out", tmp_path / "w",
             "--html", tmp_path / "w.html")  # fmt: skip
    text = said(*words)
    assert "energy per query, simulated" in text
    assert len(re.findall(r"J/query, simulated", text)) == 2
    assert "J/query, simulated" in (tmp_path / "w.html").read_text("utf-8")
