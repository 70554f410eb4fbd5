"""GPU power in Amazon CloudWatch: means of periods, from pages of a fake and by the real client."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

pytest.importorskip("boto3", reason="boto3 is not installed: pip install 'wattmark[aws]'")

from tests.fakes.aws_server import REGION, AwsServer
from tests.fakes.s3_server import KEYS
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.imported import Imported
from wattmark.core.known import Grade, Method
from wattmark.core.telemetry import Samples
from wattmark.ports import Source
from wattmark.sources import cloudwatch
from wattmark.sources.catalog import Asked
from wattmark.sources.cloudwatch import QUERIES, open_source
from wattmark.sources.identity import host_of
from wattmark.testing.source_suite import SourceSuite, SourceWorld

START = datetime(2026, 5, 1, 10, tzinfo=UTC)
A100 = "NVIDIA A100-SXM4-40GB"


def dims(**values: str) -> list[dict[str, str]]:
    """Dimensions as CloudWatch writes them."""
    return [{"Name": name, "Value": value} for name, value in values.items()]


def metric(index: int = 0, namespace: str = "CWAgent", **more: str) -> dict[str, Any]:
    """The power of one card, as the agent publishes it."""
    given = dims(host="ip-10-0-0-5", index=str(index), name=A100, arch="Ampere", **more)
    return {"Namespace": namespace, "MetricName": "nvidia_smi_power_draw", "Dimensions": given}


class FakeWatch:
    """CloudWatch in memory: its pages are as small as it likes."""

    def __init__(self, metrics: list[dict[str, Any]], points: dict[int, float], page: int = 2) -> None:
        self.metrics, self.points, self.page = metrics, points, page
        self.asked: list[dict[str, Any]] = []
        self.status = "Complete"

    def get_paginator(self, name: str) -> FakeWatch:
        self._name = name
        return self

    def paginate(self, **question: Any) -> Iterator[dict[str, Any]]:
        if self._name == "list_metrics":
            found = [
                m
                for m in self.metrics
                if (m["Namespace"], m["MetricName"]) == (question["Namespace"], question["MetricName"])
            ]
            for at in range(0, len(found), self.page):
                yield {"Metrics": found[at : at + self.page]}
            return
        self.asked.append(question)
        inside = [
            (at, w)
            for s, w in sorted(self.points.items())
            if question["StartTime"] <= (at := START + timedelta(seconds=s)) < question["EndTime"]
        ]
        ids = [q["Id"] for q in question["MetricDataQueries"]]
        pages = [inside[at : at + self.page] for at in range(0, len(inside), self.page)] or [[]]
        for n, points in enumerate(pages):
            status = self.status if n == len(pages) - 1 else "PartialData"
            yield {
                "MetricDataResults": [
                    {
                        "Id": id,
                        "Timestamps": [at for at, _ in points],
                        "Values": [w for _, w in points],
                        "StatusCode": status,
                        "Messages": [{"Code": "x", "Value": "later"}] if status != "Complete" else [],
                    }
                    for id in ids
                ]
            }


def asked(**settings: str) -> Asked:
    """From ten to eleven."""
    return Asked(settings={"start": "2026-05-01T10:00:00Z", "end": "2026-05-01T11:00:00Z", **settings})


def read(watch: Any, **settings: str) -> list[Imported]:
    """Everything from a fake."""
    return list(open_source([REGION], asked(**settings), open_client=lambda *_: watch).read())


def samples(brought: list[Imported]) -> list[Samples]:
    """All samples."""
    return [s for p in brought for s in p.samples]


def watts_by(points: int, watts: float = 100.0) -> dict[int, float]:
    """So many minutes at one power."""
    return {60 * n: watts for n in range(points)}


def test_a_mean_times_its_period_is_energy() -> None:
    """Ten minutes at 100 W are 60 kJ: ten periods, not nine stretches between ten looks."""
    (found,) = samples(read(FakeWatch([metric()], watts_by(10))))
    assert sum(found.energy_uj) == 60_000_000_000
    assert found.end_us[-1] - found.start_us[0] == 600_000_000
    stream = found.stream
    assert (stream.method, stream.grade, stream.component) == (Method.INTEGRATED_POWER, Grade.C, "gpu")
    assert (stream.sensor_duty, set(stream.errors.values())) == (0.25, {0.25})
    assert stream.host_id == host_of("ip-10-0-0-5")
    assert stream.device_id == f"gpu:{stream.host_id}/nvml-0"
    assert (stream.place.site, stream.subject.region) == (REGION, REGION)


def test_missing_means_are_gaps_beyond_two_periods() -> None:
    """One missing minute lies between its neighbours; of two nothing is known."""
    (found,) = samples(read(FakeWatch([metric()], {0: 100, 120: 200, 300: 100})))
    assert list(found.observed) == [True, True, True, False, True]
    assert [round(e / 60e6) for e in found.energy_uj] == [100, 150, 200, 0, 100]


def test_a_card_whose_sensor_looks_all_the_time_is_known_better() -> None:
    """T4: 10 %; a card that nobody names may be one of those that look a quarter of the time."""
    known = metric()
    known["Dimensions"] = dims(host="h", index="0", name="Tesla T4")
    unknown = metric(1)
    unknown["Dimensions"] = dims(host="h", index="1")
    found = samples(read(FakeWatch([known, unknown], watts_by(2))))
    assert [s.stream.sensor_duty for s in found] == [1.0, 0.25]


def test_container_insights_names_cards_by_instance() -> None:
    """Means over a cluster or a node are left out, and said; the card's is taken."""
    whole = {"Namespace": "ContainerInsights", "MetricName": "node_gpu_power_draw"}
    card = dims(
        ClusterName="c", NodeName="n", InstanceId="i-1", InstanceType="p4d.24xlarge", GpuDevice="nvidia3"
    )
    brought = read(
        FakeWatch(
            [{**whole, "Dimensions": dims(ClusterName="c")}, {**whole, "Dimensions": card}], watts_by(2)
        )
    )
    (found,) = samples(brought)
    assert found.stream.device_id == f"gpu:{host_of('i-1')}/nvml-3"
    assert found.stream.subject.labels["host.type"] == "p4d.24xlarge"
    assert any("means over several GPUs are left out: ClusterName" in n for p in brought for n in p.notes)


