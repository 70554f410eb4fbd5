"""A decision as JUnit XML: one test case per rule, for Jenkins, GitLab, Azure DevOps, CircleCI and others.

A broken rule is a failure; a rule without enough evidence is an error; a waived one, or one that does not
apply, is skipped and says why; a warning passes, and speaks in ``system-out``. No case has a time: none was
taken. Fits the schema of Jenkins's xUnit plugin (junit-10.xsd, 2017,
https://github.com/jenkinsci/xunit-plugin).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from wattmark.core.governance.decision import Decision, Ruled, Standing
from wattmark.reports.ci.outputs import output_values
from wattmark.reports.ci.words import counts, file_of, line_of, one_line, stable_id, why, with_the_whole
from wattmark.reports.label_svg import xml_safe


def junit_xml(decision: Decision) -> str:
    """One suite with one case per rule, in the order of the policy."""
    decision = with_the_whole(decision)
    many = counts(decision)
    told = {
        "name": f"wattmark gate: {one_line(decision.candidate.name)}",
        "tests": len(decision.rules),
        "failures": many[Standing.FAILED],
        "errors": many[Standing.INCOMPLETE],
    }
    skipped = many[Standing.WAIVED] + many[Standing.NOT_APPLICABLE]
    suite = {**told, "skipped": skipped, "timestamp": decision.decided_at.removesuffix("Z")}
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites{_attributes(told)}>",
        f"<testsuite{_attributes(suite)}>",
        "<properties>",
        *(
            f"<property{_attributes({'name': f'wattmark.{name}', 'value': value})}/>"
            for name, value in output_values(decision).items()
            if value
        ),
        "</properties>",
        *(_case(name, rule, decision) for name, rule in zip(_names(decision), decision.rules, strict=True)),
        "</testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _names(decision: Decision) -> Iterator[str]:
    """Test reporters follow a case by its name: an id stays when a bound changes, a title does not."""
    seen: Counter[str] = Counter()
    for rule in decision.rules:
        name = one_line(stable_id(rule, decision))
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name} ({seen[name]})"


def _case(name: str, rule: Ruled, decision: Decision) -> str:
    head = f"<testcase{_attributes({'name': name, 'classname': f'wattmark.{rule.kind}'})}>"
    return f"{head}{_outcome(rule, decision)}</testcase>"


def _outcome(rule: Ruled, decision: Decision) -> str:
    title, reason = one_line(rule.title), why(rule)
    place = f"at {file_of(rule, decision)}:{line_of(rule)}"
    whole = xml_safe("\n".join(filter(None, (title, reason, place))))
    message = f"{title}: {reason}" if reason else title
    match rule.standing:
        case Standing.FAILED:
            told = {"type": "violation", "message": message}
            return f"<failure{_attributes(told)}>{whole}</failure>"
        case Standing.INCOMPLETE:
            told = {"type": "not enough evidence", "message": message}
            return f"<error{_attributes(told)}>{whole}</error>"
        case Standing.WAIVED:
            waived = _attributes({"type": "waived", "message": f"waived: {message}"})
            return f"<skipped{waived}/><system-out>{whole}</system-out>"
        case Standing.NOT_APPLICABLE:
            return f"<skipped{_attributes({'type': 'not applicable', 'message': message})}/>"
        case Standing.WARNING:
            return f"<system-out>warning: {whole}</system-out>"
        case Standing.PASS:
            return f"<system-out>{whole}</system-out>"


def _attributes(told: dict[str, object] | dict[str, str]) -> str:
    return "".join(f' {name}="{xml_safe(one_line(value))}"' for name, value in told.items())
