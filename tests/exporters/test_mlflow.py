"""MLflow as an exporter: what is sent, what waits when the server is away, and that nobody is disturbed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.builders import a_run
from tests.fakes.mlflow_api import FakeMlflow, fake_mlflow
from tests.measure.machine import Machine
from wattmark.core.errors import DeliveryError, MissingExtra, UsageError
from wattmark.core.run import Status
from wattmark.core.tracked import Conclusion, KpiLine
from wattmark.exporters.catalog import open_export
from wattmark.exporters.mlflow import CARBON_RATE, Mlflow, dotted, tags_of_conclusion
from wattmark.exporters.mlflow_server import MOST_METRICS, Point, Server, name_is, open_server, tidy
from wattmark.measure.recording import Recording
from wattmark.measure.settings import Settings

NOBODY = {"HOME": "/nonexistent"}


@pytest.fixture
def fake() -> Iterator[FakeMlflow]:
    with fake_mlflow() as found:
        yield found


def exporter(fake: FakeMlflow, target: str = "", environ: Mapping[str, str] = NOBODY) -> Mlflow:
    return Mlflow(target or fake.url, 3600.0, environ, now=lambda: 1_790_000_000.0)


def recorded(export: Mlflow) -> Recording:
    machine = Machine()
    recording = Recording(Settings(period_seconds=3600.0), replace(machine.world(), exports=(export,)))
    recording.start()
    machine.clock.advance(2.0)
    return recording


def test_values_have_a_time_and_a_step(fake: FakeMlflow) -> None:
    """Twelve seconds into the run: step 12. The run is made, with the tags of ours."""
    export = exporter(fake)
    export.open("sorter training", {"model": "sorter"})
    export.log({"wattmark/power_watts": 20.0, "wattmark/elapsed_seconds": 12.5}, 12.5)
    assert [(m["key"], m["value"], m["step"]) for m in fake.logged("metrics")] == [
        ("wattmark/power_watts", 20.0, 12)
    ]
    (made,) = [body for path, body in fake.asked if path == "runs/create"]
    assert made["run_name"] == "sorter training"
    assert made["tags"] == [{"key": "wattmark.model", "value": "sorter"}]
    assert made["experiment_id"] == "0"


def test_the_rate_of_carbon_is_that_since_the_last_look(fake: FakeMlflow) -> None:
    """2 g in 60 s are 120 g per hour; the first look has no rate."""
    export = exporter(fake)
    export.log({"wattmark/carbon_gco2e": 1.0}, 60.0)
    export.log({"wattmark/carbon_gco2e": 3.0}, 120.0)
    assert [m["value"] for m in fake.logged("metrics") if m["key"] == CARBON_RATE] == [120.0]


def test_a_moment_after_a_look_tells_no_rate(fake: FakeMlflow) -> None:
    """The end comes 4 ms after a look, and a counter is just renewed: that is no 27 kg per hour."""
    export = exporter(fake)
    for seconds, grams in ((60.0, 1.0), (120.0, 3.0), (120.004, 3.03), (180.0, 5.0)):
        export.log({"wattmark/carbon_gco2e": grams}, seconds)
    assert [m["value"] for m in fake.logged("metrics") if m["key"] == CARBON_RATE] == [120.0, 120.0]
    export.log({}, 200.0)
    export.log({"wattmark/carbon_gco2e": 9.0}, 240.0)
    assert len([m for m in fake.logged("metrics") if m["key"] == CARBON_RATE]) == 2


def test_a_run_that_is_there_is_joined_and_not_ended(fake: FakeMlflow) -> None:
    """Named by the target, or by MLFLOW_RUN_ID."""
    fake.add("there", status="RUNNING")
    for export in (
        exporter(fake, f"{fake.url}#there"),
        exporter(fake, environ={**NOBODY, "MLFLOW_RUN_ID": "there"}),
    ):
        export.log({"wattmark/power_watts": 20.0}, 1.0)
        export.close()
    assert {path for path, _ in fake.asked} == {"runs/log-batch"}
    assert {body["run_id"] for _, body in fake.asked} == {"there"}


def test_what_a_server_that_is_away_did_not_take_comes_later(fake: FakeMlflow) -> None:
    """Two looks fail; the third brings all three, and nothing is said to have gone wrong."""
    export = exporter(fake)
    fake.always = 503
    for second in (1.0, 2.0):
        with pytest.raises(DeliveryError, match="503"):
            export.log({"wattmark/power_watts": second}, second)
    fake.always = 0
    export.log({"wattmark/power_watts": 3.0}, 3.0)
    assert [m["value"] for m in fake.logged("metrics")] == [1.0, 2.0, 3.0]
    assert export.stop() is None


def test_the_queue_has_an_end_and_says_what_was_lost(fake: FakeMlflow) -> None:
    """25,000 values and room for 20,000: the oldest 5,000 are lost, and that is said."""
    export = exporter(fake)
    fake.always = 500
    for n in range(25):
        with pytest.raises(DeliveryError):
            export.log({f"wattmark/{n}-{i}": 1.0 for i in range(1000)}, float(n))
    fake.always = 0
    export.log({}, 26.0)
    names = [m["key"] for m in fake.logged("metrics")]
    assert len(names) == 20_000
    assert names[0] == "wattmark/5-0"
    assert export.stop() == "mlflow: 5000 values were lost while the server was away"


def test_batches_are_no_larger_than_mlflow_takes(fake: FakeMlflow) -> None:
    """2,500 values are three batches, 250 tags are three."""
    server = open_server(fake.url, NOBODY)
    server.log("r", [Point("m", 1.0, n) for n in range(2500)], {f"t{n}": "v" for n in range(250)})
    batches = [body for path, body in fake.asked if path == "runs/log-batch"]
    assert [len(b.get("metrics", ())) for b in batches] == [MOST_METRICS, MOST_METRICS, 500, 0, 0, 0]
    assert [len(b.get("tags", ())) for b in batches][3:] == [100, 100, 50]


def test_a_long_tag_is_cut_and_says_so() -> None:
    """MLflow takes 5,000 characters."""
    cut = tidy({"a": "x" * 6000, "b": "y"})
    assert len(cut["a"]) == 5000
    assert cut["a"].endswith("x [cut]")
    assert cut["b"] == "y"


@pytest.mark.parametrize("always", [429, 500])
def test_a_server_that_fails_is_a_note_of_the_run_and_nothing_more(fake: FakeMlflow, always: int) -> None:
    """The run is closed with its energy, and says why nothing was shown."""
    fake.always = always
    run = recorded(exporter(fake)).stop()
    assert run.status is Status.CLOSED
    assert any(f"HTTP {always}" in note for note in run.notes)


def test_a_server_that_is_not_there_is_a_note_of_the_run() -> None:
    """Nobody listens at port 1."""
    run = recorded(Mlflow("http://127.0.0.1:1", 3600.0, NOBODY)).stop()
    assert run.status is Status.CLOSED
    assert any("Connection refused" in note for note in run.notes)


def test_no_account_is_in_a_note(fake: FakeMlflow) -> None:
    """It may stand in the address, as MLflow allows, or in the environment; it is sent."""
    fake.always = 401
    target = fake.url.replace("http://", "http://me:s3cret@")
    run = recorded(exporter(fake, target)).stop()
    assert fake.headers[0]["Authorization"].startswith("Basic ")
    assert any("401" in note for note in run.notes)
    assert "s3cret" not in repr(run.notes)


@pytest.mark.parametrize(
    ("run", "status"),
    [
        (a_run(), "FINISHED"),
        (a_run(failed=True), "FAILED"),
        (a_run(exit_code=7), "FAILED"),
        (a_run(status=Status.INTERRUPTED), "KILLED"),
    ],
)
def test_a_run_of_ours_ends_as_it_ended(fake: FakeMlflow, run: Any, status: str) -> None:
    """Finished, failed or killed, in MLflow too."""
    export = exporter(fake)
    export.log({"wattmark/power_watts": 1.0}, 1.0)
    assert export.conclude(run, b"{}") is None
    (ended,) = [body for path, body in fake.asked if path == "runs/update"]
    assert (ended["run_id"], ended["status"]) == ("made", status)


def test_a_run_that_is_given_up_is_over_in_mlflow_too(fake: FakeMlflow) -> None:
    """A command that could not be started leaves no run that seems to go on."""
    export = exporter(fake)
    export.log({"wattmark/power_watts": 1.0}, 1.0)
    export.withdraw(a_run(status=Status.OPEN))
    assert [body["status"] for path, body in fake.asked if path == "runs/update"] == ["KILLED"]


def test_what_is_missing_is_a_tag_and_never_a_zero(fake: FakeMlflow) -> None:
    """Numbers are metrics beside the program's own; grades and units are in a table, not in sixty tags."""
    fake.add("there", artifact_uri="mlflow-artifacts:/0/there/artifacts")
    conclusion = Conclusion(
        title="sorter",
        record_ids=("r-1",),
        numbers={"wattmark/energy_to_solution": 0.5, "wattmark/energy_to_solution.low": 0.4},
        words={
            "wattmark/energy_to_solution.unit": "kWh",
            "wattmark/pue.missing": "missing: pue",
            "wattmark/record_id": "r-1",
            "wattmark/grade": "B",
        },
        lines=(KpiLine("energy_to_solution", "Energy-to-Solution", 0.5, "kWh", 0.4, None, "B", ""),),
    )
    exporter(fake, f"{fake.url}#there").publish(conclusion)
    assert {m["key"]: m["value"] for m in fake.logged("metrics")} == {
        "wattmark.energy_to_solution": 0.5,
        "wattmark.energy_to_solution.low": 0.4,
    }
    assert tags_of_conclusion(conclusion) == {t["key"]: t["value"] for t in fake.logged("tags")}
    assert {t["key"] for t in fake.logged("tags")} == {
        "wattmark.pue.missing",
        "wattmark.record_id",
        "wattmark.grade",
    }
    path, table = next((p, b["data"]) for p, b in fake.asked if "artifacts" in p)
    assert path.endswith("0/there/artifacts/wattmark/kpis.json")
    assert b'"unit": "kWh"' in table


