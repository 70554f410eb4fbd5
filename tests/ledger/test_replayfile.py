"""What a log keeps of a gate is read back as it was."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from datetime import date

import pytest

from tests.builders import a_run
from wattmark.core.baseline import without_plots
from wattmark.core.carbon import Intensity, Pue
from wattmark.core.errors import EvidenceError
from wattmark.core.figure import Figure, Missing
from wattmark.core.given import Given
from wattmark.core.governance.budget import Budget, BudgetStanding, BudgetState
from wattmark.core.governance.identity import Identity, Proof
from wattmark.core.governance.scope import Scope
from wattmark.core.governance.waiver import Approval, JudgedWaiver, Waiver, WaiverState
from wattmark.core.known import Grade
from wattmark.core.run import SampleFile, Series
from wattmark.hashing import sha256
from wattmark.ledger.baselinefile import evidence_hash
from wattmark.ledger.replayfile import (
    Told,
    decoded,
    decoded_side,
    encoded,
    encoded_side,
    run_content,
    run_kept,
)

ANNA = Identity(name="anna@example.org", proof=Proof.SSH_SIGNATURE, detail="ED25519 SHA256:abc")
USED = Figure(
    412e3,
    "gCO2e",
    errors={"intensity:ember:FRA": -8e3, "gap:gpu": math.inf},
    grades={Grade.B: 3.0, Grade.D: 1.0},
    coverage=0.97,
    terms={"basis": "lifecycle"},
    sources=("ember 2025",),
    notes=("flagged",),
    ends=(400e3, math.inf),
)
JUDGED = JudgedWaiver(
    waiver=Waiver(
        id="W-7",
        rule="carbon",
        scope=Scope({"model": ("sorter*",)}),
        cap=1.5,
        requested_by=ANNA,
        expires=date(2026, 12, 10),
        approvals=(
            Approval(waiver="W-7", digest="ab" * 32, by=ANNA, role="board", at="2026-11-20T09:30:00Z"),
        ),
    ),
    state=WaiverState.EXPIRING,
    digest="ab" * 32,
    days_left=18,
    counted=(ANNA,),
    begins=date(2026, 11, 20),
)
STANDING = BudgetStanding(
    budget=Budget(id="quarter", limit=500, unit="kgCO2e", period="quarter", by=("team",)),
    key=(("team", "language"),),
    state=BudgetState.WARNING,
    used=USED,
    waived=replace(USED, ends=None),
    period="2026-Q4",
    elapsed=0.57,
    burn_rate=1.4,
    projected=Missing("course", "too few days"),
)
UNKNOWN = replace(STANDING, used=Missing("energy", "nothing was measured"), waived=None, projected=None)


@pytest.mark.parametrize(
    "told",
    [
        Told(),
        Told(
            judged=(JUDGED,), standings=(STANDING, UNKNOWN), options={"rubric": "default"}, wattmark="0.1.0"
        ),
    ],
)
def test_what_a_gate_was_told_is_read_back(told: Told) -> None:
    """Waivers with their people, budgets with figures or what is missing; infinite ends as well."""
    assert decoded(encoded(told), "entry 1") == told


def test_every_field_of_a_standing_is_kept() -> None:
    """Also those that are added to it later: the file names them all."""
    kept = json.loads(encoded(Told(standings=(STANDING,))))["standings"][0]
    assert kept.keys() == {field.name for field in fields(BudgetStanding)}


def test_equal_content_has_one_hash() -> None:
    """Whatever the order in which it was put together."""
    one = Told(options={"a": "1", "b": "2"})
    other = Told(options={"b": "2", "a": "1"})
    assert encoded(one) == encoded(other)


def test_a_side_is_read_back() -> None:
    """Names, what was stated of each repeat, and the runs by hash."""
    given = Given(pue=Pue(value=1.2), intensity=Intensity(grams_per_kwh=56.0, zone="FRA", source="ember"))
    runs = (a_run(record_id="a"), a_run(record_id="b"))
    content, kept = encoded_side(
        "sorter", runs, (given, Given()), as_one=False, kept="", remarks=("simulated",)
    )
    side = decoded_side(content, "entry 1")
    assert (side.name, side.givens, side.remarks) == ("sorter", (given, Given()), ("simulated",))
    assert [run.record_id for run in kept] == ["a", "b"]
    assert side.runs == tuple(sha256(run.content).hexdigest() for run in kept)
    assert [run_kept(run.content, "run") for run in kept] == list(runs)


def test_series_for_plots_are_left_out_and_devices_stay() -> None:
    """A device of which nothing but a series is known was not read, and a verdict asks for that."""
    series = Series(device_id="gpu:1", component="gpu", t_seconds=(0.0, 1.0), energy_joules=(0.0, 5.0))
    run = a_run(series=(series,), samples=(SampleFile(path="a.parquet", sha256="ab" * 32),))
    kept = run_kept(run_content(run), "run")
    assert [(one.device_id, one.t_seconds) for one in kept.series] == [("gpu:1", ())]
    assert kept.samples == ()
    assert evidence_hash(without_plots([kept])) == evidence_hash(without_plots([run]))


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff", b"[]", b"{}", b'{"schema": "wattmark.audit-given", "schema_version": 2}',
        b'{"schema": "wattmark.audit-given", "schema_version": 1}',
        b'{"schema": "wattmark.audit-given", "schema_version": 1, "judged": 1, "standings": []}',
        b'{"schema": "wattmark.audit-given", "schema_version": 1, "judged": [], "standings": [{"x": 1}]}',
        b'{"schema": "wattmark.audit-given", "schema_version": 1, "judged": [], "standings": ["x"]}',
        b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_such_object_is_refused(content: bytes) -> None:
    """Naming the entry."""
    with pytest.raises(EvidenceError, match="entry 1"):
        decoded(content, "entry 1")


@pytest.mark.parametrize("content", [b"{}", b'{"schema": "wattmark.audit-side", "schema_version": 1}'])
def test_what_is_no_side_is_refused(content: bytes) -> None:
    """Naming the entry."""
    with pytest.raises(EvidenceError, match="entry 1"):
        decoded_side(content, "entry 1")
