"""A label for a model card: front matter with carbon in grams and energy, and a section of Markdown.

``co2_eq_emissions`` holds what Hugging Face's documentation defines (Hub documentation, Displaying carbon
emissions for your model, https://huggingface.co/docs/hub/model-cards-co2): emissions in **grams** of CO2e,
source, training_type, geographical_location, hardware_used. There it is meant for training; a benchmark
of inference says in ``source`` and ``training_type`` that its grams are those of 1,000 queries.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wattmark.core.bench.task import TASKS
from wattmark.core.figure import Figure
from wattmark.reports.label_facts import is_simulated, stars_words
from wattmark.reports.label_svg import between_words, energy_words
from wattmark.reports.quantities import number

EMISSIONS = "co2_eq_emissions"
ENERGY = "energy_benchmarks"
INDEX = "model-index"
QUERIES = 1000
OURS = "wattmark"
"""How the source of emissions begins that we wrote, and may replace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardCarbon:
    """Carbon of 1,000 queries, or why it is not known."""

    grams: Figure | None = None
    intensity: str = ""
    """In words: ``56 gCO2e/kWh (FRA, Ember 2023)``."""
    location: str = ""
    reason: str = ""
    """Why there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The parts of a card, ready to be put into one."""

    front: Mapping[str, str]
    """Key of the front matter -> its lines, the key's own among them."""
    section: str
    """Markdown, between its two markers."""
    marks: tuple[str, str]


def card_of(document: Mapping[str, Any], carbon: CardCarbon) -> Card:
    """The card of a label's document. Of simulated energy no carbon is told: nothing was emitted."""
    if is_simulated(document["wh_per_1000_queries"]):
        carbon = CardCarbon(reason="the energy is simulated")
    front = {ENERGY: "\n".join((f"{ENERGY}:", *energy_item(document)))}
    if carbon.grams is not None:
        front[EMISSIONS] = "\n".join(_emissions(document, carbon, carbon.grams))
    marks = marks_of(document)
    return Card(
        front=front, section="\n".join((marks[0], *_section(document, carbon), marks[1])), marks=marks
    )


def card_text(card: Card) -> str:
    """A card of its own: front matter, then the section."""
    front = "\n".join(card.front[key] for key in sorted(card.front))
    return f"---\n{front}\n---\n\n{card.section}\n"


def marks_of(document: Mapping[str, Any]) -> tuple[str, str]:
    """Where the section begins and ends, by task and key: one card may hold several."""
    name = f"wattmark:{word(document['task'])}:{document['key_id']}"
    return f"<!-- {name} -->", f"<!-- /{name} -->"


def energy_item(document: Mapping[str, Any]) -> list[str]:
    """One item of the list of energy benchmarks, in the manner of ``model-index``; JSON scalars are YAML."""
    energy, quality = document["wh_per_1000_queries"], document["quality"]
    said = ", simulated" if is_simulated(energy) else ""
    metrics: list[dict[str, Any]] = []
    if energy is not None:
        metrics.append({"type": "energy", "name": f"Wh per 1,000 queries{said}", **_metric(energy)})
    if document["joules_per_output"] is not None:
        unit = (document["output_unit"] or "output").removesuffix("s").replace("_", " ")
        metrics.append(
            {"type": "energy", "name": f"J per {unit}{said}", **_metric(document["joules_per_output"])}
        )
    if quality is not None:
        metrics.append({"type": quality["name"], "name": "quality of the same run", **_metric(quality)})
    item: dict[str, Any] = {
        "task": {"type": document["task"], "name": document["task_title"]},
        "dataset": {"sha256": document["key"]["dataset"]},
        "metrics": metrics,
        "stars": document["stars"],
        "stars_interval": document["stars_interval"],
        "stars_reason": document["stars_reason"],
        "grade": document["grade"],
        "boundary": document["boundary"],
        "hardware": document["hardware"],
        "validity": document["validity"]["status"],
        "key": document["key_id"],
        "scored": document["scored"],
        "source": document["made_by"],
    }
    first, *rest = (f"{name}: {flow(value)}" for name, value in item.items())
    return [f"  - {first}", *(f"    {line}" for line in rest)]


