"""From evidence to a result: the only place that makes one of our own benchmarks."""

from __future__ import annotations

import math
from collections.abc import Mapping

from wattmark.core.bench.derived import Derived, IdleSpell, derived_from, mean_energy, variation
from wattmark.core.bench.evidence import Evidence
from wattmark.core.bench.keys import device_class, key_of
from wattmark.core.bench.lines import NOT_MEASURED
from wattmark.core.bench.phase_runs import target_of
from wattmark.core.bench.repeats import GPU, Repeat, spent_in
from wattmark.core.bench.result import Idle, Origin, RepeatFigure, Result
from wattmark.core.bench.rules import reasons_for
from wattmark.core.bench.timing import latency_of, mean_of, sum_of
from wattmark.core.bench.validity import validity_of
from wattmark.core.figure import Figure
from wattmark.core.known import SIMULATED
from wattmark.core.units import singular

RANDOM = "the weights are random: the energy means something, the quality does not"
LESS_WORK = "inputs end at {} tokens, the model's own limit, where {} are asked for: less work per query"
ANSWERS_DIFFER = "{} of {} queries were answered differently by different repeats, though decoding is greedy"


def result_of(evidence: Evidence, *, bundle_sha256: str | None = None) -> Result:
    """What a benchmark says of its model, from nothing but its evidence: the same evidence, the same result.

    Never raises for sound evidence: what cannot be known is None, and the validity says why.
    """
    derived = derived_from(evidence)
    return Result(
        id=evidence.id,
        task=evidence.pinned.task,
        model=evidence.model,
        cohort=evidence.started_at[:7],
        date=evidence.started_at[:10],
        profile=evidence.profile.id,
        key=key_of(evidence, derived.spent),
        energy=derived.energy,
        per_output=_per_output(derived),
        output_unit=derived.task.output_unit if derived.task else None,
        gpu_energy=_gpu_energy(derived),
        quality=derived.quality,
        latency=latency_of([q for r in derived.ended for q in r.queries]),
        throughput=_throughput(derived.ended),
        repeats=_repeats(derived),
        repeat_cv=variation([s.value for s in derived.seen]),
        idle=_idle(derived),
        phases_joules=_phases(derived),
        input_tokens_per_query=_per_query(derived, "input_tokens"),
        output_tokens_per_query=_per_query(derived, "output_tokens"),
        hardware=device_class(evidence),
        validity=validity_of(reasons_for(derived)),
        origin=_origin(derived),
        bundle_sha256=bundle_sha256,
        target=target_of(evidence),
        spent=_spent(derived),
        notes=_notes(derived),
    )


def _answered(derived: Derived) -> int:
    return sum(len(r.answered) for r in derived.counted)


def _repeats(derived: Derived) -> tuple[RepeatFigure, ...]:
    return tuple(
        RepeatFigure(repeat=r.number, joules_per_query=s.value, queries=len(r.answered), seconds=r.seconds)
        for r, s in zip(derived.counted, derived.seen, strict=True)
    )


def _spent(derived: Derived) -> Figure | None:
    """The energy of all attempts, where there were some and none of them reached the target."""
    if not target_of(derived.evidence) or not derived.queries or any(not q.failed for q in derived.queries):
        return None
    energy = derived.spent.energy
    return energy if isinstance(energy, Figure) and energy.value > 0 else None


def _outputs(derived: Derived, unit: str) -> float | None:
    """How many units the counted repeats put out; None where one answer does not tell."""
    answered = [q for r in derived.counted for q in r.answered]
    return sum_of([getattr(q, unit) for q in answered])


def _per_output(derived: Derived) -> Figure | None:
    """Joules per unit of output: the energy per query over the mean number of units in an answer."""
    unit = derived.task.output_unit if derived.task else None
    if unit is None or derived.energy is None:
        return None
    units = _outputs(derived, unit)
    if not units:
        return None
    return derived.energy.scaled(_answered(derived) / units, f"J/{singular(unit)}")


