"""What types alone cannot say of evidence: which numbers can be, so that working it out comes to an end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wattmark.bench.bundle.layout import EVIDENCE, LOOKS, QUERIES, STATES
from wattmark.core.bench.evidence import Evidence, QueryRecord
from wattmark.core.bench.profile import PROFILES
from wattmark.core.bench.signs import first_odd

MOST_US = 100 * 86_400 * 1_000_000
"""A hundred days: no benchmark takes longer."""
MOST_UJ = 1 << 63
MOST_WATTS = 1e9
MOST_COUNT = 1 << 53

Fault = tuple[str, str]
"""File and what is wrong in it."""


def first_fault(evidence: Evidence) -> Fault | None:
    """The first thing that cannot be; None for sound evidence."""
    return next(_faults(evidence), None)


def _faults(evidence: Evidence) -> Iterator[Fault]:
    if not 0 < evidence.period_us <= MOST_US:
        yield EVIDENCE, f"period_us is {evidence.period_us}, not a time between two looks"
    for phase in evidence.phases:
        if not (_moment(phase.start_us) and _moment(phase.end_us) and phase.start_us <= phase.end_us):
            yield EVIDENCE, f"phase {phase.name} from {phase.start_us} to {phase.end_us} us is no stretch"
    for looks in evidence.looks:
        if not all(map(_moment, looks.at_us)):
            yield LOOKS, f"{looks.device_id} was looked at when no benchmark can be"
        if not all(e is None or 0 <= e < MOST_UJ for e in looks.energy_uj):
            yield LOOKS, f"{looks.device_id} showed what no counter can"
        if not all(w is None or abs(w) <= MOST_WATTS for w in looks.watts):
            yield LOOKS, f"{looks.device_id} showed what no sensor can"
    yield from _query_faults(evidence.queries)
    for state in evidence.states:
        if not _moment(state.at_us):
            yield STATES, f"{state.device_id} was looked at when no benchmark can be"


def _query_faults(queries: Iterable[QueryRecord]) -> Iterator[Fault]:
    for query in queries:
        if not (_moment(query.start_us) and _moment(query.end_us) and query.start_us <= query.end_us):
            yield QUERIES, f"query {query.index} from {query.start_us} to {query.end_us} us is no stretch"
        counts = (query.input_tokens, query.output_tokens, query.audio_seconds, query.images)
        if query.failed and first_odd(query.failed) is not None:
            yield QUERIES, f"query {query.index} failed for a reason that cannot be shown"
        if not all(c is None or 0 <= c <= MOST_COUNT for c in counts):
            yield QUERIES, f"query {query.index} counts what cannot be"


def _moment(at_us: int) -> bool:
    return -MOST_US <= at_us <= MOST_US


def laxer(evidence: Evidence) -> str:
    """What its profile asks less of than the profile of that name does; empty where nothing."""
    profile = evidence.profile
    known = PROFILES.get(profile.id)
    if known is None:
        return f"profile {profile.id[:40]!r} is none of protocol {profile.protocol[:40]}"
    if profile.rated and not known.rated:
        return f"profile {profile.id} is never rated, and here it says it is"
    if profile.window_seconds < known.window_seconds:
        return (
            f"profile {profile.id} asks for {known.window_seconds:g} s in a repeat, and here for "
            f"{profile.window_seconds:g} s"
        )
    return ""
