"""What making a model emitted, as a block for its card: front matter in grams, and a section of Markdown.

``co2_eq_emissions`` is read by Hugging Face as **grams** of CO2e (Hub documentation, Displaying carbon
emissions for your model, https://huggingface.co/docs/hub/model-cards-co2); other tools have written
kilograms there, a factor of 1000 too little. ``model-index`` holds the results of the same runs, energy
among them (https://huggingface.co/docs/hub/model-cards#evaluation-results).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from wattmark.core.facts import Answer
from wattmark.core.figure import Figure
from wattmark.core.governance.decision import Decision
from wattmark.core.kpis import CATALOG
from wattmark.core.run import Run
from wattmark.reports.label_card import EMISSIONS, INDEX, OURS, Card, cell, flow, word
from wattmark.reports.sections import interval_words, value_text, why_not

TRAINING_TYPES: Mapping[str, str] = {"training": "pre-training", "fine_tuning": "fine-tuning"}
"""Our stage -> Hugging Face's word."""
ENERGY_METRIC = "wattmark_energy"
"""Type of the metric by which our own result is known again."""


def run_card(
    runs: Sequence[Run],
    energy: Figure,
    carbon: Figure,
    answers: Mapping[str, Answer],
    *,
    attempts: int,
    intensity: str,
    location: str,
    decision: Decision | None = None,
) -> Card:
    """The card of the runs that made a model (attempts and stages together)."""
    front = {EMISSIONS: "\n".join(_emissions(runs, energy, carbon, attempts, intensity, location))}
    index = _index(runs, energy, carbon)
    if index:
        front[INDEX] = "\n".join(index)
    marks = marks_of(runs)
    section = _section(runs, energy, carbon, answers, attempts, intensity, decision)
    return Card(front=front, section="\n".join((marks[0], *section, marks[1])), marks=marks)


def marks_of(runs: Sequence[Run]) -> tuple[str, str]:
    """Where the section begins and ends, by stage: the training done again replaces the training."""
    name = f"wattmark:runs:{word('-'.join(_stages(runs)) or 'run')}"
    return f"<!-- {name} -->", f"<!-- /{name} -->"


def _stages(runs: Sequence[Run]) -> list[str]:
    staged = {w.stage for run in runs for w in run.windows if w.stage} | {
        run.subject.stage for run in runs if run.subject.stage
    }
    return sorted(staged)


def _hardware(runs: Sequence[Run]) -> str:
    found = {f"{h.count:g} x {h.name}" for run in runs for h in run.place.hardware}
    return ", ".join(sorted(found))


def _emissions(
    runs: Sequence[Run], energy: Figure, carbon: Figure, attempts: int, intensity: str, location: str
) -> list[str]:
    stages = _stages(runs)
    kind = ", ".join(TRAINING_TYPES.get(stage, stage) for stage in stages)
    interval = interval_words(carbon)
    words = [
        f"{value_text(carbon)}" + (f" ({interval}, 95 %)" if interval else ""),
        f"{value_text(energy)} at {energy.terms.get('boundary', 'no stated')} boundary",
        f"{attempts} attempt{'s' if attempts != 1 else ''}",
        intensity,
        f"grade {carbon.grade.value if carbon.grade is not None else 'not known'}",
        *carbon.notes,
    ]
    told: dict[str, object] = {
        "emissions": float(f"{carbon.value:.6g}"),
        "source": f"{OURS}: " + "; ".join(words),
        "training_type": kind,
        "geographical_location": location,
        "hardware_used": _hardware(runs),
    }
    return [f"{EMISSIONS}:", *(f"  {name}: {flow(value)}" for name, value in told.items() if value != "")]


def _index(runs: Sequence[Run], energy: Figure, carbon: Figure) -> list[str]:
    """One result; none where the runs do not say model, task and dataset, which Hugging Face asks for."""
    last = runs[-1]
    subject, dataset = last.subject, last.dataset
    if not subject.model or not subject.task or dataset is None or not dataset.name:
        return []
    metrics: list[dict[str, object]] = [
        {"type": q.name, "name": q.name.replace("_", " "), "value": q.value} for q in last.quality
    ]
    metrics += [
        {"type": ENERGY_METRIC, "name": "energy, J", "value": energy.value},
        {"type": "wattmark_carbon", "name": "carbon, gCO2e", "value": carbon.value},
    ]
    about = {
        "type": dataset.name,
        "name": dataset.name,
        **({"revision": dataset.sha256} if dataset.sha256 else {}),
    }
    return [
        f"{INDEX}:",
        f"  - name: {flow(subject.model)}",
        "    results:",
        f"      - task: {flow({'type': subject.task, 'name': subject.task.replace('_', ' ')})}",
        f"        dataset: {flow(about)}",
        f"        metrics: {json.dumps(metrics, allow_nan=False)}",
    ]


def _section(
    runs: Sequence[Run],
    energy: Figure,
    carbon: Figure,
    answers: Mapping[str, Answer],
    attempts: int,
    intensity: str,
    decision: Decision | None,
) -> list[str]:
    rows = [
        ("Stages", ", ".join(_stages(runs)) or "not stated"),
        ("Attempts", str(attempts)),
        ("Energy", _amount(energy)),
        ("Carbon", f"{_amount(carbon)}, {intensity}"),
        ("Hardware", _hardware(runs) or "not known"),
    ]
    rows += [
        (CATALOG[name].title, _amount(answer))
        for name, answer in answers.items()
        if isinstance(answer, Figure) and name in CATALOG
    ]
    if decision is not None:
        rows.append(("Gate", f"{decision.standing.value}, {decision.policy.id or decision.policy.file}"))
        if decision.score is not None:
            rows.append(("Score", f"{decision.score.value:.0f} against a baseline of 100"))
        if decision.stars:
            rows.append(("Stars", decision.stars))
        waived = [rule.title for rule in decision.rules if rule.waiver is not None]
        rows += [("Waived", title) for title in waived]
    lines = ["## Energy and carbon of making this model", "", "| | |", "| --- | --- |"]
    lines += [f"| {cell(name)} | {cell(value)} |" for name, value in rows]
    gone = [f"{CATALOG[n].title}: {why_not(a)[0]}" for n, a in answers.items() if not isinstance(a, Figure)]
    if gone:
        lines += ["", "Not known:", "", *(f"- {cell(text)}" for text in gone)]
    if carbon.notes:
        lines += ["", f"Of the carbon: {cell('; '.join(carbon.notes))}."]
    records = ", ".join(f"`{run.record_id}`" for run in runs)
    return [*lines, "", f"Measured by wattmark; intervals are 95 %. Evidence: {records}."]


def _amount(figure: Figure) -> str:
    interval = interval_words(figure)
    grade = f", grade {figure.grade.value}" if figure.grade is not None else ""
    boundary = figure.terms.get("boundary")
    where = f", {boundary} boundary" if boundary else ""
    return value_text(figure) + (f" ({interval})" if interval else "") + grade + where