def test_a_card_that_is_published_twice_counts_once() -> None:
    """With and without the instance's type among its dimensions."""
    twice = [metric(InstanceId="i-1"), metric(InstanceId="i-1", InstanceType="p4d.24xlarge")]
    brought = read(FakeWatch(twice, watts_by(2)))
    assert len(samples(brought)) == 1
    assert any("published twice" in n for p in brought for n in p.notes)


def test_more_metrics_than_one_request_may_have_are_asked_in_several() -> None:
    """500 and 3; every point of every page is there."""
    watch = FakeWatch([metric(n) for n in range(QUERIES + 3)], watts_by(5), page=2)
    brought = read(watch)
    assert [len(q["MetricDataQueries"]) for q in watch.asked] == [QUERIES, 3]
    assert all(q["MetricStat"]["Stat"] == "Average" for q in watch.asked[0]["MetricDataQueries"])
    assert sum(p.taken for p in brought) == (QUERIES + 3) * 5
    assert {sum(s.energy_uj) for s in samples(brought)} == {30_000_000_000}


def test_days_are_asked_one_by_one_and_join() -> None:
    """Two days of hours: no stretch between them is lost."""
    points = {3600 * n: 100.0 for n in range(48)}
    settings = {"start": "2026-05-01T10:00:00Z", "end": "2026-05-03T10:00:00Z", "period": "3600"}
    watch = FakeWatch([metric()], points, page=7)
    found = samples(read(watch, **settings))
    assert len(watch.asked) == 2
    assert sum(sum(s.energy_uj) for s in found) == 48 * 3600 * 100 * 1_000_000
    assert found[0].end_us[-1] == found[1].start_us[0]


def test_only_whole_periods_are_asked() -> None:
    """A mean of half a period would count as one of a whole."""
    watch = FakeWatch([metric()], watts_by(2))
    read(watch, start="2026-05-01T10:00:30Z", end="2026-05-01T10:59:59Z")
    (question,) = watch.asked
    assert question["StartTime"] == START + timedelta(minutes=1)
    assert question["EndTime"] == START + timedelta(minutes=59)


def test_data_that_is_not_complete_is_bad() -> None:
    """What CloudWatch could not give is named, with what to do."""
    watch = FakeWatch([metric()], watts_by(2))
    watch.status = "InternalError"
    (bad,) = [b for p in read(watch) for b in p.bad]
    assert "InternalError; later" in bad.reason
    assert "again later" in bad.reason