def test_what_is_no_longer_missing_is_not_said_to_be(fake: FakeMlflow) -> None:
    """A run that is told again, with the quality that it lacked: no figure stands beside `missing`."""
    fake.add("there", artifact_uri="mlflow-artifacts:/0/there/artifacts")
    for lacked in ("energy_to_solution", "pue"):
        fake.tag("there", **{f"wattmark__{lacked}__missing": "missing: something"})
    told = Conclusion(
        title="sorter",
        record_ids=("r-1",),
        numbers={"wattmark/energy_to_solution": 0.5},
        words={"wattmark/pue.missing": "missing: pue"},
        lines=(),
    )
    exporter(fake, f"{fake.url}#there").publish(told)
    assert [body["key"] for path, body in fake.asked if path == "runs/delete-tag"] == [
        "wattmark.energy_to_solution.missing"
    ]


def resumed(fake: FakeMlflow) -> Mlflow:
    """A run that one record was told of before."""
    fake.add("there", artifact_uri="mlflow-artifacts:/0/there/artifacts")
    fake.tag("there", wattmark__record_id="r-1")
    return exporter(fake, f"{fake.url}#there")


def test_a_run_that_is_resumed_hands_on_the_run_file_of_its_earlier_part(fake: FakeMlflow) -> None:
    """Else the energy of its last part would stand there as that of the whole."""
    fake.artifacts["wattmark/r-1.run.json"] = b"the first part"
    export = resumed(fake)
    assert export.earlier(a_run(record_id="r-2"), b"the second") == [b"the first part"]
    assert export.earlier(a_run(record_id="r-1"), b"itself, told again") == []
    assert exporter(fake).earlier(a_run(), b"a run of its own") == []


