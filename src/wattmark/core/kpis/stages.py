"""Which energy a KPI counts: serving, development, or all of it.

Evaluation, data preparation and time outside any stage are never dropped: what is not inference
belongs to development, and a run without any stage belongs to whatever its work says it did.
"""

from __future__ import annotations

from collections.abc import Mapping

from wattmark.core.errors import NotComparable
from wattmark.core.facts import INFERENCE, UNSTAGED, Facts, WorkDone
from wattmark.core.figure import Figure, Missing, total

_LOG_THERE = "log it where it was served: in the run, or inside the window, of stage inference"
_MARK_STAGE = "mark the stage: --stage inference, or run.window('...', stage='inference')"


def serving_energy(facts: Facts) -> Figure | Missing:
    """Joules of inference with idle, loading and failures: the inference stage and unstaged time.

    Facts without any named stage are taken as serving, whole: the caller named the work as served.
    """
    stages = facts.energy_by_stage
    if named(stages) and INFERENCE not in stages:
        return Missing("energy of the inference stage", _MARK_STAGE)
    if INFERENCE not in stages:
        return _marked(facts.energy, INFERENCE)
    return _marked(_sum({k: v for k, v in stages.items() if k in (INFERENCE, UNSTAGED)}), INFERENCE)


def inference_energy(facts: Facts) -> Figure | Missing:
    """Joules of the inference stage alone, for KPIs that count the rest as development."""
    found = facts.energy_by_stage.get(INFERENCE)
    return found if found is not None else Missing("energy of the inference stage", _MARK_STAGE)


def development_energy(facts: Facts) -> Figure | Missing:
    """Joules of everything that is not inference, over all attempts, with a note naming the stages."""
    parts = {k: v for k, v in facts.energy_by_stage.items() if k != INFERENCE}
    if not named(parts):
        return Missing("energy of the training stages", "score the training runs too: --stage training")
    whole = _sum(parts)
    if isinstance(whole, Missing):
        return whole
    return whole.with_notes("training energy: " + " + ".join(sorted(parts)))


def energy_of_work(facts: Facts) -> Figure | Missing:
    """Joules behind the functional unit: serving energy where inference is named, else all energy."""
    if INFERENCE in facts.energy_by_stage:
        return serving_energy(facts)
    return all_energy(facts)


def serving_work(facts: Facts, *stages: str) -> Mapping[str, WorkDone]:
    """Unit -> the work behind :func:`serving_energy`: what other stages did is not what that energy did.

    ``stages`` asks for other ones. All work where nothing tells it apart, or no stage is named.
    """
    if INFERENCE not in facts.energy_by_stage or not facts.work_by_stage:
        return facts.work
    found: dict[str, WorkDone] = {}
    for stage in stages or (INFERENCE, UNSTAGED):
        for unit, done in facts.work_by_stage.get(stage, {}).items():
            found[unit] = found[unit].plus(done) if unit in found else done
    return found


def unit_work(facts: Facts) -> WorkDone | Missing:
    """The work in the functional unit behind :func:`energy_of_work`, or what is missing."""
    whole = facts.unit_work
    if isinstance(whole, Missing):
        return whole
    return serving_work(facts).get(whole.unit) or not_served(whole.unit)


def not_served(unit: str) -> Missing:
    """What to say of work that was done in other stages alone."""
    return Missing(f"work ({unit}) of the inference stage", _LOG_THERE)


def all_energy(facts: Facts) -> Figure | Missing:
    """Joules of all stages, with the stages that were named among the terms."""
    return _marked(facts.energy, "+".join(sorted(named(facts.energy_by_stage))) or "all")


def named(stages: Mapping[str, Figure]) -> list[str]:
    """The stages that somebody named."""
    return [name for name in stages if name != UNSTAGED]


def _marked(energy: Figure | Missing, stage: str) -> Figure | Missing:
    return energy if isinstance(energy, Missing) else energy.with_terms(stage=stage)


def _sum(parts: Mapping[str, Figure]) -> Figure | Missing:
    try:
        return total(parts.values())
    except NotComparable as error:
        return Missing("stages measured on equal terms", str(error))
