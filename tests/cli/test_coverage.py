"""``wattmark coverage``: what a ledger knows nothing of, from files to an answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("deltalake", reason="a ledger's tables need the extra `ledger`")

from tests.cli.ledgers import HOSTS, a_ledger, ask, filled, nothing_else, the_run
from tests.cli.running import kept, verb
from wattmark.cli.coverage import LACKING, command
from wattmark.core.errors import ConfigError
from wattmark.core.run import Place, Subject

HOUR = 3600


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    nothing_else(tmp_path, monkeypatch)


def told(ledger: Path, *arguments: object) -> dict[str, Any]:
    """What it says with --json."""
    body: dict[str, Any] = json.loads(verb(command, "--ledger", ledger, "--json", *arguments).stdout)
    return body


def lacks(body: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Where -> the lack, of one kind."""
    return {lack["where"]: lack for lack in body["lacks"] if lack["kind"] == kind}


def test_stages_that_nobody_measured_are_named_with_their_remedy(tmp_path: Path) -> None:
    """The ranker was served; its stages before, and all of the bidder's, were not named."""
    body = told(filled(tmp_path))
    missing = lacks(body, "stage")
    assert "model=ranker, stage=training" in missing
    assert "--model ranker --stage training" in missing["model=ranker, stage=training"]["fix"]
    assert "model=ranker, stage=inference" not in missing
    assert body["models"]["ranker"]["inference"] is True
    assert body["stage_share"] == pytest.approx(1 / 8)
    assert body["measured_share"] == 1.0
    assert lacks(body, "model")["model=(not stated)"]["energy_joules"] == 90.0


def test_what_the_settings_expect_is_what_is_missed(tmp_path: Path) -> None:
    """Stages, hosts and models that should be there; a pair that does not exist is not missed."""
    settings = """
[coverage]
stages = ["training", "inference"]
hosts = ["cccccccccccccccc", "dddddddddddddddd"]
models = ["ranker", "writer"]
[[coverage.without]]
model = "ranker"
stage = "training"
reason = "bought"
"""
    body = told(filled(tmp_path, settings))
    assert set(lacks(body, "host")) == {"host=dddddddddddddddd"}
    assert "model=writer" in lacks(body, "model")
    assert set(lacks(body, "stage")) >= {"model=bidder, stage=training", "model=bidder, stage=inference"}
    assert not [where for where in lacks(body, "stage") if "ranker" in where]


def test_a_slip_in_the_settings_names_its_place(tmp_path: Path) -> None:
    """A pair without a reason is refused: it would hide a lack for ever."""
    ledger = a_ledger(tmp_path, '[[coverage.without]]\nmodel = "a"\nstage = "b"\n')
    with pytest.raises(ConfigError, match=r"\[\[without\]\] 1 reason: is missing"):
        verb(command, "--ledger", ledger)


def test_hours_between_runs_are_not_known(tmp_path: Path) -> None:
    """Two runs of ten seconds, three hours apart: the hole between has its edges at quarters."""
    ledger = a_ledger(tmp_path)
    files = tmp_path / "runs"
    files.mkdir()
    for n, second in ((1, 0), (2, 3 * HOUR)):
        started = f"2026-11-01T{12 + second // HOUR:02d}:00:00.000000Z"
        run = the_run(n, "a", second, subject=Subject(model="m", stage="training"), started_at=started)
        kept(files, run, f"run-{n}")
    ask("add", files, "--ledger", ledger)
    (host,) = told(ledger)["hosts"]
    assert host["host"] == HOSTS["a"].id
    assert host["watched_seconds"] == 20.0
    assert host["asked_seconds"] == 3.25 * HOUR
    assert host["holes"] == [{"from": "2026-11-01T12:15:00Z", "to": "2026-11-01T15:00:00Z"}]
    day = told(ledger, "--in", "2026-11-01")["hosts"][0]
    assert day["share"] == pytest.approx(20 / 86400)
    assert [hole["from"][11:16] for hole in day["holes"]] == ["00:00", "12:15", "15:15"]
    later = told(ledger, "--from", "2026-11-01", "--to", "2026-11-01T13:00")["hosts"][0]
    assert later["watched_seconds"] == 10.0


def test_a_part_of_the_ledger_can_be_asked_for(tmp_path: Path) -> None:
    """Of one team: its models, and the machines that it used."""
    body = told(filled(tmp_path), "--where", "team=ads")
    assert list(body["models"]) == ["bidder"]
    assert [host["host"] for host in body["hosts"]] == [HOSTS["b"].id]


def test_energy_without_factors_is_named_by_zone(tmp_path: Path) -> None:
    """A zone that no table knows, and a site whose PUE nobody stated."""
    ledger = a_ledger(tmp_path, '[[site]]\nname = "lyon"\npue = 1.2\n')
    files = tmp_path / "runs"
    files.mkdir()
    kept(files, the_run(1, "a", 0, subject=Subject(zone="XYZ"), place=Place(site="lyon")), "run-1")
    kept(files, the_run(2, "b", 0, place=Place(country="FRA", site="oslo")), "run-2")
    ask("add", files, "--ledger", ledger)
    body = told(ledger)
    assert list(lacks(body, "intensity")) == ["zone=XYZ, site=lyon"]
    assert lacks(body, "pue") == {}, "a CPU alone is no node: no PUE is missing yet"
    assert lacks(body, "boundary") != {}


def test_the_text_has_shares_stages_machines_and_remedies(tmp_path: Path) -> None:
    """What a person looks for, in the order in which it is looked for."""
    text = verb(command, "--ledger", filled(tmp_path)).stdout
    wanted = [
        "stages of models that were measured",
        "machines' time that was watched",
        "energy that was measured, not estimated",
        "data_preparation",
        "a column a day (UTC)",
        "lacks",
        "[[coverage.without]]",
        "never measured (measured: inference)",
    ]
    places = [text.index(words) for words in wanted]
    assert places == sorted(places)
    assert all(len(line) <= 200 for line in text.splitlines())


def test_an_empty_ledger_has_nothing_to_tell_it_from(tmp_path: Path) -> None:
    """No shares of nothing, and no lack that could be named."""
    text = verb(command, "--ledger", a_ledger(tmp_path)).stdout
    assert text.count("nothing to tell it from") == 3
    assert "nothing is lacking that could be told from the ledger itself" in text


def test_check_fails_on_what_is_lacking(tmp_path: Path) -> None:
    """With 3, not enough evidence; without --check the same answer is no failure."""
    ledger = filled(tmp_path)
    assert verb(command, "--ledger", ledger, "--check").return_value == LACKING
    assert verb(command, "--ledger", ledger).return_value == 0
    (tmp_path / "other").mkdir()
    assert verb(command, "--ledger", a_ledger(tmp_path / "other"), "--check").return_value == 0