def _gpu_energy(derived: Derived) -> Figure | None:
    """Mean over repeats of the energy of the GPUs alone, with the noise of the rated energy's repeats."""
    figures = []
    for repeat in derived.counted:
        spent = spent_in(derived.evidence, tuple(derived.lines.values()), repeat.phases, only=GPU)
        if not isinstance(spent.energy, Figure):
            return None
        figures.append(spent.energy.scaled(1 / len(repeat.answered), "J/query"))
    return mean_energy(derived.evidence, figures)


def _throughput(repeats: tuple[Repeat, ...]) -> float | None:
    seconds = math.fsum(r.seconds for r in repeats)
    return sum(len(r.answered) for r in repeats) / seconds if seconds > 0 else None


def _per_query(derived: Derived, name: str) -> float | None:
    return mean_of([getattr(q, name) for r in derived.ended for q in r.answered])


def _idle(derived: Derived) -> Idle:
    """Idle power, and what is left of the energy per query without it (information only)."""
    before, after = _watts(derived.idle_before), _watts(derived.idle_after)
    known = [w for w in (before, after) if w is not None]
    net = None
    if known and derived.energy is not None:
        seconds = math.fsum(r.seconds / len(r.answered) for r in derived.counted) / len(derived.counted)
        net = derived.energy.value - math.fsum(known) / len(known) * seconds
    return Idle(before_watts=before, after_watts=after, net_joules_per_query=net)


def _watts(spell: IdleSpell | None) -> float | None:
    return None if spell is None else spell.watts


def _phases(derived: Derived) -> Mapping[str, float]:
    """Energy of all phases of a name together, where it is known."""
    evidence = derived.evidence
    found = {}
    for name in dict.fromkeys(p.name for p in evidence.phases):
        phases = [p for p in evidence.phases if p.name is name]
        only = GPU if derived.spent.boundary == f"device ({GPU})" else None
        energy = spent_in(evidence, tuple(derived.lines.values()), phases, only=only).energy
        if isinstance(energy, Figure):
            found[name.value] = energy.value
    return found


def _origin(derived: Derived) -> Origin:
    methods = dict.fromkeys(
        f"{line.device.source} ({line.device.method.value.replace('_', ' ')})" for line in derived.devices
    )
    version = derived.evidence.environment.get("wattmark", "")
    method = SIMULATED if derived.evidence.simulated else ", ".join(methods)
    return Origin(tool="wattmark", version=version, method=method)


def _notes(derived: Derived) -> tuple[str, ...]:
    evidence = derived.evidence
    notes = [*([NOT_MEASURED] if evidence.simulated else []), *evidence.notes]
    if evidence.model.random_weights:
        notes.append(RANDOM)
    if evidence.pinned.dataset.synthetic:
        notes.append("the queries are a synthetic stand-in")
    own, asked_for = evidence.model.max_input_tokens, evidence.pinned.max_input_tokens
    if own is not None and asked_for is not None and own < asked_for:
        notes.append(LESS_WORK.format(own, asked_for))
    cached = sum(q.cached_input_tokens for q in derived.queries if q.cached_input_tokens is not None)
    if cached:
        notes.append(f"a server had {cached} input tokens in its cache from before")
    differ, asked = _disagreeing(derived)
    if differ and evidence.pinned.sampling == "greedy":
        notes.append(ANSWERS_DIFFER.format(differ, asked))
    return tuple(dict.fromkeys(notes))


def _disagreeing(derived: Derived) -> tuple[int, int]:
    """Queries whose answers were not the same each time, and queries whose answers are known."""
    answers: dict[int, set[str]] = {}
    for query in derived.queries:
        if query.output_sha256 is not None and not query.failed:
            answers.setdefault(query.index, set()).add(query.output_sha256)
    return sum(len(different) > 1 for different in answers.values()), len(answers)