def test_a_part_that_cannot_be_read_is_told_of_and_hides_nothing(fake: FakeMlflow) -> None:
    """No KPI of the last part alone is written over those of the first; the file of the last is kept."""
    export = resumed(fake)
    export.conclusion = lambda *_: pytest.fail("nothing is known of the whole")
    problem = export.conclude(a_run(record_id="r-2"), b"the second")
    assert problem is not None
    assert "--as-one --run-id there" in problem
    assert [body["data"] for path, body in fake.asked if path.endswith("wattmark/r-2.run.json")] == [
        b"the second"
    ]
    assert not fake.logged("metrics")


def test_a_nested_run_that_is_resumed_does_not_take_the_energy_of_the_one_around_it(fake: FakeMlflow) -> None:
    """Its tag names a record whose file is kept elsewhere, and of which it is a part."""
    export = resumed(fake)
    fake.tag("there", wattmark__counted_in="outer")
    assert export.earlier(a_run(record_id="r-2"), b"the second") == []


def test_names_are_those_of_mlflows_own_tags() -> None:
    """A dot instead of the slash, which makes live values a section of their own."""
    assert dotted("wattmark/gate") == "wattmark.gate"


def test_no_socket_is_opened_before_there_is_something_to_log(fake: FakeMlflow) -> None:
    """Neither by the catalogue nor by opening it."""
    found = open_export(f"mlflow:{fake.url}", 15.0)
    assert isinstance(found, Mlflow)
    found.open("a", {})
    assert fake.asked == []


