"""Runs of MLflow as evidence: what is integrated, what is a gap, and what is never made up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.mlflow_api import FakeMlflow, fake_mlflow
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.run import Run, Status, Subject
from wattmark.ports import Source
from wattmark.sources.catalog import Asked, open_source
from wattmark.sources.identity import import_id
from wattmark.sources.mlflow_api import Api, open_api
from wattmark.sources.mlflow_power import Looks, gaps_of
from wattmark.testing.source_suite import SourceSuite, bring

GPU = "system/gpu_0_power_usage_watts"
MINUTE = tuple((float(t), 100.0) for t in range(0, 61, 10))
"""100 W at seven looks: 6000 J."""


@pytest.fixture
def fake() -> Iterator[FakeMlflow]:
    with fake_mlflow() as found:
        yield found


def read(fake: FakeMlflow, asked: Asked | None = None, **settings: str) -> list[Run]:
    given = asked or Asked(settings=settings)
    return [run for portion in open_source("mlflow", [fake.url], given).read() for run in portion.runs]


def notes(fake: FakeMlflow) -> str:
    portions = open_source("mlflow", [fake.url], Asked()).read()
    return "\n".join(note for portion in portions for note in portion.notes)


class MlflowWorld:
    """Two runs with power, one of which goes on."""

    def __init__(self, fake: FakeMlflow) -> None:
        self.fake = fake
        self.rows = 2
        fake.page = 1
        fake.add("aa")
        fake.metric("aa", GPU, *MINUTE)
        fake.add("bb", status="RUNNING", end_time=None)
        fake.metric("bb", GPU, (0.0, 50.0), (10.0, 50.0))
        self._inputs = [fake.url]

    @property
    def named(self) -> str:
        return self.fake.url

    def open(self) -> Source:
        return open_source("mlflow", self._inputs, Asked())

    def grow(self) -> None:
        self.fake.add("cc", status="FAILED")
        self.fake.metric("cc", GPU, *MINUTE)
        self.fake.histories["bb", GPU] += [
            {"key": GPU, "value": 50.0, "timestamp": 1_790_000_020_000, "step": 2}
        ]
        self.rows += 1

    def move(self) -> None:
        self._inputs = [self.fake.url.replace("127.0.0.1", "localhost")]

    def damage(self) -> str:
        self.fake.histories["aa", GPU][1]["value"] = "a lot"
        return "run aa"

    def garble(self) -> None:
        self.fake.body = b"<!doctype html><html>a page</html>"

    def remove(self) -> None:
        self.fake.always = 404


class TestMlflow(SourceSuite):
    """The rules that every source keeps."""

    @pytest.fixture
    def world(self, fake: FakeMlflow) -> MlflowWorld:
        return MlflowWorld(fake)


def test_power_is_integrated_between_looks(fake: FakeMlflow) -> None:
    """100 W over a minute are 6000 J, sampled (C), of a device; what else used energy is not seen."""
    fake.add("aa")
    fake.metric("aa", GPU, *MINUTE)
    (run,) = read(fake)
    (row,) = run.energies
    assert row.energy_joules == pytest.approx(6000.0)
    assert (row.grade, row.method, row.boundary) == (Grade.C, Method.INTEGRATED_POWER, Boundary.DEVICE)
    assert row.coverage == 1.0
    assert row.device_id.endswith("/unnamed-0")
    assert sum(e > 0.2 for e in row.errors.values()) == 1  # nobody knows which card: duty 0.25, 25 %
    assert [n.what for n in run.not_seen] == ["CPU, DRAM and rest of the node"]
    assert run.series[0].energy_joules[-1] == pytest.approx(6000.0)


def test_looks_far_apart_leave_a_gap(fake: FakeMlflow) -> None:
    """Looks at 10, 20, 50 and 60 s of 60: 10 + 10 of 60 s were observed, and 2000 J."""
    fake.add("aa")
    fake.metric("aa", GPU, (10, 100.0), (20, 100.0), (50, 100.0), (60, 100.0))
    (row,) = read(fake)[0].energies
    assert row.energy_joules == pytest.approx(2000.0)
    assert row.observed_seconds == pytest.approx(20.0)
    assert [(g.t0_seconds, g.duration_seconds) for g in row.gaps] == [(0.0, 10.0), (20.0, 30.0)]


@pytest.mark.parametrize("odd", ["NaN", -5.0, 5000.0])
def test_a_look_that_failed_is_a_gap_and_never_zero(fake: FakeMlflow, odd: Any) -> None:
    """Not a number, negative, or more than any GPU draws: the looks beside it are 20 s apart, two periods."""
    fake.add("aa", end_time=1_790_000_040_000)
    fake.metric("aa", GPU, (0, 100.0), (10, 100.0), (20, odd), (30, 100.0), (40, 100.0))
    (row,) = read(fake)[0].energies
    assert row.energy_joules == pytest.approx(4000.0)
    fake.metric("aa", GPU, (0, 100.0), (10, odd), (20, odd), (30, 100.0), (40, 100.0))
    (row,) = read(fake)[0].energies
    assert row.energy_joules == pytest.approx(1000.0)
    assert row.coverage == pytest.approx(0.25)


def test_one_look_tells_nothing(fake: FakeMlflow) -> None:
    """No energy, and the whole run is a gap."""
    fake.add("aa")
    fake.metric("aa", GPU, (10, 100.0))
    (row,) = read(fake)[0].energies
    assert (row.energy_joules, row.coverage) == (0.0, 0.0)
    assert row.gaps[0].reason == "fewer than two looks at its power"


def test_how_busy_a_cpu_is_gives_no_energy(fake: FakeMlflow) -> None:
    """It is kept as utilisation; the run is an attempt whose energy is not known."""
    fake.add("aa", end_time=1_790_000_600_000)
    fake.metric("aa", "system/cpu_utilization_percentage", *((t, 50.0) for t in range(0, 601, 10)))
    (run,) = read(fake)
    assert run.energies == ()
    assert {n.what for n in run.not_seen} == {"GPU", "CPU, DRAM and rest of the node"}
    (used,) = run.place.utilisation
    assert (used.component, used.mean, used.windows_300s) == ("cpu", 0.5, (0.5, 0.5))
    assert "its energy is not known" in notes(fake)


def test_several_gpus_and_machines_are_devices_of_their_own(fake: FakeMlflow) -> None:
    """gpu_1 and gpu_10 of one machine, and gpu_1 of another node; UUIDs name them where they are given."""
    fake.add("aa")
    for name in ("gpu_1", "gpu_10", "node_2/gpu_1"):
        fake.metric("aa", f"system/{name}_power_usage_watts", *MINUTE)
    devices = [row.device_id for row in read(fake)[0].energies]
    assert len(set(devices)) == 3
    assert [d.rpartition("/")[2] for d in devices] == ["unnamed-1", "unnamed-10", "unnamed-1"]
    named = read(fake, gpus="GPU-a,GPU-b,GPU-c")[0].energies
    assert [row.device_id for row in named] == ["GPU-a", "GPU-b", "GPU-c"]
    brought = list(open_source("mlflow", [fake.url], Asked(settings={"gpus": "GPU-a"})).read())
    assert "gpus names 1 GPUs, MLflow logged the power of 3" in brought[0].bad[0].reason


def test_a_failed_run_is_an_attempt(fake: FakeMlflow) -> None:
    """FAILED is failed, KILLED interrupted; with a solution they are attempts at one."""
    fake.add("aa", status="FAILED")
    fake.add("bb", status="KILLED")
    fake.tag("aa", campaign="spring")
    runs = read(fake, solution="experiment")
    assert [(r.failed, r.status) for r in runs] == [(True, Status.CLOSED), (False, Status.INTERRUPTED)]
    assert {r.solution_id for r in runs} == {"mlflow Default"}
    assert [r.solution_id for r in read(fake, solution="tag:campaign")] == ["spring", None]
    assert [r.solution_id for r in read(fake)] == [None, None]


def test_metrics_with_a_usual_name_are_quality(fake: FakeMlflow) -> None:
    """`val_accuracy` is better higher and `loss` lower; others only when they are named."""
    fake.add("aa")
    for name, value in (("val_accuracy", 0.9), ("eval/loss", 0.3), ("tokens", 7.0), ("system/x_loss", 1.0)):
        fake.metric("aa", name, (1, value))
    found = {q.name: (q.value, q.higher_is_better) for q in read(fake)[0].quality}
    assert found == {"val_accuracy": (0.9, True), "eval/loss": (0.3, False)}
    found = {q.name: (q.value, q.higher_is_better) for q in read(fake, quality="tokens:lower,c:d")[0].quality}
    assert found == {"tokens": (7.0, False)}


@pytest.mark.parametrize("diverged", ["NaN", "Infinity", 1.7976931348623157e308, -1.7976931348623157e308])
def test_a_training_that_diverged_is_an_attempt_without_that_quality(fake: FakeMlflow, diverged: Any) -> None:
    """SQL stores keep an infinite loss as the largest float: the run must not be lost for it."""
    fake.add("aa", status="FAILED")
    fake.metric("aa", "loss", (1, diverged))
    (run,) = read(fake)
    assert run.failed
    assert run.quality == ()


def test_codecarbons_results_stay_what_they_state(fake: FakeMlflow) -> None:
    """Emissions and energy become statements: never joules, and no total takes them."""
    fake.add("aa")
    for name, value in (("emissions", 0.02), ("energy_consumed", 0.5), ("duration", 60.0)):
        fake.metric("aa", f"codecarbon/{name}", (60, value))
    stated = {s.quantity: (s.value, s.unit) for s in read(fake)[0].statements}
    assert stated == {"emissions": (0.02, "kgCO2e"), "energy": (0.5, "kWh")}
    fake.add("bb")
    fake.metric("bb", "emissions", (60, 0.02))
    assert read(fake)[1].statements == ()


def test_what_wattmark_measured_is_not_brought_a_second_time(fake: FakeMlflow) -> None:
    """Its run file is the evidence."""
    fake.add("aa")
    fake.tag("aa", wattmark__record_id="r-1")
    assert read(fake) == []
    assert "wattmark measured it" in notes(fake)


def test_nobody_is_named(fake: FakeMlflow) -> None:
    """Neither the user nor the path of the program is kept; tags that are said with the import are."""
    fake.add("aa")
    fake.tag("aa", mlflow__user="a name", mlflow__source__name="/home/a name/train.py")
    (run,) = read(fake, Asked(subject=Subject(team="search")))
    assert "a name" not in repr(run)
    assert run.subject.team == "search"
    assert run.subject.labels == {"mlflow.run_id": "aa", "mlflow.experiment": "Default"}


def test_a_nested_run_names_its_parent(fake: FakeMlflow) -> None:
    """And counts as on its machine: both hold the same GPU."""
    fake.add("aa")
    fake.add("bb")
    fake.tag("bb", mlflow__parentRunId="aa")
    parent, child = read(fake)
    assert child.parent == parent.record_id == import_id("mlflow", "", "aa")
    assert child.host.id == parent.host.id


def test_histories_come_page_by_page(fake: FakeMlflow) -> None:
    """Three looks a page: nothing is lost, and nothing is there twice."""
    fake.page = 3
    fake.add("aa")
    fake.metric("aa", GPU, *MINUTE)
    assert read(fake)[0].energies[0].energy_joules == pytest.approx(6000.0)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_busy_is_asked_again(fake: FakeMlflow, status: int) -> None:
    """Twice it cannot; then it can. It waits as long as Retry-After says."""
    fake.add("aa")
    fake.failures, fake.retry_after = [status, status], "7"
    waited: list[float] = []
    api = Api(url=fake.url, pause=waited.append)
    assert [e["name"] for e in api.experiments()] == ["Default"]
    assert waited == [7.0, 7.0]


def test_a_server_that_stays_busy_is_told_of(fake: FakeMlflow) -> None:
    """After four tries, with what it says."""
    fake.always = 500
    with pytest.raises(
        EvidenceError, match="refused experiments/search: HTTP 500 told to fail; tried 4 times"
    ):
        list(Api(url=fake.url, pause=lambda _: None).experiments())


def test_a_server_that_is_not_there_is_named() -> None:
    """Nobody listens at port 1."""
    with pytest.raises(EvidenceError, match=r"127.0.0.1:1: did not answer .*check the address"):
        list(Api(url="http://127.0.0.1:1", pause=lambda _: None).experiments())


def test_a_secret_is_sent_and_never_shown(fake: FakeMlflow) -> None:
    """By MLflow's own variables; a refusal names the variables, not their values."""
    environ = {"MLFLOW_TRACKING_TOKEN": "s3cret", "HOME": "/nonexistent"}
    fake.always = 401
    with pytest.raises(EvidenceError) as caught:
        list(open_api(fake.url, environ).experiments())
    assert fake.headers[0]["Authorization"] == "Bearer s3cret"
    assert "s3cret" not in str(caught.value)
    assert "MLFLOW_TRACKING_TOKEN" in str(caught.value)
    with pytest.raises(UsageError, match="must not travel in the clear"):
        open_api("http://mlflow.example.org", environ)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("sqlite:///m.db", "mlflow server --backend-store-uri"),
        ("http://user:p4ss@[", "is no address"),
    ],
)
def test_what_is_no_server_is_refused(uri: str, said: str) -> None:
    """With what to do instead, and without the password."""
    with pytest.raises(UsageError) as caught:
        open_api(uri, {"HOME": "/nonexistent"})
    assert said in str(caught.value)
    assert "p4ss" not in str(caught.value)


