"""Azure's Carbon Optimization service through Microsoft's own client, and files of Emissions Impact."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.sources.azure_stub import KILOGRAMS, ONE, TWO, Azure, a_resource
from tests.sources.cloud_server import HTML, Cloud, as_json, cloud, cut
from tests.sources.text_world import TextWorld, notes_of, read
from wattmark.core.errors import EvidenceError, MissingExtra, NotComparable, UsageError
from wattmark.core.imported import Imported
from wattmark.core.run import Run
from wattmark.core.statements import accounting_of, added, only_states, parts_checks
from wattmark.ports import Source
from wattmark.sources.azure_api import AzureApi
from wattmark.sources.azure_carbon import AzureCarbon
from wattmark.sources.catalog import Asked, open_source
from wattmark.sources.provider_statements import emissions, month_of, span_of
from wattmark.testing.source_suite import SourceSuite, SourceWorld

ALL = ("scope 1", "scope 2", "scope 3")
AT = "2026-08-01T00:00:00Z"
TOKEN = "eyJ0-secret-token"


def an_api(url: str) -> AzureApi:
    """Microsoft's own client that asks this address. It would send tokens over TLS only."""
    pytest.importorskip("azure.mgmt.carbonoptimization", reason="pip install 'wattmark[azure]'")
    from azure.core.credentials import AccessToken
    from azure.core.pipeline.policies import HeadersPolicy, RetryPolicy
    from azure.mgmt.carbonoptimization import CarbonOptimizationMgmtClient

    class Credential:
        def get_token(self, *_: str, **__: Any) -> AccessToken:
            return AccessToken(TOKEN, 9_999_999_999)

    client = CarbonOptimizationMgmtClient(
        Credential(),
        base_url=url,
        authentication_policy=HeadersPolicy({"Authorization": f"Bearer {TOKEN}"}),
        retry_policy=RetryPolicy(retry_total=3, retry_backoff_factor=0.01),
        read_timeout=5,
    )
    return AzureApi(client, url)


def a_source(served: Cloud, months: str = "2026-05", at: str = AT, **settings: str) -> Source:
    return AzureCarbon(
        Asked(settings={"at": at, **settings}),
        span=span_of(months),
        api=an_api(served.url),
        subscriptions=[ONE, TWO],
    )


def brought(served: Cloud, months: str = "2026-05", **settings: str) -> list[Imported]:
    return list(a_source(served, months, **settings).read())


def runs_in(portions: list[Imported]) -> list[Run]:
    return [run for portion in portions for run in portion.runs]


class ApiWorld:
    """The service as the suite commands it: each resource is in four answers a month."""

    def __init__(self, stack: ExitStack) -> None:
        self.stub = Azure(a_resource(), a_resource("vm-2", location="northeurope"), a_resource("vm-3"))
        self._stack = stack
        self._at = AT
        self.served = stack.enter_context(cloud(self.stub.answer))
        self.named = self.served.url

    @property
    def rows(self) -> int:
        return 4 * len(self.stub.resources)

    def open(self) -> Source:
        return a_source(self.served, at=self._at)

    def grow(self) -> None:
        self._at = "2026-08-02T00:00:00Z"
        self.stub.resources.append(a_resource("disk", resourceType="microsoft.compute/disks"))

    def move(self) -> None:
        self.served = self._stack.enter_context(cloud(self.stub.answer))
        self.named = self.served.url

    def damage(self) -> str:
        good = self.stub.answer

        def answer(request: Any) -> Any:
            if request.json and request.json.get("carbonScopeList") == ["Scope2"]:
                self.stub.resources[1]["latestMonthEmissions"] = None
            else:
                self.stub.resources[1].pop("latestMonthEmissions", None)
            return good(request)

        self.served.answer = answer
        return "2026-05 Scope2[1]"

    def garble(self) -> None:
        self.served.answer = lambda _: HTML

    def remove(self) -> None:
        self._stack.close()


@pytest.mark.slow
class TestApi(SourceSuite):
    """The rules that every source keeps, for the service."""

    @pytest.fixture
    def world(self) -> Iterator[SourceWorld]:
        with ExitStack() as stack:
            yield ApiWorld(stack)


@pytest.fixture
def stub() -> Azure:
    return Azure(
        a_resource(), a_resource("vm-2"), a_resource("vm-3"), a_resource("other", location="northeurope")
    )


