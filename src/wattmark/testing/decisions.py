"""A decision with one rule of every standing, for tests of whatever shows or sends decisions."""

from __future__ import annotations

from wattmark.core.governance.decision import (
    Decision,
    Kind,
    PolicyShown,
    Ruled,
    Shown,
    ShownWaiver,
    Side,
    Standing,
)
from wattmark.core.governance.level import Level
from wattmark.core.verdict import Ruling

TAGS = {"team": "language", "model": "sorter", "model_version": "2.1.0", "stage": "inference"}
WAIVER = ShownWaiver(
    id="W-7",
    state="expiring",
    owner="language-leads@example.org",
    ticket="GREEN-12",
    reason="moves to the new cluster in December",
    requested_by="trainer@example.org (ssh signature)",
    approved_by=("board@example.org (ssh signature)",),
    verified=True,
    expires="2026-12-10",
    cap=1.5,
    digest="ab" * 32,
)


def every_standing() -> Decision:
    """One rule each: passed, waived, warned of, failed, without evidence, not applicable; and a budget."""
    grams = Shown(value=1.2, unit="gCO2e/inference", low=1.1, high=1.3, grade="B", coverage=0.99)
    rules = (
        _rule("energy", "Energy-to-Solution at most 5 % above the baseline", Ruling.PASS, Standing.PASS),
        _rule(
            "carbon", "Carbon per Inference at most 1 gCO2e/inference", Ruling.VIOLATION, Standing.WAIVED,
            value=grams, compared=grams, bound=1.0, bound_kind="max", waiver=WAIVER, line=12,
        ),
        _rule(
            "utilisation", "Hardware Utilisation Efficiency at least 65 %", Ruling.VIOLATION,
            Standing.WARNING, level=Level.WARN, line=20,
        ),
        _rule(
            "queries", "Inference Watts per Query at most 10 W/kQPS", Ruling.VIOLATION, Standing.FAILED,
            reason="12.5 W/kQPS [12.1 .. 12.9]: the whole interval lies beyond the limit",
            why="below 10 W for a thousand queries per second", bound=10.0, bound_kind="max", line=28,
        ),
        _rule(
            "renewable", "Renewable Energy Matching at least 90 %", Ruling.UNDECIDED, Standing.INCOMPLETE,
            reason="missing: renewable generation", advice="state [renewables] file", line=34,
        ),
        _rule(
            "vision", "Inference Watts per Query at most 8 W/kQPS", Ruling.NOT_APPLICABLE,
            Standing.NOT_APPLICABLE, reason="for vision-batch", line=40,
        ),
        _rule(
            "quarter", "500 kgCO2e per quarter of team language", Ruling.PASS, Standing.WARNING,
            kind=Kind.BUDGET, value=Shown(value=412e3, unit="gCO2e", low=400e3, high=424e3, grade="B"),
            bound=500e3, bound_kind="budget", reason="82 % consumed after 57 % of the quarter", line=46,
        ),
    )  # fmt: skip
    return Decision(
        decided_at="2026-11-20T09:30:00Z",
        standing=Standing.FAILED,
        exit_code=1,
        candidate=Side(
            name="sorter 2.1.0",
            repeats=5,
            record_ids=("run-1", "run-2", "run-3", "run-4", "run-5"),
            evidence_sha256="cd" * 32,
            tags=TAGS,
        ),
        baseline=Side(name="default", repeats=5, evidence_sha256="ef" * 32),
        policy=PolicyShown(
            file="wattmark-policy.toml", digest="01" * 32, id="green", owner="board@example.org"
        ),
        rules=rules,
        score=Shown(value=92.0, unit="points", low=88.0, high=96.0, grade="B"),
        rubric="default",
        stars="3-4",
        figures={"carbon_per_inference_operational": grams},
        audit_head="23" * 32,
        audit_seq=41,
        notes=("rejected: a <b>name</b> | with `marks` & signs",),
    )


def _rule(name: str, title: str, ruling: Ruling, standing: Standing, **more: object) -> Ruled:
    return Ruled(
        id=name,
        title=title,
        ruling=ruling,
        standing=standing,
        file="wattmark-policy.toml",
        **{"line": 4, **more},  # type: ignore[arg-type]
    )