def test_settings_that_cannot_be_are_refused(fake: FakeMlflow) -> None:
    """Before anything is asked."""
    with pytest.raises(UsageError, match="solution is experiment or tag:NAME"):
        read(fake, solution="tag:")
    with pytest.raises(UsageError, match="gpus names a GPU twice"):
        read(fake, gpus="a,a")
    with pytest.raises(EvidenceError, match="has no experiment 'other'; it has Default"):
        read(fake, experiment="other")


@pytest.mark.parametrize(
    ("info", "said"),
    [({"start_time": "yesterday"}, "milliseconds"), ({"status": "DREAMING"}, "is none of RUNNING")],
)
def test_a_run_that_makes_no_sense_is_a_bad_row(fake: FakeMlflow, info: dict[str, Any], said: str) -> None:
    """Named by its id, and the good one stays."""
    fake.add("aa", **info)
    fake.add("bb")

    class World:
        rows, named = 2, fake.url

        def open(self) -> Source:
            return open_source("mlflow", [fake.url], Asked())

    brought = bring(World())  # type: ignore[arg-type]
    assert [said in bad.reason and "run aa" in bad.place for bad in brought.bad] == [True]
    assert brought.taken == 1


@given(
    steps=st.lists(st.floats(min_value=0.1, max_value=100), min_size=1, max_size=30),
    watts=st.floats(min_value=0, max_value=2000),
)
def test_observed_and_gaps_make_up_the_run(steps: list[float], watts: float) -> None:
    """Whatever the looks; and constant power times the observed time is the energy."""
    times = [0.0]
    for step in steps:
        times.append(times[-1] + step)
    duration = times[-1] + 5.0
    joules, observed, _ = Looks(tuple(times), (watts,) * len(times)).integrated(2000.0)
    seen = sum(t1 - t0 for t0, t1 in observed)
    missed = sum(t1 - t0 for t0, t1, _ in gaps_of(observed, duration))
    assert seen + missed == pytest.approx(duration)
    assert joules == pytest.approx(watts * seen)