@pytest.fixture
def azure(stub: Azure) -> Iterator[Cloud]:
    with cloud(stub.answer) as served:
        yield served


@pytest.mark.slow
def test_resources_of_one_place_and_type_are_a_record(azure: Cloud) -> None:
    """Three machines of 600 kg are 1800 kg; their names are not kept."""
    runs = runs_in(brought(azure))
    (west,) = [r for r in runs if r.subject.region == "westeurope"]
    assert {s.scopes: s.value for s in west.statements} == {
        **{(scope,): 3 * kg for scope, kg in zip(ALL, KILOGRAMS.values(), strict=True)},
        ALL: 1800.0,
    }
    assert west.subject.labels["cloud.service"] == "microsoft.compute/virtualmachines"
    assert west.subject.labels["cloud.account.id"] == ONE
    assert "vm-" not in repr(runs)
    assert all(check.agrees for run in runs for check in parts_checks(run.statements))
    assert all(map(only_states, runs))


@pytest.mark.slow
def test_its_accounting_is_not_stated(azure: Cloud) -> None:
    """So that it is refused beside a location-based figure of anybody."""
    (run, *_) = runs_in(brought(azure))
    total = next(s for s in run.statements if s.scopes == ALL)
    assert total.accounting is None
    assert accounting_of(total) == "not stated"
    aws = emissions(1.0, "tCO2e", month_of("2026-05"), "location", ALL)
    with pytest.raises(NotComparable, match="accounting"):
        added([("azure", total), ("aws", aws)])


@pytest.mark.slow
def test_each_month_is_asked_for_by_itself(azure: Cloud, stub: Azure) -> None:
    """For `latestMonthEmissions` is the sum over the range, whatever its name says."""
    runs = runs_in(brought(azure, "2026-04/2026-05"))
    assert {r.started_at[:7] for r in runs} == {"2026-04", "2026-05"}
    asked = [r.json for r in azure.asked if r.path.endswith("carbonEmissionReports")]
    assert {(a["dateRange"]["start"], a["dateRange"]["end"]) for a in asked} == {
        ("2026-04-01", "2026-04-01"),
        ("2026-05-01", "2026-05-01"),
    }
    assert {a["reportType"] for a in asked} == {"ItemDetailsReport"}


@pytest.mark.slow
def test_months_that_azure_does_not_have_are_told(azure: Cloud) -> None:
    """Those it has are read; none at all is an error."""
    portions = brought(azure, "2026-06/2026-08")
    assert {r.started_at[:7] for r in runs_in(portions)} == {"2026-06"}
    assert "months from 2025-06 to 2026-06" in notes_of(portions)
    with pytest.raises(EvidenceError, match="has months from 2025-06 to 2026-06: ask for some of these"):
        brought(azure, "2026-09")


@pytest.mark.slow
def test_a_subscription_that_is_denied_is_told(azure: Cloud, stub: Azure) -> None:
    """With the role that is needed; all denied is an error."""
    stub.denied = {TWO}
    assert f"subscription {TWO} is denied (no role)" in notes_of(brought(azure))
    stub.denied = {ONE, TWO}
    with pytest.raises(EvidenceError, match="Carbon Optimization Reader on it; so for all of them"):
        brought(azure)


@pytest.mark.slow
def test_another_subscription_is_an_error(azure: Cloud) -> None:
    """An answer about one that was not asked for is not taken."""
    other = {
        "value": [
            a_resource(subscriptionId="3", latestMonthEmissions=1.0, dataType="ResourceItemDetailsData")
        ]
    }
    azure.answer = lambda r: as_json(
        other if r.json else {"startDate": "2025-06-01", "endDate": "2026-06-01"}
    )
    with pytest.raises(EvidenceError, match="subscription 3, which was not asked for"):
        brought(azure)


@pytest.mark.slow
@pytest.mark.parametrize("field", ["latestMonthEmissions", "subscriptionId"])
def test_a_field_that_is_gone_is_named(azure: Cloud, stub: Azure, field: str) -> None:
    """The API has changed."""
    row = {k: v for k, v in a_resource(latestMonthEmissions=1.0).items() if k != field}
    azure.answer = lambda r: as_json({"value": [row]} if r.json else stub.available)
    with pytest.raises(EvidenceError, match=f"lacks the field {field}"):
        brought(azure)


