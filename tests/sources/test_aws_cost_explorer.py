"""AWS Cost Explorer: by a saved answer, by a server that pages, and by the real client against moto."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.aws_server import AwsServer
from tests.fakes.s3_server import KEYS
from tests.sources.bill_world import cost_runs, costs, energy_runs, joules, notes, portions, reasons
from tests.sources.cloud_server import Request, as_json, cloud
from wattmark.core.errors import EvidenceError, MissingExtra, UsageError
from wattmark.core.imported import Imported
from wattmark.ports import Source
from wattmark.sources import aws_cost_explorer
from wattmark.sources.catalog import Asked, open_source
from wattmark.testing.source_suite import SourceSuite, SourceWorld

NAME = "aws-cost-explorer"
COMPUTE = "Amazon Elastic Compute Cloud - Compute"
WATTS = 8 * (0.613 + 4.1042) / 2 + 16 * 0.392
"""m5.2xlarge, half busy."""


def quantity(amount: str, unit: str = "Hrs") -> dict[str, Any]:
    """Hours of a group."""
    return {"UsageQuantity": {"Amount": amount, "Unit": unit}}


def dollars(amount: str, unit: str = "USD") -> dict[str, Any]:
    """Cost of a group, both ways."""
    return {m: {"Amount": amount, "Unit": unit} for m in ("UnblendedCost", "AmortizedCost")}


def group(*keys: str, **metrics: Any) -> dict[str, Any]:
    """One group of an answer."""
    return {"Keys": list(keys), "Metrics": metrics}


def result(*groups: dict[str, Any], day: int = 1, estimated: bool = False) -> dict[str, Any]:
    """A day of May 2026."""
    period = {"Start": f"2026-05-{day:02}", "End": f"2026-05-{day + 1:02}"}
    return {"TimePeriod": period, "Total": {}, "Groups": list(groups), "Estimated": estimated}


def answer(*results: dict[str, Any], by: tuple[str, str] = ("USAGE_TYPE", "REGION"), **more: Any) -> Any:
    """An answer as the API gives it."""
    groups = [{"Type": "DIMENSION", "Key": key} for key in by]
    return {"GroupDefinitions": groups, "ResultsByTime": list(results), **more}


def box(amount: str = "48", unit: str = "Hrs") -> dict[str, Any]:
    """Two days' worth of an m5.2xlarge in Ohio."""
    return group("USE2-BoxUsage:m5.2xlarge", "us-east-2", **quantity(amount, unit))


def written(folder: Path, document: Any, name: str = "answer.json") -> Path:
    """A saved answer."""
    path = folder / name
    path.write_text(json.dumps(document))
    return path


class ExplorerWorld:
    """A saved answer of three groups."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.path = folder, folder / "answer.json"
        bucket = group("USE2-Requests-Tier1", "us-east-2", **dollars("0.5"))
        self._results = [result(box(), bucket), result(box("24"), day=2)]
        self._write()

    def _write(self) -> None:
        written(self.path.parent, answer(*self._results), self.path.name)

    @property
    def rows(self) -> int:
        return sum(len(r["Groups"]) for r in self._results)

    @property
    def named(self) -> str:
        return self.path.name

    def open(self) -> Source:
        return open_source(NAME, [str(self.path)], Asked(settings={"account": "1"}))

    def grow(self) -> None:
        self._results.append(result(box("10"), day=3))
        self._write()

    def move(self) -> None:
        (self._folder / "elsewhere").mkdir()
        self.path = Path(shutil.move(self.path, self._folder / "elsewhere" / "old.json"))

    def damage(self) -> str:
        self._results[0]["Groups"][1]["Metrics"]["UnblendedCost"]["Amount"] = "much"
        self._write()
        return f"{self.path.name}:1 ResultsByTime[0].Groups[1]"

    def garble(self) -> None:
        self.path.write_text("<html><body>Not found</body></html>\n")

    def remove(self) -> None:
        self.path.unlink()


class TestAwsCostExplorer(SourceSuite):
    """The rules that every source keeps."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        return ExplorerWorld(tmp_path)


def test_hours_of_a_day_are_a_pool(tmp_path: Path) -> None:
    """48 instance-hours in a day are two machines that nobody names."""
    brought = portions(NAME, written(tmp_path, answer(result(box()))), account="1")
    (run,) = energy_runs(brought)
    (row,) = run.energies
    assert row.energy_joules == pytest.approx(48 * 3600 * WATTS)
    assert (row.device_id, row.duration_seconds) == (f"pool:{run.host.id}", 86400)
    assert "48 instance-hours of m5.2xlarge" in row.note
    assert run.subject.labels["host.type"] == "m5.2xlarge"
    assert run.place.site == "us-east-2"


