"""How well a ledger's energy is tagged, as text, CSV and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wattmark.core.tagged import Stated, TagLine
from wattmark.core.tags import TagRules
from wattmark.reports.as_csv import csv_text
from wattmark.reports.as_text import bar, explained, percent, quantity, table
from wattmark.reports.ledger_lists import UJ_PER_J, Head

NO_RULES = (
    "There are no rules: write `required` and `allowed` under [tags] in ledger.toml (docs/ledger/tags.md)."
)
EFFECT = {
    "warn": "runs like these are counted all the same (mode warn)",
    "quarantine": "runs like these are kept and not counted until their tags are right (mode quarantine)",
    "refuse": "`ledger add` and `import` refuse them; what came in otherwise is not counted (mode refuse)",
}


def tags_text(
    head: Head, rules: TagRules, lines: Sequence[TagLine], told: Sequence[Stated], *, ascii_only: bool = False
) -> str:
    """What is wrong by energy, with the fix and whom to ask; below it how much energy states each tag."""
    parts = []
    if lines:
        whole = max((one.of_uj for one in told), default=0)
        rows = [
            (
                one.fault.tag,
                one.fault.value or "(missing)",
                quantity(one.energy_uj / UJ_PER_J, "J"),
                percent(one.energy_uj / whole) if whole else "",
                one.runs,
                ", ".join(one.seen_with),
            )
            for one in lines
        ]
        shown = table(("tag", "says", "energy", "share", "runs", "seen with"), rows)
        parts += [explained(shown, [one.fault.remedy for one in lines]), ""]
        parts.append(f"An alias in ledger.toml mends what is stored already; {EFFECT[rules.mode.value]}.")
    elif rules.required or rules.allowed:
        parts.append("Every tag is as the rules want it.")
    else:
        parts.append(NO_RULES)
    shares = [
        (
            one.tag,
            percent(one.energy_uj / one.of_uj) if one.of_uj else "",
            bar(one.energy_uj / one.of_uj if one.of_uj else 0.0, ascii_only=ascii_only),
        )
        for one in told
    ]
    parts += ["", table(("tag", "stated for", "of the energy"), shares)]
    parts += ["", str(head)]
    return "\n".join(parts)


def tags_csv(lines: Sequence[TagLine]) -> str:
    """One line per fault."""
    heads = ("tag", "value", "joules", "runs", "quarantined_runs", "fix", "owner", "seen_with")
    rows = (
        [
            *(one.fault.tag, one.fault.value, one.energy_uj / UJ_PER_J, one.runs, one.quarantined),
            *(one.fault.fix, one.fault.owner, " ".join(one.seen_with)),
        ]
        for one in lines
    )
    return csv_text(heads, rows)


def tags_body(rules: TagRules, lines: Sequence[TagLine], told: Sequence[Stated]) -> dict[str, Any]:
    """Faults and shares for JSON."""
    return {
        "mode": rules.mode.value,
        "faults": [
            {
                "tag": one.fault.tag,
                "value": one.fault.value or None,
                "energy_microjoules": one.energy_uj,
                "runs": one.runs,
                "quarantined_runs": one.quarantined,
                "fix": one.fault.fix or None,
                "allowed": list(one.fault.allowed),
                "owner": one.fault.owner or None,
                "seen_with": list(one.seen_with),
            }
            for one in lines
        ],
        "stated": [
            {"tag": one.tag, "energy_microjoules": one.energy_uj, "of_microjoules": one.of_uj} for one in told
        ],
    }
