"""``wattmark attribute``: a log and power in, who used what out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow", reason="samples of power need the extra `attribute`")

from tests.cli.ledgers import nothing_else
from tests.cli.running import verb
from tests.wiring.test_attribution import a_log, some_power
from wattmark.cli.attribute import command
from wattmark.core.errors import UsageError
from wattmark.core.run import SourceId
from wattmark.core.telemetry import Samples, Stream
from wattmark.ledger.door import Door
from wattmark.wiring.ledger import open_ledger


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    nothing_else(tmp_path, monkeypatch)


@pytest.fixture
def named(tmp_path: Path) -> list[object]:
    """Chat from 0 to 10 s, code from 5 to 15 s, 100 W for 20 s."""
    log = a_log(tmp_path / "requests.jsonl", (0, 10, "chat"), (5, 15, "code"))
    return ["--requests", log, "--power", some_power(tmp_path / "power.csv")]


def told(*arguments: object) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(verb(command, *arguments, "--json").output)
    return document


def test_shows_what_each_model_used(named: list[object]) -> None:
    """750 J each, and how it is known."""
    shown = verb(command, *named).output
    assert "2 requests, divided by request_tokens" in shown
    assert (
        "chat   1          0       750 J ±10 %  750 J ±10 %" in " ".join(shown.split("  "))
        or "750 J" in shown
    )
    assert "samples, grade C" in shown
    assert "grid intensity is not known: give --region, --country or --intensity" in shown


def test_tells_the_same_as_json(named: list[object]) -> None:
    """With a schema, intervals, and what is missing or too much in the parts of a device."""
    document = told(*named, "--intensity", 360)
    assert (document["schema"], document["schema_version"]) == ("wattmark.attribution", 1)
    assert set(document) == {
        *("schema", "schema_version", "host_id", "from", "to", "seconds", "attribution_rule", "by", "groups"),
        *("input_token_cost", "devices", "requests", "logs", "notes", "written_to"),
    }
    chat, code = document["groups"]
    assert (chat["model"], code["model"]) == ("chat", "code")
    assert chat["energy"]["attributed"]["value"] == pytest.approx(750)
    assert chat["joules_per_output_token"]["attributed"]["value"] == pytest.approx(7.5)
    assert chat["grams_per_inference"]["attributed"]["value"] == pytest.approx(0.075)
    (device,) = document["devices"]
    assert device["energy"]["value"] == pytest.approx(1500)
    assert device["conservation_error"] < 1e-9
    assert document["logs"][0]["requests"] == 2


def test_what_has_landed_in_a_ledger_is_folded_first(tmp_path: Path) -> None:
    """An agent's windows lie in the inbox until somebody reads: 100 W for 20 s."""
    pytest.importorskip("deltalake", reason="a ledger needs the extra `ledger`")
    log = a_log(tmp_path / "requests.jsonl", (0, 10, "chat"), (5, 15, "code"))
    begin_us = 1_790_000_000_000_000
    stream = Stream(source=SourceId(name="agent:rapl"), host_id="h", device_id="cpu:0", component="cpu")
    landed = Samples(
        stream=stream, start_us=[begin_us], end_us=[begin_us + 20_000_000], energy_uj=[2 * 10**9]
    )
    ledger = open_ledger(str(tmp_path / "ledger"), begin=True)
    Door(ledger.store, ledger.settings.tags).samples([landed], "stream")
    for spec in (f"ledger:{tmp_path / 'ledger'}", tmp_path / "ledger"):
        (device,) = told("--requests", log, "--power", spec)["devices"]
        assert device["energy"]["value"] == pytest.approx(1500)


def test_places_and_reservations_are_kept(named: list[object]) -> None:
    """Only chat is on the device: of 20 s it used 1000 J, and half of the 1000 J of idle time is its."""
    span = ["--from", "2026-09-21T14:13:20Z", "--to", "2026-09-21T14:13:40Z"]
    document = told(*named, "--place", "chat=gpu:0", "--reserved", "chat=50%", *span)
    chat, code = document["groups"]
    assert chat["energy"]["attributed"]["value"] == pytest.approx(1000)
    assert chat["idle_energy"]["value"] == pytest.approx(500)
    assert code["energy"]["attributed"]["status"] == "missing"
    assert document["devices"][0]["unallocated_joules"] == pytest.approx(500)
    assert "code: no device is known to run it; state a placement" in document["notes"]


def test_groups_by_what_is_asked(named: list[object]) -> None:
    """All as one, or by two names; parts of models have no idle energy, which is said."""
    assert len(told(*named, "--by", "")["groups"]) == 1
    assert told(*named, "--by", "model,tenant")["by"] == ["model", "tenant"]
    assert "leave tenant and release out of --by" in verb(command, *named, "--by", "tenant").output


def test_writes_every_request(named: list[object], tmp_path: Path) -> None:
    """With its joules, as CSV here."""
    out = tmp_path / "out.csv"
    shown = verb(command, *named, "--out", out).output
    assert f"requests written to {out}" in " ".join(shown.split())
    assert len(out.read_text().splitlines()) == 3


def test_without_errors_it_says_less(named: list[object]) -> None:
    """Other rules are not looked at; the meter's own error is there all the same."""
    low, high = told(*named, "--no-errors")["groups"][0]["energy"]["attributed"]["interval_95"]
    assert (low, high) == pytest.approx((675, 825))


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (["--by", "user"], "--by user: requests are grouped by model, model_version, tenant, target"),
        (["--place", "chat"], "--place 'chat' is not MODEL=DEVICE"),
        (["--place", "chat="], "--place 'chat=' is not MODEL=DEVICE"),
        (["--reserved", "chat=most"], "--reserved 'chat=most' is not MODEL=SHARE"),
        (["--reserved", "chat=150%"], "a share between 0 and 1"),
        (["--input-cost", "-1"], "between 0 and 64"),
        (["--out", "requests.xlsx"], "ends in .parquet or .csv"),
        (
            ["--place", "a=gpu:0", "--place", "b=gpu:0", "--reserved", "a=1", "--reserved", "b=1"],
            "reserve 200%",
        ),
    ],
)
def test_what_is_asked_wrongly_is_refused(named: list[object], wrong: list[str], problem: str) -> None:
    """Before anything is divided, with what to write instead."""
    with pytest.raises(UsageError, match=problem.replace("(", r"\(")):
        verb(command, *named, *wrong)