def test_the_same_pool_of_another_bill_is_the_same_pool(tmp_path: Path) -> None:
    """A report without machines' names and Cost Explorer state the same hours: they compete, not add."""
    from tests.sources.bill_world import written as csv
    from tests.sources.test_aws_cur import line

    unnamed = line(line_item_resource_id="", line_item_usage_amount="48")
    report = portions("aws-cur", csv(tmp_path, unnamed))
    explorer = portions(NAME, written(tmp_path, answer(result(box()))), account="111122223333")
    assert energy_runs(report)[0].energies[0].device_id == energy_runs(explorer)[0].energies[0].device_id


def test_hours_may_be_asked_by_instance_type(tmp_path: Path) -> None:
    """And by linked account, which then is the account; what has no type is no machine."""
    by = ("INSTANCE_TYPE", "LINKED_ACCOUNT")
    groups = (
        group("m5.2xlarge", "222", **quantity("24")),
        group("NoInstanceType", "222", **quantity("9", "N/A"), **dollars("3")),
    )
    brought = portions(NAME, written(tmp_path, answer(result(*groups), by=by)))
    (run,) = energy_runs(brought)
    assert run.subject.labels["cloud.account.id"] == "222"
    assert joules(brought) == pytest.approx(24 * 3600 * WATTS)
    assert costs(brought) == {("", "unblended", "USD"): 3, ("", "effective", "USD"): 3}


def test_an_estimate_is_said_and_gives_way(tmp_path: Path) -> None:
    """The day's figures may change; the final ones go before."""
    groups = group(COMPUTE, "us-east-2", **dollars("3"))
    early, late = (
        portions(NAME, written(tmp_path, answer(result(groups, estimated=e), by=("SERVICE", "REGION"))))
        for e in (True, False)
    )
    assert "may still change" in cost_runs(early)[0].notes[0]
    assert cost_runs(late)[0].notes == ()
    assert cost_runs(early)[0].seq < cost_runs(late)[0].seq


def test_when_an_answer_was_given_is_in_its_header(tmp_path: Path) -> None:
    """boto3 keeps it in ResponseMetadata."""
    header = {"HTTPHeaders": {"date": "Mon, 01 Jun 2026 00:00:00 GMT"}}
    document = answer(result(box()), ResponseMetadata=header)
    assert energy_runs(portions(NAME, written(tmp_path, document)))[0].seq == 1_780_272_000


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (box("-1"), "UsageQuantity -1 is negative"),
        (box(unit="GB"), "unit 'GB' of UsageQuantity is not known"),
        (box(unit="N/A"), "UsageQuantity mixes units (N/A): group by USAGE_TYPE"),
        (group("only one", **quantity("1")), "has 1 keys where GroupDefinitions names 2"),
        (
            group("USE2-BoxUsage:z99.large", "us-east-2", **quantity("5")),
            "5 h are not converted: the table of instances does not know the aws type 'z99.large'",
        ),
        (group("x", "us-east-2", **dollars("3", "Euro")), "currency 'Euro' is no ISO 4217 code"),
    ],
)
def test_impossible_groups_are_told_by_their_reason(
    tmp_path: Path, broken: dict[str, Any], reason: str
) -> None:
    """No energy comes of them."""
    brought = portions(NAME, written(tmp_path, answer(result(broken))))
    assert reason in reasons(brought)[0]
    assert energy_runs(brought) == []


def test_other_usage_is_no_machine(tmp_path: Path) -> None:
    """EBS-optimised hours, reservations and data have no machine of their own."""
    groups = [
        group(key, "us-east-2", **quantity("24")) for key in ("EBSOptimized:m4.large", "HeavyUsage:m5.large")
    ]
    assert energy_runs(portions(NAME, written(tmp_path, answer(result(*groups))))) == []


@pytest.mark.parametrize("text", ["2026-13", "2026-05-40", "2026-06/2026-05"])
def test_days_that_cannot_be_are_refused(text: str) -> None:
    """Before AWS is asked."""
    with pytest.raises(UsageError, match=r"stretch of days|ends before it begins"):
        open_source(NAME, [text], Asked())


@pytest.mark.parametrize("settings", [{"granularity": "weekly"}, {"group": "SERVICE"}])
def test_settings_that_cannot_be_are_refused(settings: dict[str, str]) -> None:
    """With what could be given."""
    with pytest.raises(UsageError, match="give "):
        open_source(NAME, ["2026-05"], Asked(settings=settings))


