"""What a run that comes from a benchmark says of the conditions it was made under, in its labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wattmark.core.bench.key import UNKNOWN
from wattmark.core.run import Run

LABEL = "wattmark.bench."
SIMULATED_LABEL = f"{LABEL}simulated"
REPEAT_LABEL = f"{LABEL}repeat"
"""Which repeat of its benchmark a run is, from 0."""
TERMS = ("batch_policy", "boundary", "protocol", "simulated", "tokens")
"""Runs that differ here did other work, or were counted in another way: they are not compared."""
BESIDE = ("precision", "device_class", "power_limit")
"""What a comparison may be about, as a legitimate way to do the same work; it is said beside it."""


def terms_of(runs: Iterable[Run]) -> Mapping[str, str]:
    """The conditions that must be equal, of runs that belong together; none of what is no benchmark's."""
    runs = list(runs)
    found = {f"benchmark {name}": _values(runs, name) for name in TERMS}
    return {name: " + ".join(values) for name, values in found.items() if values}


def is_simulated(run: Run) -> bool:
    """Whether clock and meters were simulated, so that nothing was measured."""
    return run.subject.labels.get(SIMULATED_LABEL) == "true"


def also_differs(before: Iterable[Run], after: Iterable[Run]) -> list[str]:
    """What else is not the same on both sides, a sentence each; nothing where no side is a benchmark."""
    one, two = list(before), list(after)
    found = []
    for name in BESIDE:
        ours, theirs = _values(one, name), _values(two, name)
        if not ours and not theirs:
            continue
        if ours != theirs:
            shown = " / ".join(" + ".join(side) or UNKNOWN for side in (ours, theirs))
            found.append(f"{name.replace('_', ' ')} differs: {shown}")
        elif UNKNOWN in ours:
            found.append(f"{name.replace('_', ' ')} is not known: it may differ")
    return found


def _values(runs: Iterable[Run], name: str) -> list[str]:
    values = (run.subject.labels.get(f"{LABEL}{name}") for run in runs)
    return sorted({value for value in values if value})
