"""``wattmark demo`` as a user runs it, with a tenth of the work."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click
import pytest

from tests.cli.running import verb
from wattmark.cli.demo import command
from wattmark.cli.gate import command as gate
from wattmark.cli.ledger_totals import command as totals_of
from wattmark.cli.score import command as score
from wattmark.ledger.runfile import read_runs


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_demonstration_measures_in_turns_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The models take turns; each ruling has its reason; the commands it names work."""
    pytest.importorskip("sklearn", reason="the demonstration needs the extra `demo`")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    text = verb(command, "--quick", "--repeats", "2", "--out", "d").stdout
    (folder,) = (tmp_path / "d").iterdir()
    runs = [item.run for item in read_runs([folder / "baseline", folder / "leaner"])]
    in_order = sorted(runs, key=lambda run: run.started_at)
    assert [run.subject.model for run in in_order] == ["digits-wide", "digits-lean"] * 2
    assert "not reached: accuracy>=0.95" in text
    assert "the lean model, held against the wide one by wattmark-policy.toml:" in text
    assert "--world-average --pue 1 --lifetime-inferences 1e+07" in text
    assert (folder / "report.html").stat().st_size > 50_000
    scored = verb(
        score, folder / "leaner", "--baseline", folder / "baseline", "--world-average", "--pue", "1"
    )
    assert "--lifetime-inferences" in scored.stdout
    (line,) = (line for line in text.splitlines() if line.strip().startswith("wattmark gate "))
    decided = verb(gate, *shlex.split(line)[2:])
    assert decided.return_value in (0, 1, 3)
    assert "verdict:" in decided.stdout


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is measured."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(click.BadParameter, match="Directory 'taken' is a file"):
        verb(command, "--out", "taken")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_real_engine_is_served_and_every_joule_divided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Engine, agent, proxy and load: the requests' joules and idleness make up the device, and each tenant's
    tokens are in the ledger once.
    """
    for name in ("xllamacpp", "gguf"):
        pytest.importorskip(name, reason="serving needs the extra `serving-demo`")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_CONFIG", raising=False)
    arguments = ("--serving", "--seconds", "1", "--country", "DEU", "--out", "d")
    told = json.loads(verb(command, *arguments, "--json").stdout)
    assert told["requests"] > 10
    for device in told["devices"]:
        assert device["energy_joules"] > 0
        assert device["parts_joules"] == pytest.approx(device["energy_joules"], rel=1e-9)
    assert {s["tenant"] for s in told["services"] if s["requests"]} == {"chat", "search", "writer"}
    assert {s["model"] for s in told["services"]} == {"tiny"}
    folder = Path(told["folder"])
    assert in_ledger(folder, "model").keys() == {("tiny",)}
    parts = in_ledger(folder, "model,label.tenant")
    idle = parts.pop(("tiny", ""))
    assert parts.keys() == {("tiny", tenant) for tenant in ("chat", "search", "writer")}
    assert sum(parts.values()) + idle == pytest.approx(in_ledger(folder, "model")["tiny",], abs=1e-5)
    # The agent divides each second, `attribute` the minutes of the ledger, within which power is level: the
    # first and the last minute are in part idle.
    requests = sum(device["requests_joules"] for device in told["devices"])
    whole = sum(device["energy_joules"] for device in told["devices"])
    assert sum(parts.values()) == pytest.approx(requests, rel=0.05)
    assert idle == pytest.approx(whole - requests, abs=0.05 * whole)


def in_ledger(folder: Path, by: str) -> dict[tuple[str, ...], float]:
    """Joules of each group of the ledger's totals."""
    said = verb(totals_of, "--ledger", str(folder / "ledger"), "--by", by, "--json").stdout
    return {tuple(t["group"].values()): t["energy"]["value"] for t in json.loads(said)["totals"]}
