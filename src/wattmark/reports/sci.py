"""The SCI report of the Green Software Foundation's template, and that of SCI for AI: JSON and Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wattmark.core.sci import Sci
from wattmark.reports.as_json import figure_json
from wattmark.reports.as_markdown import escaped

REQUIRED = (
    "application_name",
    "application_version",
    "application_description",
    "organisation",
    "accountable_organisation",
    "accountable_person",
    "accountable_contact",
    "measurement_date",
    "measurement_timespan",
    "functional_unit",
    "functional_unit_rationale",
    "summary",
    "coefficients",
)
"""What a report must say; the template's other fields may stay empty."""
REQUIRED_AI = (*REQUIRED, "persona", "normalisation", "assumptions")
HEAD = (
    ("Application Name", "application_name"),
    ("Application Version", "application_version"),
    ("Application Description", "application_description"),
    ("Application URL", "application_url"),
    ("Organization Name", "organisation"),
    ("Organization URL", "organisation_url"),
    ("Accountable Organization", "accountable_organisation"),
    ("Accountable Person", "accountable_person"),
    ("Accountable Contact", "accountable_contact"),
    ("Measurement Date", "measurement_date"),
    ("Measurement Timespan", "measurement_timespan"),
    ("Measurement Manifest File", "manifest"),
)
KINDS = {
    "E": "Energy (E)",
    "I": "Grid Carbon Intensity (I)",
    "M": "Embodied Carbon (M)",
    "R": "Functional Unit (R)",
}
NOT_STATED = "*not stated*"


def sci_body(sci: Sci, about: Mapping[str, Any]) -> dict[str, Any]:
    """A report, ready for JSON. ``about`` is what is stated beside the score; what nobody stated is null."""
    unit = sci.score.unit
    return {
        **about,
        "sci": sci.score.value,
        "unit": unit,
        "figure": figure_json(sci.score),
        "functional_unit": sci.score.terms["functional_unit"],
        "O_grams": sci.operational_grams,
        "E_kwh": sci.energy_kwh,
        "M_grams": sci.embodied_grams,
        "R_units": sci.units,
        "components": [
            {
                "name": c.name,
                "sci": c.score,
                "unit": unit,
                "calculation": c.calculation,
                "description": c.description,
                "methodologies": list(c.methods),
            }
            for c in sci.components
        ],
        "coefficients": [
            {
                "name": c.name,
                "description": c.description,
                "value": c.value,
                "unit": c.unit,
                "source": c.source,
            }
            for c in sci.coefficients
        ],
        "methodologies": [
            {
                "kind": m.kind,
                "name": m.name,
                "method": m.method,
                "description": m.description,
                "coefficients": list(m.coefficients),
            }
            for m in sci.methods
        ],
    }


def sci_markdown(body: Mapping[str, Any]) -> str:
    """The report in the template's order."""
    unit = body["unit"]
    ai = "persona" in body
    name = body.get("application_name") or "Application"
    lines = [f"# {escaped(name)} SCI{' for AI' if ai else ''} report", ""]
    lines += [f"**SCI:** `{body['sci']:.6g} {unit}`", "", "**Breakdown:**", "", "```"]
    lines += [f"{c['name']}: {c['sci']:.6g} {unit}" for c in body["components"]]
    lines += ["```", ""]
    for label, key in HEAD:
        lines += [f"**{label}:** {_said(body, key)}", ""]
    if ai:
        lines += [f"**Persona:** {body['persona']}", "", f"**Normalisation:** {body['normalisation']}", ""]
        lines += ["**Assumptions:**", "", *(f"- {escaped(a)}" for a in body["assumptions"]), ""]
    lines += ["## Coefficients", "", "| Coefficient | Description | Value | Unit | Source |"]
    lines += ["|---|---|---|---|---|", *(_row(c) for c in body["coefficients"])]
    lines += ["", "## Summary", "", _said(body, "summary"), ""]
    lines += ["## Functional Unit", "", f"**Functional Unit:** {body['functional_unit']}", ""]
    lines += [f"**Functional Unit Rationale:** {_said(body, 'functional_unit_rationale')}", ""]
    lines += ["## Methodologies", ""]
    for m in body["methodologies"]:
        lines += [f"### {KINDS[m['kind']]}", "", f"#### {m['name']}", "", f"**Method:** {m['method']}", ""]
        lines += [f"**Description:** {escaped(m['description'])}", ""]
        lines += [f"**Key Coefficients:** {', '.join(m['coefficients']) or 'none'}", ""]
    lines += ["## Component Breakdown", ""]
    for c in body["components"]:
        lines += [f"### {c['name']}", "", f"**SCI Score:** {c['sci']:.6g} {unit}", ""]
        lines += [
            f"**Calculation Method:** {c['calculation']}",
            "",
            f"**Description:** {c['description']}",
            "",
        ]
        lines += [f"**Methodologies Used:** {', '.join(c['methodologies'])}", ""]
    low, high = body["figure"]["interval_95"]
    if low is not None and high is not None:
        lines += [f"95 % interval: {low:.6g} to {high:.6g} {unit}.", ""]
    return "\n".join(lines)


def _said(body: Mapping[str, Any], key: str) -> str:
    return escaped(body[key]) if body.get(key) else NOT_STATED


def _row(c: Mapping[str, Any]) -> str:
    cells = (c["name"], c["description"], f"{c['value']:.6g}", c["unit"], c["source"])
    return f"| {' | '.join(escaped(value) for value in cells)} |"
