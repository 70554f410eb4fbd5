"""``wattmark pue``: measure a site's PUE, keep it, and list what holds when."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import Result

from tests.cli.ledgers import a_ledger
from tests.cli.running import verb
from tests.fakes.bmc import Bmc
from wattmark.cli.pue import group
from wattmark.core.errors import EvidenceError, RefusedError, UsageError
from wattmark.wiring.ledger import open_ledger

NOON = 1_793_534_400_000_000
HOUR = 3_600_000_000


def pue(*arguments: object) -> Result:
    """``wattmark pue ...``; errors come through as they are raised."""
    return verb(group, *arguments)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Three hours: 1.2, 1.5, and one in which the machines would have used more than the building."""
    path = tmp_path / "dcim.csv"
    rows = ["time,building,ups", "12:00,0,0", "13:00,120,100", "14:00,270,200", "15:00,360,300"]
    path.write_text("\n".join([rows[0], *(f"2026-11-01T{row}" for row in rows[1:])]) + "\n")
    return path


def measure(export: Path, *more: object) -> Result:
    """Of the export."""
    columns = ("--facility", "building", "--it", "ups", "--as", "kWh-counter")
    return pue("measure", "--site", "paris-1", "--csv", export, *columns, *more)


def test_the_series_is_drawn_with_what_tells_nothing(export: Path) -> None:
    """A bar for each hour, the whole of what tells a PUE, and the hour that is impossible."""
    lines = measure(export, "--category", "3").stdout.splitlines()
    assert lines[0] == "paris-1: measured PUE, PUE3 (IT energy at the inputs of the IT equipment)"
    assert lines[1].startswith("2026-11-01T12:00Z   1.200 █")
    assert lines[3] == "2026-11-01T14:00Z       ? impossible: 100 kWh of IT energy, 90 kWh in all"
    assert "PUE 1.3500 +/- 2.8%: 270 kWh of the facility over 200 kWh of IT, 2 of 3 intervals" in lines


def test_json_has_every_interval(export: Path) -> None:
    """With both energies; the error is that of two meters and of what category 1 leaves out."""
    body = json.loads(measure(export, "--category", "1", "--source", "hall 1", "--json").stdout)
    assert (body["schema"], body["schema_version"]) == ("wattmark.pue-series", 1)
    assert (body["pue"], body["category"], body["source"]) == (1.35, 1, "hall 1")
    assert body["relative_error"] == pytest.approx((0.02**2 + 0.02**2 + 0.05**2) ** 0.5)
    assert [i["pue"] for i in body["intervals"]] == [1.2, 1.5, None]
    assert body["intervals"][2]["problem"].startswith("impossible")


def test_days_and_months_are_those_of_the_time_zone(export: Path) -> None:
    """In Los Angeles it is the night before; a part of a day or month tells nothing of it."""
    with pytest.raises(RefusedError, match="read for only 12% of it"):
        measure(export, "--step", "day", "--timezone", "America/Los_Angeles")
    text = "time,a,b\n2026-10-01,0,0\n2026-11-01,130,100\n2026-12-01,250,200\n"
    export.write_text(text)
    options = (
        "--facility",
        "a",
        "--it",
        "b",
        "--as",
        "MWh-counter",
        "--step",
        "month",
        "--timezone",
        "Europe/Paris",
    )
    body = json.loads(pue("measure", "--site", "s", "--csv", export, *options, "--json").stdout)
    assert [(i["from"], i["pue"]) for i in body["intervals"]] == [
        ("2026-09-30T22:00:00Z", 1.3),
        ("2026-10-31T23:00:00Z", 1.2),
    ]


def test_only_the_time_that_was_asked_for(export: Path) -> None:
    """One hour of three; less than an interval is an error."""
    body = json.loads(
        measure(export, "--from", "2026-11-01T13:00", "--to", "2026-11-01T14:00", "--json").stdout
    )
    assert [i["pue"] for i in body["intervals"]] == [1.5]
    with pytest.raises(UsageError, match="no whole hour lies in the time"):
        measure(export, "--from", "2026-11-01T13:10", "--to", "2026-11-01T13:20")


