"""``wattmark ledger utilisation``: how busy devices were, from the windows of an agent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("deltalake", reason="a ledger's tables need the extra `ledger`")

from tests.cli.ledgers import a_ledger, ask, nothing_else, told
from tests.core.serving.test_utilisation import US
from tests.ledger.landing import some_samples
from tests.ledger.test_utilisation import an_hour
from wattmark.core.run import Subject
from wattmark.core.serving.utilisation import utilisation_samples
from wattmark.ledger.inbox import land_samples
from wattmark.ledger.store import LocalStore

BEGAN = "2026-11-01T12:00Z"
MINUTES = 1_793_534_400 // 60


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    nothing_else(tmp_path, monkeypatch)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """An hour of one GPU from noon on the first of November: 5, 10, ... 60 % busy."""
    made = a_ledger(tmp_path)
    windows = an_hour(MINUTES)
    land_samples(LocalStore(made), [some_samples(), *utilisation_samples(windows, source=US)])
    return made


def test_the_kpi_comes_with_what_it_is_made_from(ledger: Path) -> None:
    """p10 of twelve windows is the second one, 10 %."""
    body = told("utilisation", "--ledger", ledger)
    assert body["efficiency"]["value"] == pytest.approx(0.10)
    assert (body["hosts"], body["devices"], body["first"]) == (1, 1, "2026-11-01T12:00:00Z")
    (row,) = body["rows"]
    assert (row["component"], row["signal"], len(row["windows_300s"])) == ("gpu", "nvml_busy_time", 12)
    shown = ask("utilisation", "--ledger", ledger).stdout
    assert "nvml_busy_time" in shown
    assert "1 host, 1 device" in shown


def test_how_busy_devices_were_is_nobodys_work(tmp_path: Path) -> None:
    """Totals have a row for the model that used energy, and none for nobody, who used nothing."""
    made = a_ledger(tmp_path)
    used = some_samples()
    chat = replace(used, stream=replace(used.stream, subject=Subject(model="chat")))
    land_samples(LocalStore(made), [chat, *utilisation_samples(an_hour(MINUTES), source=US)])
    rows = told("totals", "--ledger", made, "--by", "model")["totals"]
    assert [row["group"] for row in rows] == [{"model": "chat"}]


def test_less_than_an_hour_says_what_is_missing(ledger: Path) -> None:
    """Half an hour is six windows; the mean is told all the same."""
    body = told("utilisation", "--ledger", ledger, "--from", BEGAN, "--to", "2026-11-01T12:30Z")
    assert body["efficiency"]["status"] == "missing"
    assert len(body["rows"][0]["windows_300s"]) == 6


def test_a_machine_that_told_nothing_says_who_would(ledger: Path) -> None:
    """And names the command."""
    assert "wattmark agent" in ask("utilisation", "--ledger", ledger, "--component", "cpu").stdout


def test_busy_seconds_are_no_energy(ledger: Path) -> None:
    """Totals stay what they were: 21 uJ of a GPU."""
    body = told("totals", "--ledger", ledger)
    assert body["whole"]["observed_microjoules"] == 21