def test_a_region_without_gpus_is_said() -> None:
    """Not an import of nothing with success."""
    assert any("has no power of GPUs" in n for p in read(FakeWatch([], {})) for n in p.notes)


def test_names_that_other_sources_know_can_be_told(tmp_path: Any) -> None:
    """A file of hosts, as for bills."""
    hosts = tmp_path / "hosts.csv"
    hosts.write_text("resource,host\nip-10-0-0-5,node-7\n")
    (found,) = samples(read(FakeWatch([metric()], watts_by(2)), hosts=str(hosts)))
    assert found.stream.host_id == host_of("node-7")


@pytest.mark.parametrize(
    ("regions", "settings", "told"),
    [
        (["everywhere"], {}, "is no AWS region"),
        ([REGION], {"start": "soon"}, "start=soon is no time"),
        ([REGION], {"period": "45"}, "period=45"),
        ([REGION], {"end": "2026-05-01T10:00:59Z"}, "must lie a period or more before"),
        ([REGION], {"hosts": "none.csv"}, "is not there"),
    ],
)
def test_settings_that_cannot_be_are_refused(regions: list[str], settings: dict[str, str], told: str) -> None:
    """Before anything is asked."""
    with pytest.raises((UsageError, EvidenceError), match=told):
        open_source(regions, asked(**settings))


def test_times_may_be_relative() -> None:
    """The last two hours, on the edge of a period."""
    source = open_source(
        [REGION], Asked(settings={"start": "-2h"}), now=lambda: 1_000_000_000.0, open_client=lambda *_: None
    )
    assert (source.start, source.end) == (999_992_820, 999_999_960)  # type: ignore[attr-defined]


# --- against a server ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def moto() -> Iterator[AwsServer]:
    """A server of Amazon's protocols."""
    pytest.importorskip("moto.server")
    pytest.importorskip("boto3")
    with AwsServer() as running:
        yield running


class WatchWorld:
    """Two cards in moto's CloudWatch, a mean a minute."""

    def __init__(self, server: AwsServer) -> None:
        self._server = server
        self._endpoint = server.url
        self.rows = 0
        server.reset()
        self._put(0, 5)

    def _put(self, first: int, last: int) -> None:
        watch = self._server.client("cloudwatch")
        for minute in range(first, last):
            for card in (0, 1):
                data = metric(card) | {"Timestamp": START + timedelta(minutes=minute), "Value": 100.0 + card}
                name = data.pop("Namespace")
                watch.put_metric_data(Namespace=name, MetricData=[data])
                self.rows += 1

    @property
    def named(self) -> str:
        return "AWS CloudWatch us-east-1"

    def open(self) -> Source:
        return cloudwatch.open_source([REGION], asked(endpoint=self._endpoint))

    def grow(self) -> None:
        self._put(5, 8)

    def move(self) -> None:
        self._endpoint = self._server.url.replace("127.0.0.1", "localhost")

    def damage(self) -> str:
        raise NotImplementedError

    def garble(self) -> None:
        raise NotImplementedError

    def remove(self) -> None:
        self._endpoint = "http://127.0.0.1:9"


@pytest.mark.slow
class TestCloudWatch(SourceSuite):
    """The rules that every source keeps, by the real client."""

    cannot = dict.fromkeys(
        (
            "test_nothing_is_lost",
            "test_a_bad_row_is_named",
            "test_the_good_rows_stay",
            "test_another_format_is_refused",
        ),
        "CloudWatch takes numbers alone, and its client checks the form of answers",
    )

    @pytest.fixture
    def world(self, moto: AwsServer, monkeypatch: pytest.MonkeyPatch) -> SourceWorld:
        for name, value in KEYS.items():
            monkeypatch.setenv(name, value)
        return WatchWorld(moto)


@pytest.mark.slow
def test_the_real_client_reads_a_real_server(moto: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five minutes at 100 and at 101 W: 30 and 30.3 kJ."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    world = WatchWorld(moto)
    brought = list(world.open().read())
    assert sorted(sum(s.energy_uj) for s in samples(brought)) == [30_000_000_000, 30_300_000_000]
    assert sum(p.taken for p in brought) == world.rows == 10
