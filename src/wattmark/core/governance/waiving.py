"""Whether a waiver lets a broken rule through: only when the whole interval lies within its cap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wattmark.core.compare import Outcome, judge
from wattmark.core.governance.decision import ShownWaiver
from wattmark.core.governance.scope import Applies
from wattmark.core.governance.showing import shown_waiver
from wattmark.core.governance.waiver import JudgedWaiver
from wattmark.core.governance.waivers import waivers_about


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """What a waiver is asked to let through, in the rule's own terms."""

    rule: str
    """Id."""
    interval: tuple[float, float] | None = None
    """None: nothing tells how bad it is (evidence is missing, or the work failed)."""
    above_is_bad: bool = True
    share: bool = False
    """Whether the interval and the cap are changes; a fall is below zero in the interval, not in the cap."""
    unit: str = ""
    lacking: bool = False
    """Whether evidence is missing, so that it may be worse than it looks."""


@dataclass(frozen=True, slots=True)
class Waiving:
    """The waiver that was applied, or the one that did not help and why."""

    judged: JudgedWaiver | None = None
    note: str = ""
    """Why it did not help; empty: it did."""

    @property
    def helps(self) -> bool:
        """Whether the rule is let through."""
        return self.judged is not None and not self.note

    @property
    def shown(self) -> ShownWaiver | None:
        """As a decision holds it."""
        return shown_waiver(self.judged, self.note) if self.judged is not None else None


NONE = Waiving()


def waive(broken: Broken, tags: Mapping[str, str], found: Iterable[JudgedWaiver]) -> Waiving:
    """The first waiver of a rule that lets it through; else the best that does not, with the reason."""
    waivers = [one for one in found if one.waiver.rule == broken.rule]
    tried = [Waiving(one, _objection(one, broken)) for one in waivers_about(broken.rule, tags, waivers)]
    tried += [
        Waiving(one, f"the runs do not state the {', '.join(one.waiver.scope.unstated(tags))} of its scope")
        for one in waivers
        if one.waiver.scope.of(tags) is Applies.UNKNOWN
    ]
    return next((one for one in tried if one.helps), tried[0] if tried else NONE)


def _objection(judged: JudgedWaiver, broken: Broken) -> str:
    """Why a waiver does not let it through; empty: it does."""
    waiver = judged.waiver
    if not judged.holds:
        return f"{judged.state}: {judged.reason}" if judged.reason else judged.state.value
    if broken.lacking and broken.interval is None:
        return "" if waiver.evidence else "evidence is missing, which this waiver does not let through"
    if waiver.cap is None:
        return ""
    if broken.interval is None:
        return "there is no value to hold against its cap"
    return _beyond(waiver.cap, broken, broken.interval)


def _beyond(cap: float, broken: Broken, interval: tuple[float, float]) -> str:
    edge = -cap if broken.share and not broken.above_is_bad else cap
    if judge(interval, edge, broken.above_is_bad) is Outcome.PASS:
        return ""
    reached = interval[1] if broken.above_is_bad else interval[0]
    if broken.share:
        return f"its cap of {100 * cap:g} % is exceeded: the change may be {100 * reached:+.3g} %"
    return f"its cap of {cap:g} {broken.unit}".rstrip() + f" is exceeded: it may be {reached:.4g}"