def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks AWS needs its client; no traceback."""
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.setitem(sys.modules, "boto3.exceptions", None)
    with pytest.raises(MissingExtra, match=r"wattmark\[aws\]"):
        list(open_source(NAME, ["2026-05"], Asked()).read())


def test_days_and_files_do_not_mix(tmp_path: Path) -> None:
    """One or the other."""
    path = written(tmp_path, answer(result(box())))
    with pytest.raises(UsageError, match="give one stretch of days"):
        open_source(NAME, ["2026-05", str(path)], Asked())


# --- against a server ---------------------------------------------------------------------------------


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that mean nothing, where boto3 looks for them."""
    pytest.importorskip("boto3")
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


def ask(endpoint: str, span: str = "2026-05", **settings: str) -> list[Imported]:
    """What is brought by asking a server, at noon of the 10th of June 2026."""
    given = {"endpoint": endpoint, "account": "111", "aws_region": "us-east-1", **settings}
    source = aws_cost_explorer.open_source([span], Asked(settings=given), now=lambda: 1_781_092_800.0)
    return list(source.read())


@pytest.mark.usefixtures("keys")
def test_every_page_of_every_answer_is_read() -> None:
    """Two pages of hours, one of cost; the second page is asked for by the token of the first."""
    pages = [
        answer(result(box()), NextPageToken="more"),
        answer(result(box("24"), day=2)),
        answer(result(group(COMPUTE, "us-east-2", **dollars("5"))), by=("SERVICE", "REGION")),
    ]

    def reply(request: Request) -> Any:
        return as_json(pages[len(server.asked) - 1])

    with cloud(reply) as server:
        brought = ask(server.url)
    bodies = [r.json for r in server.asked]
    assert [b.get("NextPageToken") for b in bodies] == [None, "more", None]
    assert bodies[0]["Filter"] == {"Dimensions": {"Key": "SERVICE", "Values": [COMPUTE]}}
    assert bodies[0]["TimePeriod"] == {"Start": "2026-05-01", "End": "2026-06-01"}
    assert [g["Key"] for g in bodies[2]["GroupBy"]] == ["SERVICE", "REGION"]
    assert joules(brought) == pytest.approx(72 * 3600 * WATTS)
    assert costs(brought)[COMPUTE, "unblended", "USD"] == 5
    assert {r.seq for p in brought for r in p.runs} == {1_781_092_800}


@pytest.mark.usefixtures("keys")
def test_cost_is_asked_for_whole_months() -> None:
    """A week of June asked on the 10th: hours of the week, cost from the 1st to today."""
    with cloud(lambda request: as_json(answer())) as server:
        ask(server.url, "2026-06-03/2026-06-05", granularity="HOURLY")
    periods = [r.json["TimePeriod"] for r in server.asked]
    assert periods == [
        {"Start": "2026-06-03T00:00:00Z", "End": "2026-06-06T00:00:00Z"},
        {"Start": "2026-06-01", "End": "2026-06-11"},
    ]


@pytest.mark.usefixtures("keys")
def test_a_refusal_says_which_permission_is_needed() -> None:
    """And names the service."""
    refusal = {"__type": "AccessDeniedException", "Message": "no"}
    with (
        cloud(lambda request: as_json(refusal, 400)) as server,
        pytest.raises(EvidenceError, match=r"Cost Explorer.*ce:GetCostAndUsage"),
    ):
        ask(server.url)


@pytest.fixture(scope="module")
def moto() -> Iterator[AwsServer]:
    """A server of Amazon's protocols."""
    pytest.importorskip("moto.server")
    with AwsServer() as running:
        yield running


@pytest.mark.slow
@pytest.mark.usefixtures("keys")
def test_the_real_client_reads_a_real_server(moto: AwsServer) -> None:
    """boto3 against moto: hours, cost, and the account that asks."""
    moto.reset()
    tax = group("Tax", "NoRegion", **dollars("2"))
    moto.queue_costs(
        answer(result(box()), result(box("24"), day=2, estimated=True)),
        answer(result(group(COMPUTE, "us-east-2", **dollars("5")), tax), by=("SERVICE", "REGION")),
    )
    settings = {"endpoint": moto.url, "aws_region": "us-east-1"}
    brought = portions(NAME, Path("2026-05"), asked=Asked(settings=settings))
    assert reasons(brought) == []
    assert joules(brought) == pytest.approx(72 * 3600 * WATTS)
    assert {r.subject.labels["cloud.account.id"] for r in energy_runs(brought)} == {"123456789012"}
    assert costs(brought)["Tax", "unblended", "USD"] == 2
    assert "nobody stated how busy" in notes(brought)
