"""Scores, comparisons and verdicts as text for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wattmark.core.causes import CarbonChange
from wattmark.core.compare import NOISE_UNKNOWN, Effect, Outcome
from wattmark.core.facts import Answer
from wattmark.core.figure import Figure, Missing
from wattmark.core.groups import Comparison
from wattmark.core.kpis import CATALOG
from wattmark.core.rubric import Aggregation, Factors
from wattmark.core.score import Score, ScoreLine
from wattmark.core.verdict import Ruling, Verdict
from wattmark.reports.as_text import table
from wattmark.reports.quantities import number, percent, quantity
from wattmark.reports.sections import RULING_WORDS, finding_text, rule_text, why_not

CAUSE_WORDS: Mapping[str, str] = {
    "work": "work done",
    "energy": "energy per unit of work",
    "pue": "PUE",
    "grid": "grid intensity",
    "embodied": "embodied carbon",
}
METHOD_WORDS: Mapping[str, str] = {
    "welch": "Welch's t on logarithms, and what the meters of the two sides do not share",
    "paired": "t of the differences within blocks, on logarithms, and what the meters do not share",
    "bootstrap": "bootstrap of the difference of mean logarithms, and what the meters do not share",
    "borrowed": "one run on a side: its noise is taken to be that of the other side's repeats",
    "measurement": NOISE_UNKNOWN,
}


def score_text(
    score: Score, against: str, other_rubrics: Sequence[str] = (), notes: Sequence[str] = ()
) -> str:
    """A score with its KPIs; what is missing for it is named with how to give it."""
    rows = [
        (
            CATALOG[line.kpi].title,
            percent(line.weight),
            _value(line.baseline),
            _value(line.candidate),
            *_ratio(line),
        )
        for line in score.lines
    ]
    parts = [table(("KPI", "weight", "baseline", "value", "ratio", "counts"), rows), "", _headline(score)]
    parts += _aggregations(score)
    if isinstance(score.value, Missing):
        parts += ["", *_lacking(score, other_rubrics)]
    held = "the baseline's" if score.factors is Factors.BASELINE else "each side's own"
    parts.append(f"against {against}; rubric {score.rubric.label}; grid, PUE and embodied factors: {held}")
    return "\n".join([*parts, *notes])


def _headline(score: Score) -> str:
    value = score.value
    if isinstance(value, Missing):
        return "no score: a KPI of the rubric has no answer, and weights are never spread over the others"
    low, high = value.interval
    grade = f", grade {value.grade}" if value.grade else ""
    return f"score {value.value:.0f}  [{low:.0f} .. {high:.0f}]{grade}   (baseline 100, best 200)"


def _aggregations(score: Score) -> list[str]:
    said = []
    other = score.arithmetic if score.rubric.aggregation is Aggregation.GEOMETRIC else score.geometric
    kind = "arithmetic" if score.rubric.aggregation is Aggregation.GEOMETRIC else "geometric"
    if score.disputed and isinstance(other, Figure):
        said.append(
            f"{kind} {other.value:.0f}: the two ways to put KPIs together disagree on better or worse, "
            "so look at the KPIs"
        )
    if score.saturated:
        whole = score.unclipped
        unclipped = f" (unclipped score {whole.value:.0f})" if isinstance(whole, Figure) else ""
        said.append(f"saturated: a KPI counts at most as twice as good{unclipped}")
    return said


def _lacking(score: Score, other_rubrics: Sequence[str]) -> list[str]:
    lines = ["what is missing:"]
    for line in score.lines:
        if line.used is not None:
            continue
        side, answer = _culprit(line)
        what, fix = why_not(answer)
        lines.append(f"  {line.kpi}{side}: {what}" + (f"; {fix}" if fix else ""))
    if other_rubrics:
        lines.append(f"what is there is enough for: --rubric {' or --rubric '.join(other_rubrics)}")
    return lines


def _culprit(line: ScoreLine) -> tuple[str, Answer]:
    if not isinstance(line.baseline, Figure):
        return " of the baseline", line.baseline
    if not isinstance(line.candidate, Figure):
        return "", line.candidate
    return "", line.ratio


def _ratio(line: ScoreLine) -> tuple[str, str]:
    if line.used is None:
        return "", "no answer"
    shown = number(line.ratio.value) if isinstance(line.ratio, Figure) else "no upper end"
    return shown, f"{line.used:.2f}" + (" saturated" if line.saturated else "")


def _value(answer: Answer) -> str:
    return quantity(answer.value, answer.unit) if isinstance(answer, Figure) else "unknown"


def ranking_text(scores: Mapping[str, Score], disputed: bool) -> str:
    """Several candidates, the best first; those without a score last."""
    ordered = sorted(scores.items(), key=lambda item: -_points(item[1].value))
    rows = [(name, _score_cell(s.value), _score_cell(s.geometric), _grade(s)) for name, s in ordered]
    text = table(("candidate", "score", "geometric", "grade"), rows)
    if disputed:
        text += "\nthe arithmetic and the geometric score rank these differently: both are shown"
    return text


def _points(answer: Answer) -> float:
    return answer.value if isinstance(answer, Figure) else -1.0


def _score_cell(answer: Answer) -> str:
    if not isinstance(answer, Figure):
        return "no score"
    low, high = answer.interval
    return f"{answer.value:.0f} [{low:.0f} .. {high:.0f}]"


def _grade(score: Score) -> str:
    return str(score.value.grade or "") if isinstance(score.value, Figure) else ""


COMPARED = ("KPI", "baseline", "candidate", "change", "95 % interval", "detectable", "grade", "verdict")
"""``detectable``: the smallest change that so many runs show with a power of 80 %."""


def comparison_text(found: Sequence[Comparison], limit: float) -> str:
    """One line per KPI: both values, the change with its interval, and what may be said."""
    rows = [
        (
            CATALOG[c.kpi].title,
            _value(c.baseline),
            _value(c.candidate),
            *_effect_cells(c),
            _worst(c),
            outcome_word(c, limit),
        )
        for c in found
    ]
    return table(COMPARED, rows)


def _effect_cells(c: Comparison) -> tuple[str, str, str]:
    if c.effect is None:
        return "", "", ""
    low, high = c.effect.interval
    least = c.effect.smallest_detectable
    return (
        change(c.effect.ratio),
        f"{change(low)} .. {change(high)}",
        "unknown" if least is None else f"± {percent(least)}" if least > 0 else "",
    )


def _worst(c: Comparison) -> str:
    sides = (c.baseline, c.candidate)
    return max((str(a.grade) for a in sides if isinstance(a, Figure) and a.grade), default="")


def change(ratio: float) -> str:
    """A ratio as a signed percentage: 1.05 is ``+5 %``."""
    share = ratio - 1.0
    if abs(share) < 5e-4:
        return "0 %"
    return f"{share * 100:+.3g} %"


def outcome_word(c: Comparison, limit: float) -> str:
    """The outcome in words; without a limit, pass means better (or equal) and regressed means worse."""
    if c.effect is None:
        return f"regressed: {c.reason}" if c.outcome is Outcome.REGRESSED else f"undecided: {c.reason}"
    if c.outcome is Outcome.UNDECIDED:
        return f"undecided: {needed_words(c.effect, c.runs_needed)}"
    if limit == 0.0 and c.outcome is Outcome.PASS:
        return "equal" if c.effect.interval == (1.0, 1.0) else "better"
    if limit == 0.0:
        return "worse"
    return c.outcome.value


def needed_words(effect: Effect, runs: int | None) -> str:
    """How many runs would decide, or why no number would."""
    if runs is not None:
        return f"{runs} runs per side would decide"
    if effect.noise is None:
        return "repeat the runs to know their noise"
    return "more runs would not decide it"


def causes_text(found: CarbonChange) -> str:
    """The change of carbon and its causes; they add up to the whole."""
    whole = found.after - found.before
    rows = [
        (CAUSE_WORDS[name], _signed(grams), percent(grams / whole) if whole else "")
        for name, grams in found.causes.items()
        if abs(grams) > 1e-12 * max(found.before, found.after)
    ]
    head = (
        f"carbon {quantity(found.before, 'gCO2e')} -> {quantity(found.after, 'gCO2e')} ({_signed(whole)}),"
        " each side under its own factors"
    )
    body = table(("cause", "change", "share"), rows) if rows else "nothing changed"
    return "\n".join([head, body, *found.notes])


def _signed(grams: float) -> str:
    return ("+" if grams > 0 else "") + quantity(grams, "gCO2e")


def verdict_text(verdict: Verdict) -> str:
    """One line per limit, then the verdict."""
    rows = [(RULING_WORDS[f.ruling], rule_text(f.limit)) for f in verdict.findings]
    width = max(len(word) for word, _ in rows)
    lines = []
    for finding, (word, rule) in zip(verdict.findings, rows, strict=True):
        lines.append(f"{word:<{width}}  {rule}")
        said = finding_text(finding)
        if said:
            lines.append(f"{'':<{width}}  {said}")
    return "\n".join([*lines, "", f"verdict: {RULING_WORDS[verdict.ruling]}{_tail(verdict)}"])


def _tail(verdict: Verdict) -> str:
    broken = sum(f.ruling is Ruling.VIOLATION for f in verdict.findings)
    open_ = sum(f.ruling is Ruling.UNDECIDED and not f.tolerated for f in verdict.findings)
    if all(f.ruling is Ruling.NOT_APPLICABLE for f in verdict.findings):
        return " (no limit applies to these runs)"
    parts = [f"{broken} broken"] if broken else []
    parts += [f"{open_} without enough evidence"] if open_ else []
    return f" ({', '.join(parts)} of {len(verdict.findings)})" if parts else ""


def effect_lines(found: Sequence[Comparison]) -> list[str]:
    """What to know about how the effects were found, each once."""
    methods = {c.effect.method for c in found if c.effect is not None}
    return [words for method, words in METHOD_WORDS.items() if method in methods]
