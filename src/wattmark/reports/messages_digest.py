"""A digest as a message, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wattmark.core.facts import Answer
from wattmark.core.figure import Figure
from wattmark.core.governance.decision import Standing
from wattmark.core.governance.digest import Change, Digest, Used
from wattmark.core.governance.message import Listing, Message, Severity, Topic
from wattmark.core.plain import plain
from wattmark.core.units import JOULES_PER_KWH
from wattmark.reports.as_json import answer_json
from wattmark.reports.ci.words import STANDING_WORDS, headline
from wattmark.reports.messages import with_markdown
from wattmark.reports.messages_budget import SEVERITIES, budgets_listing
from wattmark.reports.quantities import percent, quantity
from wattmark.reports.sections import ROUNDING, interval_words

SCHEMA, VERSION = "digest", 1


def digest_message(digest: Digest, link: str = "") -> Message:
    """The digest of one period; each has a key of its own."""
    tables = tuple(table for table in _tables(digest) if table.rows)
    return with_markdown(
        Message(
            key=f"digest/{digest.team or 'all'}/{digest.period.kind}/{digest.period.name}",
            title=_title(digest),
            markdown="",
            severity=_severity(digest),
            topics=(Topic.DIGEST,),
            facts=tuple((name, value) for name, value in _facts(digest) if value),
            tables=tables,
            notes=tuple(_notes(digest)),
            link=link,
            labels={"team": digest.team} if digest.team else {},
            at=digest.at,
        )
    )


def change_text(change: Change) -> str:
    """``-12.0 % [-15.0 .. -9.0]``, or that no change shows, or why there is none."""
    if change.ratio is None:
        return f"not compared: {change.refused}"
    low, high = change.ratio.interval
    if change.ratio.half_width <= ROUNDING * change.ratio.value:
        told = f"{_signed(change.ratio.value)} (errors of the same meters cancel)"
    else:
        told = f"{_signed(change.ratio.value)} [{_signed(low)} .. {_signed(high)}]"
    return told if change.direction else f"no change that shows: {told}"


def answer_text(answer: Answer) -> str:
    """A figure with its interval and its grade, or why there is none."""
    if not isinstance(answer, Figure):
        return str(answer)
    shown = in_watt_hours(answer)
    interval = interval_words(shown)
    told = (quantity(shown.value, shown.unit), f"({interval})" if interval else "")
    grade = f", grade {shown.grade}" if shown.grade else ""
    return " ".join(part for part in told if part) + grade


def in_watt_hours(figure: Figure) -> Figure:
    """Energy as people are billed for it; what is no energy stays as it is."""
    return figure.scaled(1 / JOULES_PER_KWH, "kWh") if figure.unit == "J" else figure


def digest_body(digest: Digest) -> dict[str, Any]:
    """One digest as JSON."""
    return {
        "team": digest.team or None,
        "period": _period(digest),
        "before": digest.before.name,
        "at": digest.at,
        "source": digest.source,
        "runs": digest.runs,
        "whole": _used_body(digest.whole),
        "parts": [_used_body(part) for part in digest.parts],
        "left_out": digest.left_out,
        "apart": [{"what": what, "energy_joules": joules} for what, joules in digest.untagged],
        "budgets": [{"id": s.budget.id, "key": dict(s.key), "state": s.state.value} for s in digest.budgets],
        "decided": [
            {"seq": d.entry.seq, "at": d.entry.at, "subject": d.entry.subject, "standing": d.standing.value}
            for d in digest.decided
        ],
        "waivers": [
            {"id": w.waiver.id, "rule": w.waiver.rule, "state": w.state.value, "days_left": w.days_left}
            for w in digest.waivers
        ],
        "gaps": [{"what": what, "fix": fix} for what, fix in digest.gaps],
        "findings": list(digest.findings),
        "absent": plain(digest.absent),
    }


def _title(digest: Digest) -> str:
    whose = f"team {digest.team}" if digest.team else "all teams"
    energy = digest.whole.energy
    shown = in_watt_hours(energy) if isinstance(energy, Figure) else None
    used = quantity(shown.value, shown.unit) if shown is not None else "energy not known"
    return f"Energy and carbon of {whose}, {digest.period.name}: {used}"


def _severity(digest: Digest) -> Severity:
    found = [SEVERITIES[s.state] for s in digest.budgets]
    failed = any(d.standing in (Standing.FAILED, Standing.INCOMPLETE) for d in digest.decided)
    worst = max(found, key=lambda s: s.rank, default=Severity.INFO)
    return max(worst, Severity.WARNING, key=lambda s: s.rank) if failed else worst


def _facts(digest: Digest) -> tuple[tuple[str, str], ...]:
    whole = digest.whole
    counted = [(STANDING_WORDS[s], sum(d.standing is s for d in digest.decided)) for s in STANDING_WORDS]
    return (
        ("Energy", answer_text(whole.energy)),
        (f"against {digest.before.name}", change_text(whole.energy_change)),
        ("Carbon, location-based", answer_text(whole.carbon)),
        (f"carbon against {digest.before.name}", change_text(whole.carbon_change)),
        ("Runs", str(digest.runs)),
        ("Gates", ", ".join(f"{n} {word}" for word, n in counted if n)),
    )


def _tables(digest: Digest) -> Iterator[Listing]:
    what = "Models" if digest.team else "Teams"
    more = (f"{digest.left_out} smaller ones are not listed",) if digest.left_out else ()
    yield Listing(
        title=what,
        columns=("", "energy", "change", "carbon", "change of carbon"),
        rows=tuple(
            (
                part.name,
                answer_text(part.energy),
                change_text(part.energy_change),
                answer_text(part.carbon),
                change_text(part.carbon_change),
            )
            for part in digest.parts
        ),
        notes=more,
    )
    yield budgets_listing(digest.budgets)
    yield Listing(
        title="Decisions",
        columns=("", "what", "when", "entry of the log"),
        rows=tuple(
            (
                STANDING_WORDS[d.standing],
                headline(d.decision) if d.decision is not None else d.entry.subject,
                d.entry.at,
                str(d.entry.seq),
            )
            for d in digest.decided
        ),
    )
    yield Listing(
        title="Waivers",
        columns=("", "waiver", "rule", "owner", "why"),
        rows=tuple(
            (w.state.value, f"{w.waiver.id} ({w.waiver.ticket})", w.waiver.rule, w.waiver.owner, w.reason)
            for w in digest.waivers
        ),
    )
    yield Listing(title="Not measured", columns=("what", "how to mend it"), rows=digest.gaps)
    yield Listing(
        title="Told apart",
        columns=("", "energy"),
        rows=tuple((what, quantity(joules / JOULES_PER_KWH, "kWh")) for what, joules in digest.untagged),
    )


def _notes(digest: Digest) -> Iterator[str]:
    yield from digest.findings
    for name, why in digest.absent.items():
        yield f"{name}: {why}"
    yield f"From {digest.source}; {digest.period.name} against {digest.before.name}."


def _period(digest: Digest) -> dict[str, str | None]:
    start, end = (f"{m:%Y-%m-%dT%H:%M:%SZ}" if m else None for m in (digest.period.start, digest.period.end))
    return {"name": digest.period.name, "kind": digest.period.kind, "start": start, "end": end}


def _used_body(used: Used) -> dict[str, Any]:
    return {
        "name": used.name,
        "energy": answer_json(used.energy),
        "energy_change": _change_body(used.energy_change),
        "carbon": answer_json(used.carbon),
        "carbon_change": _change_body(used.carbon_change),
    }


def _change_body(change: Change) -> dict[str, Any]:
    if change.ratio is None:
        return {"status": "refused", "reason": change.refused}
    word = {1: "rose", -1: "fell", 0: "no change that shows"}[change.direction]
    return {"status": word, "ratio": answer_json(change.ratio)}


def _signed(ratio: float) -> str:
    share = ratio - 1.0
    return f"{'+' if share > 0 else ''}{percent(share)}"
