"""Words that all forms of a decision share: which rule first, what was found, how it is known."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePosixPath

from wattmark.core.governance.decision import Decision, Ruled, Shown, ShownWaiver, Standing
from wattmark.core.verdict import Ruling
from wattmark.reports.quantities import number, percent, quantity, scale_of

WORST_FIRST = (
    Standing.FAILED,
    Standing.INCOMPLETE,
    Standing.WARNING,
    Standing.WAIVED,
    Standing.PASS,
    Standing.NOT_APPLICABLE,
)
STANDING_WORDS = {
    Standing.FAILED: "failed",
    Standing.INCOMPLETE: "not enough evidence",
    Standing.WARNING: "warning",
    Standing.WAIVED: "waived",
    Standing.PASS: "passed",
    Standing.NOT_APPLICABLE: "not applicable",
}
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Signs that turn the direction of text: they make one name look like another."""
_COMMAND = re.compile(r"^:(?=:)|##(?=\w*\[)")
"""What agents take for a command of a job: GitHub's at the begin of a line, and, wherever they stand,
those of GitHub's older kind, of Azure (``##vso[``) and of TeamCity."""
CHANGES = ("max_increase", "max_decrease")


def worst_first(rules: Iterable[Ruled]) -> list[Ruled]:
    """The rules in the order in which somebody has to look at them; otherwise as the policy has them."""
    return sorted(rules, key=lambda rule: WORST_FIRST.index(rule.standing))


def one_line(text: object, most: int | None = None) -> str:
    """Text on one line: no line ends, no controls, no turns of direction, nothing that UTF-8 cannot say.

    Nor anything that an agent of a CI system would take for a command when it reads the line.
    """
    whole = str(text)
    plain = whole if whole.isascii() and whole.isprintable() else "".join(_shown(c) for c in whole)
    plain = _COMMAND.sub(lambda found: f"{found[0][0]} {found[0][1:]}", plain.strip())
    return plain if most is None or len(plain) <= most else plain[: most - 1].rstrip() + "…"


def _shown(c: str) -> str:
    if c in _DIRECTION or unicodedata.category(c) == "Cs":
        return "\ufffd"
    return " " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c


def with_the_whole(decision: Decision) -> Decision:
    """The decision with a rule for the gate itself where none of its rules says why it does not pass.

    It is so where no rule applies, and where a log that the policy requires could not be written: forms that
    show rules alone would be green. What was noted last is what shut the gate, and comes first.
    """
    shut = Standing.INCOMPLETE
    if decision.standing is not shut or any(rule.standing is shut for rule in decision.rules):
        return decision
    whole = Ruled(
        id="gate",
        title="The gate as a whole",
        ruling=Ruling.UNDECIDED,
        standing=shut,
        reason="; ".join(reversed(decision.notes)),
        file=decision.policy.file,
    )
    return replace(decision, rules=(whole, *decision.rules))


def caught_words(rule: Ruled) -> str:
    """``an increase would have been caught from 8 % on``, with a power of 80 %; empty where nothing tells."""
    if rule.detectable is None or rule.detectable > 10.0:
        return ""
    way = "a fall" if rule.bound_kind == "max_decrease" else "an increase"
    return f"{way} would have been caught from {percent(rule.detectable)} on"


def counts(decision: Decision) -> dict[Standing, int]:
    """How many rules stand how, the worst first; every standing is there."""
    found = Counter(rule.standing for rule in decision.rules)
    return {standing: found[standing] for standing in WORST_FIRST}


def counted(decision: Decision) -> str:
    """``1 failed, 2 warnings, 7 passed``."""
    told = []
    for standing, many in counts(decision).items():
        word = "warnings" if standing is Standing.WARNING and many > 1 else STANDING_WORDS[standing]
        told.append(f"{many} {word}" if many else "")
    return ", ".join(filter(None, told)) or "no rule applies"


def headline(decision: Decision) -> str:
    """``sorter 2.1.0: failed (1 failed, 7 passed)``."""
    return (
        f"{one_line(decision.candidate.name, 120)}: {STANDING_WORDS[decision.standing]} ({counted(decision)})"
    )