@pytest.mark.slow
@pytest.mark.parametrize(("document", "field"), [({}, "startDate"), ({"startDate": "2025-06-01"}, "endDate")])
def test_a_range_that_is_gone_is_named(azure: Cloud, document: dict[str, str], field: str) -> None:
    """So is a list of rows."""
    azure.answer = lambda r: as_json({} if r.json else document)
    with pytest.raises(EvidenceError, match=f"lacks the field {field}"):
        brought(azure)
    azure.answer = lambda r: as_json({} if r.json else {"startDate": "2025-06-01", "endDate": "2026-06-01"})
    with pytest.raises(EvidenceError, match="lacks the field value"):
        brought(azure)


@pytest.mark.slow
def test_a_token_that_comes_again_ends(azure: Cloud, stub: Azure) -> None:
    """It would go on for ever."""
    again = {"value": [a_resource(latestMonthEmissions=1.0)], "skipToken": "x"}
    azure.answer = lambda r: as_json(again if r.json else stub.available)
    with pytest.raises(EvidenceError, match="the same skipToken again and again"):
        brought(azure)


@pytest.mark.slow
def test_what_passes_is_waited_out(azure: Cloud) -> None:
    """A 429 and a 503 on the way, and all is there."""
    azure.first(as_json({}, 429, **{"Retry-After": "0"}), as_json({}, 503))
    assert len(runs_in(brought(azure))) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "does not accept the credentials"),
        (403, "the role Carbon Optimization Reader"),
        (429, "still limits requests"),
        (500, "fails on its side"),
        (400, "does not take the request"),
    ],
)
def test_a_refusal_says_what_to_do(azure: Cloud, status: int, said: str) -> None:
    """And where; the token is not in it."""
    azure.answer = lambda _: as_json({"error": {"code": "No", "message": "no"}}, status)
    with pytest.raises(EvidenceError, match=said) as caught:
        brought(azure)
    assert azure.url in str(caught.value)
    assert TOKEN not in str(caught.value)


@pytest.mark.slow
def test_half_an_answer_is_no_answer(azure: Cloud, stub: Azure) -> None:
    """Nothing of it is taken."""
    azure.answer = lambda request: cut(stub.answer(request))
    with pytest.raises(EvidenceError, match=r"no JSON, or ended in the middle|stopped answering"):
        brought(azure)


@pytest.mark.slow
def test_asked_later_it_is_a_newer_version(azure: Cloud, stub: Azure) -> None:
    """Azure states no model: the time decides."""
    first = {r.record_id: r.seq for r in runs_in(brought(azure))}
    stub.factor = 1.1
    second = {r.record_id: r.seq for r in runs_in(list(a_source(azure, at="2026-09-01T00:00:00Z").read()))}
    assert first.keys() == second.keys()
    assert all(second[record] > seq for record, seq in first.items())


@pytest.mark.slow
def test_a_snapshot_is_kept_and_reads_the_same(azure: Cloud, tmp_path: Path) -> None:
    """There is no token in it."""
    runs = runs_in(brought(azure, "2026-04/2026-05", snapshot=str(tmp_path)))
    (path,) = tmp_path.iterdir()
    assert TOKEN not in path.read_text()
    assert runs_in(list(open_source("azure-carbon", [str(path)], Asked()).read())) == runs


def test_it_must_be_told_whom_to_ask_about() -> None:
    """And one kind of input."""
    with pytest.raises(UsageError, match="-o subscriptions=ID,ID"):
        open_source("azure-carbon", ["2026-05"], Asked())
    with pytest.raises(UsageError, match="one stretch of months"):
        open_source("azure-carbon", ["2026-05", "a.csv"], Asked())


HEADER = (
    "dateKey,enrollmentId,orgName,subscriptionId,subscriptionName,azureServiceName,subService,"
    "azureRegionName,scope,scopeId,totalEmissions"
)


def a_line(
    scope: int = 1, tonnes: float | str = 0.1, month: str = "202605", service: str = "Virtual Machines"
) -> str:
    return f"{month}01,77,Org,{ONE},Main,{service},Compute,West Europe,Scope {scope},{scope},{tonnes}"