def test_into_a_ledger_and_out_again(export: Path, tmp_path: Path) -> None:
    """Beside its ledger.toml; what is stated stands beside what was measured."""
    ledger = a_ledger(tmp_path, "[[site]]\nname = 'paris-1'\npue = 1.4\nsource = 'contract'\n")
    said = measure(export, "--into", ledger, "--category", "2").stderr
    assert said == f"wattmark: {ledger}/pue/paris-1.csv holds 3 intervals\n"
    kept = open_ledger(str(ledger)).settings
    assert [(p.pue, p.start_us) for p in kept.measured] == [(1.2, NOON), (1.5, NOON + HOUR)]
    shown = pue("show", "--ledger", ledger).stdout
    assert "paris-1  1.35" in shown
    assert "contract" in shown
    body = json.loads(pue("show", "--ledger", ledger, "--site", "paris-1", "--json").stdout)
    assert body["schema"] == "wattmark.pue-sites"
    assert [(s["pue"], s["used"], s["intervals"]) for s in body["measured"]] == [(1.35, 2, 3)]
    assert [s["pue"] for s in body["stated"]] == [1.4]
    other = pue("show", "--ledger", ledger, "--site", "lyon").stdout
    assert other.startswith(f"{ledger} states no PUE of any site")


def test_out_to_a_file_for_a_project(export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``pue_file`` of a [[site]] in wattmark.toml; `show` finds it without a ledger."""
    measure(export, "--out", tmp_path / "paris.csv")
    settings = "[[site]]\nname = 'paris-1'\npue = 1.4\npue_file = 'paris.csv'\n"
    (tmp_path / "wattmark.toml").write_text(settings)
    monkeypatch.chdir(tmp_path)
    body = json.loads(pue("show", "--json").stdout)
    assert [s["pue"] for s in body["measured"]] == [1.35]
    assert body["where"].endswith("wattmark.toml")


def test_a_redfish_service_is_polled_into_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first look is no energy yet; later ones go on in the same file."""
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    equipment = "/redfish/v1/PowerEquipment"
    service = Bmc()
    service.resources = {
        f"{equipment}/Switchgear/1": {"PowerWatts": {"Reading": 125e3}},
        f"{equipment}/RackPDUs/1": {"PowerWatts": {"Reading": 100e3}},
    }
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login reader password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login reader password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    file = tmp_path / "looks.csv"
    with service.serving():
        asked = (
            *("measure", "--site", "hall", "--redfish", service.url, "--poll", file),
            *("--facility", f"{equipment}/Switchgear/1", "--it", f"{equipment}/RackPDUs/1"),
        )
        first = pue(*asked)
        assert first.stdout == ""
        assert first.stderr == f"wattmark: {file} holds 1 looks\n"
        with pytest.raises(RefusedError, match="both meters were read for only 0% of it"):
            pue(*asked, "--times", "2", "--every", "0.01s")
    lines = file.read_text().splitlines()
    assert lines[0] == "time,facility,it,facility_form,it_form"
    assert [line.split(",")[1:] for line in lines[1:]] == [["125.0", "100.0", "kW", "kW"]] * 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say where from: one of --csv, --prometheus and --redfish"),
        (("--csv", "a.csv", "--redfish", "https://b"), "one of --csv"),
        (("--prometheus", "http://p:9090"), "and the time: --from and --to, or --in"),
        (("--redfish", "https://b"), "say --poll FILE"),
        (("--csv", "a.csv", "--interval", "soon"), "--interval 'soon' is no duration: write 30s, 15min, 1h"),
    ],
)
def test_what_is_lacking_is_said(arguments: tuple[str, ...], said: str) -> None:
    """Before anything is read or asked."""
    with pytest.raises(UsageError, match=said):
        pue("measure", "--site", "a", "--facility", "f", "--it", "i", *arguments)


def test_a_file_that_is_none_of_polled_readings_is_left_alone(export: Path) -> None:
    """Nothing is written into a DCIM's export."""
    before = export.read_text()
    with pytest.raises(EvidenceError, match="is no file of polled readings"):
        pue(
            "measure",
            "--site",
            "a",
            "--redfish",
            "http://127.0.0.1:9",
            "--poll",
            export,
            "--facility",
            "/a",
            "--it",
            "/b",
        )
    assert export.read_text() == before


def test_a_shell_completes_sites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of wattmark.toml and of the ledger that it names; of a broken file none, and no error."""
    a_ledger(tmp_path, "[[site]]\nname = 'paris-2'\ncountry = 'FRA'\n")
    settings = tmp_path / "wattmark.toml"
    settings.write_text("[[site]]\nname = 'paris-1'\npue = 1.4\n[ledger]\nurl = 'ledger'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_LEDGER", raising=False)
    (option,) = [p for p in group.commands["show"].params if p.name == "site"]
    context = click.Context(group.commands["show"])
    assert [item.value for item in option.shell_complete(context, "par")] == ["paris-1", "paris-2"]
    settings.write_text("[[site]]\n")
    assert option.shell_complete(context, "") == []