def found_words(rule: Ruled) -> str:
    """What was held against the bound, and how it is known: value, interval, grade, share observed."""
    if rule.compared is not None and rule.bound_kind in CHANGES:
        change = f"change {_change(rule.compared)}{_known(rule.compared)}"
        return f"{amount(rule.value)}, {change}" if rule.value is not None else change
    shown = rule.value if rule.value is not None else rule.compared
    return f"{amount(shown)}{_known(shown)}" if shown is not None else ""


def known_words(shown: Shown) -> str:
    """A figure with everything that says how it is known."""
    return f"{amount(shown)}{_known(shown)}"


def amount(shown: Shown | None) -> str:
    """``1.20 gCO2e/inference [1.10 .. 1.30]``, ends in the unit of the value; an unknown end says so."""
    if shown is None:
        return "not known"
    return f"{quantity(shown.value, shown.unit)}{_ends(shown)}"


def _ends(shown: Shown) -> str:
    if shown.low is None and shown.high is None:
        return " [interval not known]"
    divisor, _ = scale_of(shown.value, shown.unit)
    low, high = ("not known" if end is None else number(end / divisor) for end in (shown.low, shown.high))
    return f" [{low} .. {high}]"


def _change(shown: Shown) -> str:
    ends = ["not known" if end is None else _signed(end) for end in (shown.low, shown.high)]
    return f"{_signed(shown.value)} [{ends[0]} .. {ends[1]}]"


def _signed(share: float) -> str:
    return f"{'+' if share > 0 else ''}{percent(share)}"


def _known(shown: Shown) -> str:
    grade = f", grade {one_line(shown.grade, 20)}" if shown.grade else ""
    return grade + (f", {percent(shown.coverage)} observed" if shown.coverage is not None else "")


def waiver_words(waiver: ShownWaiver) -> str:
    """``waiver W-7 (expiring, until 2026-12-10, GREEN-12), approved by ...: why``."""
    until = f"until {waiver.expires}" if waiver.expires else "without an end"
    about = ", ".join(filter(None, (waiver.state, until, waiver.ticket)))
    approved = ", ".join(waiver.approved_by) or "nobody"
    proof = "" if waiver.verified or not waiver.approved_by else "; identities are not verified"
    told = f"waiver {waiver.id} ({about}), owner {waiver.owner}, approved by {approved}{proof}"
    told += f": {waiver.reason}" if waiver.reason else ""
    return one_line(told + (f"; {waiver.note}" if waiver.note else ""))


def why(rule: Ruled) -> str:
    """One line: what was found, what is wrong, what lets it through, what to do next."""
    told = [found_words(rule), rule.reason]
    if rule.waiver is not None:
        told.append(waiver_words(rule.waiver))
    told.append(rule.why if rule.standing in (Standing.FAILED, Standing.WARNING, Standing.WAIVED) else "")
    told.append(rule.advice)
    if rule.runs_needed is not None:
        told.append(f"{rule.runs_needed} runs would decide")
    return one_line("; ".join(filter(None, told)))


def stable_id(rule: Ruled, decision: Decision) -> str:
    """The rule's id without the run it was judged on: budgets of every single run end in its record's id."""
    for record in decision.candidate.record_ids:
        if rule.id.endswith(f".{record}"):
            return rule.id.removesuffix(f".{record}")
    return rule.id


def file_of(rule: Ruled, decision: Decision) -> str:
    """The policy's file as forges want it: relative, with slashes; of a whole path the name alone."""
    return posix_path(rule.file or decision.policy.file) or "wattmark-policy.toml"


def posix_path(file: str) -> str:
    """A file as forges want it; of a whole path, or one that leads out of the repository, the name alone."""
    path = one_line(file).replace("\\", "/")
    if path.startswith("/") or path[1:2] == ":" or ".." in path.split("/"):
        return PurePosixPath(path).name
    return str(PurePosixPath(path)) if path else ""


def line_of(rule: Ruled) -> int:
    """The line of the rule; 1 where none is known, because forges want one."""
    return max(1, rule.line or 1)
