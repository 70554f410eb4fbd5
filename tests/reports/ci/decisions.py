"""Decisions that try to break what shows them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from wattmark.core.governance.decision import Decision, Ruled, Shown, Standing
from wattmark.core.verdict import Ruling
from wattmark.testing.decisions import every_standing

HOSTILE = (
    "a::error file=x::b",
    "line one\nline two\r\n::set-output name=result::pass",
    "100 % of\u2028it",
    "]]><script>alert(1)</script><![CDATA[",
    "| a | b |\n| --- | --- |",
    "`code` and ``more` <!-- wattmark:gate:other -->",
    "🔥 models 👩\u200d💻 ünïcode",
    "harm\u202eless\u2066",
    "nul\x00 bell\x07 escape\x1b[31m",
    "lone \ud800 surrogate",
    "##vso[task.complete result=Succeeded;]done; ]",
    "@everyone #1 [link](javascript:alert(1)) ~~x~~ <img src=x onerror=y>",
    'quote " and \\ and {brace} $(shell) `$HOME`',
    "",
)


def hostile() -> Decision:
    """Every text of the sample replaced by something that formats, escapes, notifies or hides."""
    sample = every_standing()
    rules = []
    for number, text in enumerate(HOSTILE):
        rule = sample.rules[number % len(sample.rules)]
        waiver = rule.waiver and replace(
            rule.waiver, id=text, owner=text, ticket=text, reason=text, approved_by=(text,), note=text
        )
        rules.append(
            replace(
                rule, id=text, title=text, reason=text, why=text, advice=text, file=text, waiver=waiver,
                value=Shown(value=math.nan, unit=text, low=-math.inf, high=math.inf, grade=text),
            )
        )  # fmt: skip
    text = "\n".join(HOSTILE)
    return replace(
        sample,
        rules=tuple(rules),
        candidate=replace(sample.candidate, name=text, tags={"model": text, "team": text}),
        policy=replace(sample.policy, file=text, owner=text),
        figures={text: Shown(value=math.inf, unit=text), "pue": Shown(value=math.nan, unit="1", low=1.0)},
        score=Shown(value=math.nan, unit="points", grade=text),
        rubric=text,
        stars=text,
        notes=HOSTILE,
        audit_head=text,
    )


def tagged(decision: Decision, tags: Mapping[str, str]) -> Decision:
    """The same decision about runs that state these tags."""
    return replace(decision, candidate=replace(decision.candidate, tags=tags))


def gates_side_by_side() -> tuple[Decision, ...]:
    """Five gates of one pull request: another policy, stage, file of a policy without an id, or team."""
    sample = every_standing()
    policy, tags = sample.policy, sample.candidate.tags
    return (
        sample,
        replace(sample, policy=replace(policy, id="board/energy")),
        tagged(sample, {**tags, "stage": "training"}),
        replace(sample, policy=replace(policy, id="", file="ci/energy.toml")),
        tagged(sample, {**tags, "team": "vision"}),
    )


def shut() -> Decision:
    """All of its rules pass, and it does not: the log that its policy requires could not be written."""
    sample = every_standing()
    return replace(
        sample,
        rules=tuple(rule for rule in sample.rules if rule.standing is Standing.PASS),
        standing=Standing.INCOMPLETE,
        exit_code=3,
        notes=(*sample.notes, "the audit log is required and could not be written"),
    )


def many(number: int = 10_000) -> Decision:
    """So many rules of every standing in turn, the one that failed last."""
    sample = every_standing()
    standings = [s for s in Standing if s is not Standing.FAILED]
    rules = [
        Ruled(
            id=f"rule-{n:05}", title=f"Carbon of part {n} at most {n} gCO2e", ruling=Ruling.UNDECIDED,
            standing=standings[n % len(standings)], reason="it is said at some length " * 12, line=n + 1,
            file="ci/policy.toml",
        )
        for n in range(number - 1)
    ]  # fmt: skip
    last = Ruled(
        id="the-one-that-fails", title="Energy-to-Solution at most 1 kWh", ruling=Ruling.VIOLATION,
        standing=Standing.FAILED, reason="2 kWh", line=number, file="ci/policy.toml",
    )  # fmt: skip
    return replace(sample, rules=(*rules, last))
