"""The board's agenda as one paper: text, Markdown, HTML; and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wattmark.core.governance.agenda import Agenda, Decided, Direction, Point, Review, Trend
from wattmark.core.governance.audit import Entry
from wattmark.core.governance.chain import Findings, State
from wattmark.core.governance.decision import Shown, Standing
from wattmark.core.governance.waiver import JudgedWaiver, WaiverState
from wattmark.core.kpis import CATALOG
from wattmark.core.listed import some
from wattmark.core.plain import plain
from wattmark.reports.agenda_charts import trend_chart
from wattmark.reports.as_text import sparkline
from wattmark.reports.budgets import budgets_section, standing_json
from wattmark.reports.paper import Drawing, Marked, Paper, Section
from wattmark.reports.quantities import number, quantity, scale_of
from wattmark.reports.waivers import waiver_json

STANDINGS = {
    Standing.FAILED: "bad",
    Standing.INCOMPLETE: "warn",
    Standing.WAIVED: "warn",
    Standing.WARNING: "warn",
    Standing.PASS: "yes",
}
WAIVERS = {
    WaiverState.EXPIRED: "bad",
    WaiverState.PERMANENT: "bad",
    WaiverState.EXPIRING: "warn",
    WaiverState.PENDING: "warn",
    WaiverState.STALE: "warn",
}
AUDIT = {State.PROVEN: "yes", State.UNPROVEN: "warn", State.TAMPERED: "bad"}
MOST_GAPS = 20
SHORT = 12
"""Digits of a hash that tell it."""


def agenda_paper(agenda: Agenda, version: str, *, ascii_only: bool = False) -> Paper:
    """All of it, what presses first."""
    breaches = agenda.breaches
    return Paper(
        kind="wattmark governance",
        title=f"Agenda: {agenda.policy}",
        lead=" · ".join(filter(None, (f"{agenda.at[:10]}, looking back to {agenda.since}", agenda.owner))),
        standing=Marked(text=f"{len(breaches)} to act on", css="bad")
        if breaches
        else Marked(text="nothing broken", css="yes"),
        sections=(
            Section(
                title="To act on",
                items=breaches or ("nothing that was looked at is broken",),
                absent=_lacking(agenda),
            ),
            _budgets(agenda),
            _decisions(agenda),
            _waivers(agenda),
            _reviews(agenda.reviews),
            _changes(agenda),
            _trends(agenda, ascii_only=ascii_only),
            _audit(agenda),
            _gaps(agenda),
        ),
        foot=f"Made by wattmark {version} at {agenda.at}.",
        version=version,
    )


def _lacking(agenda: Agenda) -> str:
    return f"not looked at: {', '.join(agenda.absent)}; each section says why" if agenda.absent else ""


def _budgets(agenda: Agenda) -> Section:
    if agenda.budgets is None:
        return Section(title="Budgets", absent=agenda.absent.get("budgets", ""))
    return budgets_section(agenda.budgets)


def _decisions(agenda: Agenda) -> Section:
    title = f"Decisions since {agenda.since}"
    if agenda.decided is None:
        return Section(title=title, absent=agenda.absent.get("decisions", ""))
    rows = tuple(_decided(one) for one in agenda.decided)
    return Section(
        title=title,
        lead=_tally(agenda.decided),
        head=("at", "subject", "standing", "failed", "waived", "without evidence"),
        rows=rows,
        fold={1: 26, 3: 28, 4: 24, 5: 24},
    )


def _tally(decided: Sequence[Decided]) -> str:
    counts = {s: sum(one.standing is s for one in decided) for s in STANDINGS}
    told = ", ".join(f"{count} {standing}" for standing, count in counts.items() if count)
    return f"{len(decided)} in all: {told}" if decided else "none"


def _decided(one: Decided) -> tuple[str | Marked, ...]:
    lists = (Standing.FAILED, Standing.WAIVED, Standing.INCOMPLETE)
    return (
        one.entry.at[:16].replace("T", " "),
        one.entry.subject,
        Marked(text=one.standing.value, css=STANDINGS[one.standing]),
        *(", ".join(one.rules(standing)) for standing in lists),
    )


def _waivers(agenda: Agenda) -> Section:
    if agenda.waivers is None:
        return Section(title="Waivers", absent=agenda.absent.get("waivers", ""))
    told = (holding_words(agenda.waivers_held),)
    return Section(
        title="Waivers that need a look",
        lead=told[0],
        head=("waiver", "rule", "state", "last day", "owner", "ticket", "why"),
        rows=tuple(_waiver(one) for one in agenda.waivers),
        items=()
        if agenda.waivers
        else ("none lapses soon, is expired, pending, permanent, stale or unverified",),
        fold={6: 40},
    )


def holding_words(count: int) -> str:
    """How many waivers hold."""
    return {0: "no waiver holds", 1: "1 waiver holds"}.get(count, f"{count} waivers hold")


def _waiver(one: JudgedWaiver) -> tuple[str | Marked, ...]:
    waiver = one.waiver
    verified = "" if one.verified else ", unverified"
    return (
        waiver.id,
        waiver.rule,
        Marked(text=f"{one.state}{verified}", css=WAIVERS.get(one.state, "warn")),
        waiver.expires.isoformat() if waiver.expires is not None else "never",
        waiver.owner,
        waiver.ticket,
        one.reason,
    )


def _reviews(reviews: Sequence[Review]) -> Section:
    return Section(
        title="Reviews due",
        head=("what", "due", "when", "owner"),
        rows=tuple((r.what, r.due.isoformat(), _when(r), r.owner) for r in reviews),
        items=() if reviews else ("none within 30 days",),
    )


def _when(review: Review) -> Marked:
    if review.overdue:
        return Marked(text=f"{some(-review.days, 'day')} overdue", css="bad")
    return Marked(text=f"in {some(review.days, 'day')}", css="warn")


def _changes(agenda: Agenda) -> Section:
    title = f"Changes of policy, baselines and waivers since {agenda.since}"
    if agenda.changes is None:
        return Section(title=title, absent=agenda.absent.get("decisions", ""))
    return Section(
        title=title,
        head=("at", "what", "subject", "by", "said"),
        rows=tuple(_change(entry) for entry in agenda.changes),
        items=() if agenda.changes else ("none",),
        fold={3: 34, 4: 40},
    )


def _change(entry: Entry) -> tuple[str, ...]:
    said = [entry.decision, *(entry.detail.get(name, "") for name in ("reason", "approved_by", "noticed_by"))]
    return (
        entry.at[:16].replace("T", " "),
        entry.action.value,
        entry.subject,
        str(entry.actor),
        "; ".join(filter(None, said)),
    )


def _trends(agenda: Agenda, *, ascii_only: bool) -> Section:
    if agenda.trends is None:
        return Section(title="KPIs over time", absent=agenda.absent.get("trends", ""))
    return Section(
        title="KPIs over time",
        lead=f"{agenda.trends_from}; a direction is told where the intervals of first and last lie apart",
        head=("model", "KPI", "first", "last", "direction", "points"),
        rows=tuple(_trend(trend) for trend in agenda.trends),
        drawings=tuple(_drawn(t, ascii_only=ascii_only) for t in agenda.trends if len(t.points) > 1),
        items=tuple(
            f"{t.model}, {title_of(t.kpi)}: {t.left_out} points on other terms are left out"
            for t in agenda.trends
            if t.left_out
        ),
        absent="" if agenda.trends else "no model has a figure yet",
        fold={1: 28, 2: 36, 3: 36},
    )


def _trend(trend: Trend) -> tuple[str | Marked, ...]:
    better = CATALOG[trend.kpi].better if trend.kpi in CATALOG else None
    good = {Direction.FELL: "lower", Direction.ROSE: "higher"}.get(trend.direction)
    css = "no" if good is None or better is None else "yes" if better.value == good else "bad"
    return (
        trend.model,
        title_of(trend.kpi),
        shown_words(trend.points[0].shown),
        shown_words(trend.points[-1].shown) if len(trend.points) > 1 else "",
        Marked(text=trend.direction.value, css=css),
        str(len(trend.points)),
    )


def title_of(kpi: str) -> str:
    """What a KPI is called."""
    return CATALOG[kpi].title if kpi in CATALOG else kpi


def shown_words(shown: Shown) -> str:
    """A figure with its interval and its grade: ``1.23 kJ [1.17 .. 1.29], grade B``."""
    told = quantity(shown.value, shown.unit)
    if shown.low is not None or shown.high is not None:
        divisor, _ = scale_of(shown.value, shown.unit)
        ends = ("?" if end is None else number(end / divisor) for end in (shown.low, shown.high))
        told = f"{told} [{' .. '.join(ends)}]"
    return f"{told}, grade {shown.grade}" if shown.grade else told


def _drawn(trend: Trend, *, ascii_only: bool) -> Drawing:
    values = [point.shown.value for point in trend.points]
    return Drawing(
        title=f"{trend.model}: {title_of(trend.kpi)}",
        svg=trend_chart(trend, title_of(trend.kpi)),
        head=("at", "figure"),
        rows=tuple((_at(point), shown_words(point.shown)) for point in trend.points),
        line=sparkline(values, ascii_only=ascii_only),
    )


def _at(point: Point) -> str:
    return point.at[:16].replace("T", " ")


def _audit(agenda: Agenda) -> Section:
    found = agenda.audit
    if found is None:
        why = agenda.absent.get("audit") or agenda.absent.get("decisions", "")
        return Section(title="Audit log", absent=why)
    return Section(
        title="Audit log",
        head=("log", "as it stands"),
        rows=(
            ("state", Marked(text=found.state.value, css=AUDIT[found.state])),
            ("entries", str(found.count)),
            ("newest", f"{found.newest.seq} {found.newest.hash[:SHORT]}" if found.newest else "none"),
            ("proven up to", _proven(found)),
        ),
        items=(*(f"{f.kind}: {f.text} (entry {f.seq})" for f in found.findings), *found.notes),
    )


def _proven(found: Findings) -> str:
    tail = found.count - found.proven_through
    if not found.proven_through:
        return "nothing: no anchor was given; `wattmark audit anchor` keeps one"
    held = "; ".join(dict.fromkeys(anchor.source for anchor in found.held if anchor.source))
    rest = f"; the {tail} after it are not" if tail > 0 else ""
    return f"entry {found.proven_through}" + (f" by {held}" if held else "") + rest


def _gaps(agenda: Agenda) -> Section:
    if agenda.gaps is None:
        return Section(title="What is not measured", absent=agenda.absent.get("coverage", ""))
    shown = agenda.gaps[:MOST_GAPS]
    more = len(agenda.gaps) - len(shown)
    return Section(
        title="What is not measured",
        items=(
            *(f"{what}. {fix}" if fix else what for what, fix in shown),
            *([f"and {more} more: `wattmark coverage`"] if more else []),
            *(["nothing that should be there is lacking"] if not shown else []),
        ),
    )


def agenda_body(agenda: Agenda) -> dict[str, Any]:
    """Everything that the other forms show."""
    return {
        "at": agenda.at,
        "since": agenda.since,
        "policy": agenda.policy,
        "owner": agenda.owner,
        "breaches": list(agenda.breaches),
        "budgets": None if agenda.budgets is None else [standing_json(c.standing) for c in agenda.budgets],
        "decisions": None if agenda.decided is None else [_decided_json(one) for one in agenda.decided],
        "waivers": None if agenda.waivers is None else [waiver_json(one) for one in agenda.waivers],
        "waivers_holding": agenda.waivers_held,
        "reviews": [{**plain(review), "due": review.due.isoformat()} for review in agenda.reviews],
        "changes": None if agenda.changes is None else [_change_json(entry) for entry in agenda.changes],
        "trends": None if agenda.trends is None else [_trend_json(trend) for trend in agenda.trends],
        "trends_from": agenda.trends_from,
        "audit": None if agenda.audit is None else _audit_json(agenda.audit),
        "not_measured": None
        if agenda.gaps is None
        else [{"what": what, "fix": fix} for what, fix in agenda.gaps],
        "absent": dict(agenda.absent),
    }


def _decided_json(one: Decided) -> dict[str, Any]:
    return {
        "entry": one.entry.seq,
        "at": one.entry.at,
        "subject": one.entry.subject,
        "standing": one.standing.value,
        "failed": list(one.rules(Standing.FAILED)),
        "waived": list(one.rules(Standing.WAIVED)),
        "incomplete": list(one.rules(Standing.INCOMPLETE)),
        "decision_kept": one.decision is not None,
    }


def _change_json(entry: Entry) -> dict[str, Any]:
    return {
        "entry": entry.seq,
        "at": entry.at,
        "action": entry.action.value,
        "subject": entry.subject,
        "actor": entry.actor.name,
        "verified": entry.actor.verified,
        "outcome": entry.decision,
        "reason": entry.detail.get("reason", ""),
    }


def _trend_json(trend: Trend) -> dict[str, Any]:
    return {
        "model": trend.model,
        "kpi": trend.kpi,
        "direction": trend.direction.value,
        "left_out": trend.left_out,
        "points": [{"at": p.at, **plain(p.shown)} for p in trend.points],
    }


def _audit_json(found: Findings) -> dict[str, Any]:
    return {
        "state": found.state.value,
        "entries": found.count,
        "proven_through": found.proven_through,
        "head": found.newest.hash if found.newest is not None else None,
        "findings": [{"entry": f.seq, "kind": f.kind.value, "text": f.text} for f in found.findings],
        "notes": list(found.notes),
    }