def _metric(amount: Mapping[str, Any]) -> dict[str, Any]:
    ends = amount["interval_95"]
    known = ends is not None and None not in ends
    return {"value": amount["value"], **({"interval_95": list(ends)} if known else {})}


def _emissions(document: Mapping[str, Any], carbon: CardCarbon, grams: Figure) -> list[str]:
    task = TASKS.get(document["task"])
    inference = task is None or task.inference
    kind = "inference of 1,000 queries, no training" if inference else document["task_title"]
    words = (
        f"{OURS}: {kind}, {energy_words(document['wh_per_1000_queries'])}, {carbon.intensity}, "
        f"grade {document['grade']}"
    )
    told: dict[str, object] = {
        "emissions": float(f"{grams.value:.6g}"),
        "source": words,
        "training_type": kind,
        "geographical_location": carbon.location,
        "hardware_used": document["hardware"],
    }
    return [f"{EMISSIONS}:", *(f"  {name}: {flow(value)}" for name, value in told.items() if value)]


def _section(document: Mapping[str, Any], carbon: CardCarbon) -> list[str]:
    energy, quality, validity = document["wh_per_1000_queries"], document["quality"], document["validity"]
    rows = [
        ("Task", document["task_title"]),
        ("Energy per 1,000 queries", _amount(energy, "Wh")),
        ("Stars", stars_words(document)),
        ("Grade", document["grade"] or "none"),
        ("Boundary", document["boundary"]),
        ("Validity", validity["status"]),
        ("Hardware", document["hardware"]),
        ("Batch policy", document["key"]["batch_policy"]),
        ("Precision", document["key"]["precision"]),
        ("Scored", document["scored"] or "not known"),
        ("Comparability key", document["key_id"]),
    ]
    if quality is not None:
        rows.insert(2, (f"Quality ({quality['name'].replace('_', ' ')})", _amount(quality, "")))
    if carbon.grams is not None:
        low, high = carbon.grams.interval
        rows.append(
            (
                "Carbon per 1,000 queries",
                f"{number(carbon.grams.value)} gCO2e ({number(low)} to {number(high)}), {carbon.intensity}",
            )
        )
    else:
        rows.append(("Carbon", f"not stated: {carbon.reason}"))
    if document["bundle_sha256"]:
        rows.append(("Evidence", f"bundle, manifest SHA-256 `{document['bundle_sha256']}`"))
    lines = [f"## Energy of {cell(document['task_title'])}", "", "| | |", "| --- | --- |"]
    lines += [f"| {cell(name)} | {cell(str(value))} |" for name, value in rows]
    if validity["reasons"]:
        lines += ["", *(f"- {cell(r['code'])}: {cell(r['text'])}" for r in validity["reasons"])]
    notes = carbon.grams.notes if carbon.grams is not None else ()
    if notes:
        lines += ["", f"Of the carbon: {cell('; '.join(notes))}."]
    whose = "Published by" if document["origin"]["published"] else "Measured by"
    if is_simulated(energy):
        whose = "Simulated, not measured, by"
    said = "Intervals are 95 %. Results are comparable with those of the same key only."
    return [*lines, "", f"{whose} {cell(document['origin']['tool'])}. {said}"]


def _amount(amount: Mapping[str, Any] | None, unit: str) -> str:
    if amount is None:
        return "not known"
    ends = amount["interval_95"]
    between = between_words(amount) if ends is not None and None not in ends else ""
    said = f"{number(amount['value'])} {unit}".strip() + (f" ({between})" if between else "")
    return f"{said}, simulated" if is_simulated(amount) else said


def cell(text: str) -> str:
    """Text that Markdown neither formats nor takes for the end of a cell or of a comment."""
    plain = " ".join(text.split())
    for sign, other in (
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ("|", "\\|"),
        ("[", "\\["),
        ("*", "\\*"),
    ):
        plain = plain.replace(sign, other)
    return plain


def word(text: str) -> str:
    """Text as a part of a marker."""
    return "".join(c if c.isalnum() or c == "_" else "-" for c in text)


def flow(value: object) -> str:
    """JSON is YAML's flow style (YAML 1.2.2, 1.3); ASCII only, so that no line break hides in a name."""
    return json.dumps(value, allow_nan=False)