def a_file(path: Path, *lines: str, header: str = HEADER) -> Path:
    path.write_text("\n".join((header, *lines)) + "\n")
    return path


class TestDashboard(SourceSuite):
    """The rules that every source keeps, for files of the dashboard."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        lines = [a_line(1), a_line(2, 0.3), a_line(service="Storage"), a_line(2, service="Storage")]
        return TextWorld(
            tmp_path / "impact.csv",
            "azure-carbon",
            [HEADER, *lines],
            more=[a_line(1, month="202606")],
            spoil=(4, a_line(1, "much", service="Storage")),
            headers=1,
        )


def of_dashboard(path: Path, **settings: str) -> list[Run]:
    return runs_in(read("azure-carbon", path, **settings))


def test_rows_of_a_service_are_a_record_of_its_scopes(tmp_path: Path) -> None:
    """Two parts of a service add up: 0.1 + 0.2 t of Scope 1; no total is stated."""
    (run,) = of_dashboard(a_file(tmp_path / "a.csv", a_line(1), a_line(1, 0.2), a_line(3, 0.5)))
    assert {s.scopes: (s.value, s.unit) for s in run.statements} == {
        ("scope 1",): (pytest.approx(0.3), "tCO2e"),
        ("scope 3",): (0.5, "tCO2e"),
    }
    assert run.started_at.startswith("2026-05-01")
    assert run.subject.region == "West Europe"
    assert run.subject.labels["cloud.billing.account"] == "77"


def test_a_record_with_a_bad_row_is_left_out_whole(tmp_path: Path) -> None:
    """A part would look like the whole."""
    portions = read(
        "azure-carbon", a_file(tmp_path / "a.csv", a_line(1), a_line(4), a_line(1, month="202606"))
    )
    assert [r.started_at[:7] for r in runs_in(portions)] == ["2026-06"]
    assert "left out: a row is bad" in notes_of(portions)


def test_names_are_found_whatever_their_case_and_spaces(tmp_path: Path) -> None:
    """And others by a setting."""
    spaced = "Date Key,Subscription ID,Azure Region Name,Azure Service Name,Scope,Emissions"
    path = a_file(tmp_path / "a.csv", f"2026-05-01,{ONE},West Europe,Storage,Scope 3,12", header=spaced)
    settings = {"column.totalEmissions": "Emissions", "unit": "kgCO2e"}
    (run,) = of_dashboard(path, **settings)
    assert [(s.value, s.unit) for s in run.statements] == [(12.0, "kgCO2e")]
    with pytest.raises(EvidenceError, match=r"the column totalEmissions is not there, .* -o column.totalEmi"):
        of_dashboard(path)


@pytest.mark.parametrize(
    ("settings", "said"), [({"unit": "pounds"}, "unit is one of"), ({"column.x": "y"}, "no column 'x'")]
)
def test_a_setting_that_cannot_be_is_named(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    """Before anything is read."""
    with pytest.raises(UsageError, match=said):
        of_dashboard(a_file(tmp_path / "a.csv", a_line()), **settings)


@pytest.mark.parametrize("line", [a_line(month="209913"), a_line().replace("Scope 1", "all")])
def test_a_row_that_cannot_be_is_named(tmp_path: Path, line: str) -> None:
    """With its line."""
    path = a_file(tmp_path / "a.csv", line)
    (bad,) = [b for p in read("azure-carbon", path) for b in p.bad]
    assert bad.place == f"{path}:2"


def test_a_workbook_is_refused(tmp_path: Path) -> None:
    """With what to do."""
    (tmp_path / "a.xlsx").write_bytes(b"PK")
    with pytest.raises(EvidenceError, match="export the page's data as CSV"):
        of_dashboard(tmp_path / "a.xlsx")


def test_a_file_exported_later_restates(tmp_path: Path) -> None:
    """As whoever imports says."""
    path = a_file(tmp_path / "a.csv", a_line())
    (plain,), (late,) = of_dashboard(path), of_dashboard(path, at=AT)
    assert late.record_id == plain.record_id
    assert late.seq > plain.seq


def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files need none; the service does."""
    monkeypatch.setitem(sys.modules, "azure.mgmt.carbonoptimization", None)
    with pytest.raises(MissingExtra, match=r"wattmark\[azure\]"):
        AzureApi().available()
