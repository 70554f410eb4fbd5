"""The AWS Sustainability API through the real boto3, against a server with the shapes of botocore's model."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("boto3", reason="boto3 is not installed: pip install 'wattmark[aws]'")

from tests.sources.aws_stub import Sustainability, carbon, dimensions, refusal, water
from tests.sources.cloud_server import HTML, Cloud, as_json, cloud, cut
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.imported import Imported
from wattmark.core.run import Run
from wattmark.core.statements import litres, only_states
from wattmark.hashing import sha256
from wattmark.ports import Source
from wattmark.sources.aws_client import AwsSettings
from wattmark.sources.aws_sustainability import AwsSustainability
from wattmark.sources.catalog import Asked, open_source
from wattmark.sources.provider_statements import month_of
from wattmark.testing.source_suite import SourceSuite, SourceWorld

pytestmark = pytest.mark.slow
SECRET = "wJalrXUtnFEMIsecretsecretsecret"
ACCESS = "AKIAIOSFODNN7EXAMPLE"
AT = "2026-08-01T00:00:00Z"


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only these keys, and nothing of this machine's own configuration."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def api() -> Sustainability:
    stub = Sustainability()
    stub.carbon = [carbon(), carbon("2026-06"), carbon(DimensionsValues=dimensions(region="eu-central-1"))]
    stub.water = [water()]
    return stub


@pytest.fixture
def aws(api: Sustainability) -> Iterator[Cloud]:
    with cloud(api.answer) as served:
        yield served


def portions(served: Cloud, months: str = "2026-05/2026-06", **settings: str) -> list[Imported]:
    asked = Asked(settings={"endpoint": served.url, "at": AT, **settings})
    return list(open_source("aws-sustainability", [months], asked).read())


def runs_of(served: Cloud, months: str = "2026-05/2026-06", **settings: str) -> list[Run]:
    return [run for portion in portions(served, months, **settings) for run in portion.runs]


class ApiWorld:
    """The API as the suite commands it: what grows is asked for a day later."""

    def __init__(self, stack: ExitStack) -> None:
        self.stub = Sustainability()
        self.stub.carbon = [carbon(), carbon("2026-06"), carbon(DimensionsValues=dimensions(region="r2"))]
        self.stub.water = [water()]
        self._stack = stack
        self._at = AT
        self.served = stack.enter_context(cloud(self.stub.answer))
        self.named = self.served.url

    @property
    def rows(self) -> int:
        return len(self.stub.carbon) + len(self.stub.water)

    def open(self) -> Source:
        asked = Asked(settings={"endpoint": self.served.url, "at": self._at})
        return open_source("aws-sustainability", ["2026"], asked)

    def grow(self) -> None:
        self._at = "2026-08-02T00:00:00Z"
        self.stub.carbon.append(carbon("2026-07"))

    def move(self) -> None:
        self.served = self._stack.enter_context(cloud(self.stub.answer))
        self.named = self.served.url

    def damage(self) -> str:
        self.stub.carbon[1]["EmissionsValues"]["TOTAL_LBM_CARBON_EMISSIONS"]["Unit"] = "pounds"
        return "carbon[1]"

    def garble(self) -> None:
        self.served.answer = lambda _: HTML

    def remove(self) -> None:
        self._stack.close()


class TestAwsSustainability(SourceSuite):
    """The rules that every source keeps."""

    @pytest.fixture
    def world(self) -> Iterator[SourceWorld]:
        with ExitStack() as stack:
            yield ApiWorld(stack)


def test_a_result_is_a_record_of_seven_figures(aws: Cloud) -> None:
    """Metric tonnes by type, of one account, region, service and month."""
    run = runs_of(aws, "2026-06")[0]
    assert run.started_at == "2026-06-01T00:00:00.000000Z"
    assert run.subject.region == "eu-west-1"
    assert run.subject.labels["cloud.account.id"] == "222222222222"
    assert len(run.statements) == 7
    total = run.statements[0]
    assert (total.value, total.unit, total.accounting, total.provider_model_version) == (
        0.6,
        "tCO2e",
        "location",
        "v3.0.0",
    )
    assert total.scopes == ("scope 1", "scope 2", "scope 3")
    assert only_states(run)


def test_water_is_a_record_of_its_own(aws: Cloud) -> None:
    """1.5 cubic metres are 1500 litres; it is no version of the carbon."""
    runs = runs_of(aws, "2026-05")
    (wet,) = [r for r in runs if r.statements[0].quantity == "water"]
    assert litres(wet.statements[0]) == 1500.0
    assert len({r.record_id for r in runs}) == len(runs) == 3


def test_all_pages_are_read(api: Sustainability, aws: Cloud) -> None:
    """Five results, two a page: three requests, each signed and for months without days."""
    api.carbon = [carbon(DimensionsValues=dimensions(region=f"r{n}")) for n in range(5)]
    api.water = []
    assert len(runs_of(aws, "2026-05")) == 5
    asked = [r for r in aws.asked if r.path == "/v1/estimated-carbon-emissions"]
    assert len(asked) == 3
    assert asked[0].json["TimePeriod"] == {"Start": "2026-05-01T00:00:00Z", "End": "2026-06-01T00:00:00Z"}
    assert asked[0].json["GroupBy"] == ["USAGE_ACCOUNT_ID", "REGION", "SERVICE"]
    assert "Credential=" in asked[0].headers["authorization"]


def test_a_year_is_its_twelve_months(aws: Cloud) -> None:
    """2026 ends before 2027."""
    runs_of(aws, "2026")
    assert aws.asked[0].json["TimePeriod"]["End"] == "2027-01-01T00:00:00Z"


def test_throttling_is_waited_out(aws: Cloud) -> None:
    """A 429 and a 500 on the way, and all is there."""
    aws.first(refusal("ThrottlingException", 429), refusal("InternalServerException", 500))
    assert len(runs_of(aws)) == 4


def test_throttling_without_end_is_told(aws: Cloud) -> None:
    """After five attempts, with what to do."""
    aws.answer = lambda _: refusal("ThrottlingException", 429, "Rate exceeded")
    with pytest.raises(EvidenceError, match=r"limits requests after 5 attempts, .*Rate exceeded"):
        runs_of(aws)
    assert len(aws.asked) == 5


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("AccessDeniedException", 403, "the IAM permission sustainability:GetEstimatedCarbonEmissions"),
        ("UnrecognizedClientException", 403, "does not accept the credentials"),
        ("ExpiredTokenException", 401, "does not accept the credentials"),
        ("ValidationException", 400, "does not take the request"),
    ],
)
def test_a_refusal_says_what_to_do(aws: Cloud, code: str, status: int, said: str) -> None:
    """And where; the keys are not in it."""
    aws.answer = lambda _: refusal(code, status, f"user {ACCESS} may not")
    with pytest.raises(EvidenceError, match=said) as caught:
        runs_of(aws)
    assert aws.url in str(caught.value)
    assert ACCESS not in str(caught.value)


def test_without_credentials_it_says_how_to_get_some(aws: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3's own search found none."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(EvidenceError, match=r"no AWS credentials: set AWS_PROFILE"):
        runs_of(aws)
    with pytest.raises(UsageError, match="nobody"):
        runs_of(aws, profile="nobody")


def test_half_an_answer_is_no_answer(api: Sustainability, aws: Cloud) -> None:
    """Nothing of it is taken."""
    aws.answer = lambda request: cut(api.answer(request))
    with pytest.raises(EvidenceError, match="without the field Results: it ended in the middle"):
        runs_of(aws)


def test_a_slow_answer_ends(api: Sustainability, aws: Cloud) -> None:
    """It does not hang."""
    aws.answer = lambda request: replace(api.answer(request), wait=30.0)
    months = month_of("2026-05"), month_of("2026-05")
    settings = AwsSettings(endpoint=aws.url, read_seconds=0.1)
    source = AwsSustainability(months, (), Asked(settings={"at": AT}), settings)
    with pytest.raises(EvidenceError, match=r"cannot be reached: .*timeout"):
        list(source.read())


@pytest.mark.parametrize("field", ["ModelVersion", "TimePeriod", "DimensionsValues", "EmissionsValues"])
def test_a_field_that_is_gone_is_named(api: Sustainability, aws: Cloud, field: str) -> None:
    """The API has changed."""
    del api.carbon[0][field]
    aws.answer = lambda r: as_json({"Results": api.carbon if "carbon" in r.path else []})
    with pytest.raises(EvidenceError, match=rf"lacks the field {field}"):
        runs_of(aws)


def test_results_that_are_gone_are_named(aws: Cloud) -> None:
    """An empty object is no empty list."""
    aws.answer = lambda _: as_json({})
    with pytest.raises(EvidenceError, match="without the field Results"):
        runs_of(aws)


def test_another_account_is_an_error(api: Sustainability, aws: Cloud) -> None:
    """An answer about an account that was not asked for is not taken."""
    aws.answer = lambda _: as_json({"Results": api.carbon})
    with pytest.raises(EvidenceError, match="account 222222222222, which was not asked for"):
        runs_of(aws, account="111111111111")


def test_only_the_account_that_is_asked_for(api: Sustainability, aws: Cloud) -> None:
    """AWS chooses, and gets the filter."""
    api.carbon.append(carbon(DimensionsValues=dimensions("333333333333")))
    runs = runs_of(aws, account="333333333333")
    assert [r.subject.labels["cloud.account.id"] for r in runs] == ["333333333333"]


def test_history_that_changed_is_a_newer_version(api: Sustainability, aws: Cloud) -> None:
    """Asked later it has a higher seq; a newer model goes before any time."""
    (first,) = runs_of(aws, "2026-06")
    api.carbon[1]["EmissionsValues"]["TOTAL_LBM_CARBON_EMISSIONS"]["Value"] = 0.5
    (second,) = runs_of(aws, "2026-06", at="2026-09-01T00:00:00Z")
    api.carbon[1]["ModelVersion"] = "v3.1.0"
    (third,) = runs_of(aws, "2026-06")
    assert first.record_id == second.record_id == third.record_id
    assert first.seq < second.seq < third.seq


def test_a_record_carries_the_hash_of_what_was_read(api: Sustainability, aws: Cloud) -> None:
    """Of the result as AWS gave it, so that a dispute can be settled."""
    (run,) = runs_of(aws, "2026-06")
    text = json.dumps(_canonical(api.carbon[1]), sort_keys=True, separators=(",", ":"))
    assert sha256(text.encode()).hexdigest() in run.notes[-1]


def _canonical(result: dict[str, Any]) -> dict[str, Any]:
    """Times as boto3 and we write them."""
    found = copy.deepcopy(result)
    found["TimePeriod"] = {k: v.replace("Z", ".000000Z") for k, v in found["TimePeriod"].items()}
    return found


def test_a_snapshot_is_kept_and_reads_the_same(aws: Cloud, tmp_path: Path) -> None:
    """Its name holds the beginning of its hash; there is no key in it, and AWS is not asked again."""
    folder = tmp_path / "answers"
    read = portions(aws, snapshot=str(folder))
    (path,) = folder.iterdir()
    text = path.read_bytes()
    content = sha256(text).hexdigest()
    assert content[:12] in path.name
    assert any(content in note for p in read for note in p.notes)
    assert SECRET.encode() not in text
    assert ACCESS.encode() not in text
    asked = len(aws.asked)
    again = list(open_source("aws-sustainability", [str(path)], Asked()).read())
    assert [r for p in again for r in p.runs] == [r for p in read for r in p.runs]
    assert len(aws.asked) == asked


def test_keys_are_in_no_log(aws: Cloud, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """Not of ours: what boto3 logs at its lowest level is for whoever turns that on."""
    with caplog.at_level(logging.INFO):
        runs = runs_of(aws)
    assert SECRET not in caplog.text
    assert SECRET not in repr(runs)


@pytest.mark.parametrize("inputs", [["2026-05", "x.json"], ["2026-05", "2026-06"]])
def test_one_kind_of_input(inputs: list[str]) -> None:
    """Months or files, and one stretch of months."""
    with pytest.raises(UsageError):
        open_source("aws-sustainability", inputs, Asked())


def test_a_file_that_is_no_snapshot_is_named(tmp_path: Path) -> None:
    """So is one that is not there, and one of another source."""
    other = tmp_path / "other.json"
    other.write_text('{"schema": "wattmark.snapshot", "source": "azure-carbon"}')
    half = tmp_path / "half.json"
    half.write_text('{"schema": "wattmark.snapshot", "source": "aws-sustainability"}')
    for path, said in ((other, "is no snapshot of aws"), (half, "half"), (tmp_path / "no", "is not there")):
        with pytest.raises(EvidenceError, match=said):
            list(open_source("aws-sustainability", [str(path)], Asked()).read())