def test_targets_that_cannot_be_are_refused() -> None:
    """With what to write instead, and without the password in it."""
    with pytest.raises(UsageError, match="set MLFLOW_TRACKING_URI"):
        Mlflow("env", 15.0, NOBODY, loaded={})
    with pytest.raises(UsageError, match="no MLflow is named"):
        open_server("", NOBODY)
    with pytest.raises(UsageError) as caught:
        open_server("http://me:s3cret@[", NOBODY)
    assert "s3cret" not in str(caught.value)
    with pytest.raises(UsageError, match="in clear"):
        open_server("http://me:s3cret@mlflow.example.org", NOBODY)


def test_a_model_is_searched_for_by_its_whole_name() -> None:
    """MLflow takes either kind of quotes and escapes nothing in them: doubled ones found no version."""
    assert name_is("sorter") == "name='sorter'"
    assert name_is("o'brien") == 'name="o\'brien"'
    with pytest.raises(UsageError, match="both kinds of quotes"):
        name_is('o\'brien "two"')


def test_an_answer_that_is_not_mlflows_is_named(fake: FakeMlflow) -> None:
    """A page of HTML, a list, a run without an id."""
    server: Server = open_server(fake.url, NOBODY)
    fake.add("r")
    fake.body = b"<html>"
    with pytest.raises(DeliveryError, match="something else than JSON"):
        server.run("r")
    fake.body = b"[]"
    with pytest.raises(DeliveryError, match="another form"):
        server.run("r")
    fake.body = b'{"run": {"info": {}}}'
    with pytest.raises(DeliveryError, match="is it MLflow"):
        server.run("r")


def test_a_store_without_http_needs_the_package() -> None:
    """And says which extra, where it is not installed, or not wholly."""
    with pytest.raises((MissingExtra, DeliveryError)) as caught:
        open_server("sqlite:///nonexistent/m.db", NOBODY).run("r")
    assert "sqlite:" in str(caught.value)


@pytest.mark.parametrize("kind", ["rest", "package"])
def test_an_alias_that_may_not_be_read_is_not_one_that_nobody_has(fake: FakeMlflow, kind: str) -> None:
    """Else a version that failed would keep the alias of those that passed."""
    server: Server = open_server(fake.url, NOBODY)
    if kind == "package":
        pytest.importorskip("mlflow", reason="MLflow is not installed")
        from wattmark.exporters.mlflow_package import Package

        server = Package(fake.url)
        fake.failures = [0]  # of the model itself it tells
    fake.failures.append(403)
    fake.body = b'{"error_code": "PERMISSION_DENIED", "message": "you may not read the aliases"}'
    with pytest.raises(DeliveryError, match="you may not read the aliases"):
        server.aliased("sorter", "wattmark-passed")
