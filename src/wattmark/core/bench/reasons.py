"""The codes of everything that can be said against a result. A code keeps its meaning for ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wattmark.core.bench.validity import Reason, Status

_INVALID, _PROVISIONAL = Status.INVALID, Status.PROVISIONAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What a code means, whatever the numbers."""

    code: str
    status: Status
    """What it makes of a result."""
    meaning: str
    """One line."""
    source: str
    """Where the rule comes from."""


_KPIS = "wattmark's definitions, Validity"
_MLPERF = "MLPerf Power rules"
_MLENERGY = "ML.ENERGY benchmark, validate_results.py"
_ZEUS = "ML.ENERGY blog on thermally stable profiling, 2026"
_AIES = "AI Energy Score documentation, index.md"

_ALL = (
    Code(
        code="quick",
        status=_INVALID,
        meaning="The profile is for tries and continuous integration; it is never rated.",
        source=_KPIS,
    ),
    Code(
        code="simulated",
        status=_INVALID,
        meaning="Clock and meters were simulated.",
        source=_KPIS,
    ),
    Code(
        code="no_energy",
        status=_INVALID,
        meaning="The energy of a rated phase is not known.",
        source="AI Energy Score's tools give 0 Wh with success there",
    ),
    Code(
        code="energy_not_positive",
        status=_INVALID,
        meaning="A repeat used no energy at all, which no work does.",
        source="AI Energy Score's tools give 0 Wh with success there",
    ),
    Code(
        code="estimated",
        status=_INVALID,
        meaning="The energy is modelled or declared (grade D or E), so that it earns no rating.",
        source="wattmark's definitions, Stars",
    ),
    Code(
        code="device_unread",
        status=_INVALID,
        meaning="A device that is there was never read during a rated phase.",
        source=_KPIS,
    ),
    Code(
        code="processor_not_counted",
        status=_INVALID,
        meaning="The model ran on a processor whose energy is not rated.",
        source="wattmark: a GPU that idles while the CPU works says nothing of the model",
    ),
    Code(
        code="no_work",
        status=_INVALID,
        meaning="No query was answered in a repeat, or there was no repeat.",
        source="optimum-benchmark asks 0 queries with its documented default",
    ),
    Code(
        code="queries_failed",
        status=_INVALID,
        meaning="Queries failed: their energy counts, their answers do not exist.",
        source=_KPIS,
    ),
    Code(
        code="repeat_failed",
        status=_INVALID,
        meaning="A repeat did not come to its end; it is kept and counts as an attempt.",
        source=_KPIS,
    ),
    Code(
        code="workload_incomplete",
        status=_INVALID,
        meaning="A repeat did not ask every query of the set equally often.",
        source="wattmark: a repeat is the whole set",
    ),
    Code(
        code="not_pinned",
        status=_INVALID,
        meaning="What decides the work is not fixed: the dataset's hash, its rows, the batch, the dtype.",
        source=_KPIS,
    ),
    Code(
        code="tokens_differ",
        status=_INVALID,
        meaning="The task fixes the number of output tokens, and answers have another.",
        source=_KPIS,
    ),
    Code(
        code="tokens_unknown",
        status=_PROVISIONAL,
        meaning="The task fixes the number of output tokens, and answers do not tell theirs.",
        source=_KPIS,
    ),
    Code(
        code="window_too_short",
        status=_INVALID,
        meaning="A repeat is shorter than its profile and its meters need.",
        source=f"{_KPIS}; {_MLPERF} (60 s, 600 s); {_ZEUS} (5 s)",
    ),
    Code(
        code="too_few_samples",
        status=_INVALID,
        meaning="A power sensor gave fewer than 60 samples in a repeat.",
        source=f"{_KPIS}; {_MLPERF}, training",
    ),
    Code(
        code="too_few_ticks",
        status=_INVALID,
        meaning="An energy counter moved fewer than 100 times in a repeat.",
        source=f"{_KPIS}; {_ZEUS}",
    ),
    Code(
        code="coverage_low",
        status=_INVALID,
        meaning="Less than 99 % of a repeat was observed.",
        source=f"{_KPIS}; MLPerf v4.1's power logs hold 99.87 % and more",
    ),
    Code(
        code="gap_too_long",
        status=_INVALID,
        meaning="A meter gave nothing for longer than two periods.",
        source=_KPIS,
    ),
    Code(
        code="clocks_apart",
        status=_INVALID,
        meaning="The meters' clock may be off by more than 200 ms.",
        source=_MLPERF,
    ),
    Code(
        code="warm_up_short",
        status=_INVALID,
        meaning="Fewer than 10 warm-up queries were answered before the first repeat.",
        source=_KPIS,
    ),
    Code(
        code="power_not_steady",
        status=_INVALID,
        meaning="Power varied by more than 5 % over the middle 80 % of a repeat.",
        source=f"{_KPIS}; MLPerf v4.1's power logs show 2.4 % at most",
    ),
    Code(
        code="steady_state_unknown",
        status=_INVALID,
        meaning="Whether power was steady cannot be told: a repeat is too short, or looks failed.",
        source=_KPIS,
    ),
    Code(
        code="power_drifts",
        status=_PROVISIONAL,
        meaning="Power rose or fell by more than 2 % over the middle 80 % of a repeat.",
        source="wattmark: equilibrium was not reached",
    ),
    Code(
        code="too_few_repeats",
        status=_INVALID,
        meaning="Fewer repeats came to their end than the profile asks for (3; 10 for certified and aies).",
        source=_KPIS,
    ),
    Code(
        code="repeats_vary",
        status=_PROVISIONAL,
        meaning="Energy per query varies by more than 5 % between repeats.",
        source=_KPIS,
    ),
    Code(
        code="repeats_vary_much",
        status=_INVALID,
        meaning="Energy per query varies by more than 10 % between repeats.",
        source=_KPIS,
    ),
    Code(
        code="first_repeat_differs",
        status=_PROVISIONAL,
        meaning="The first two repeats differ by more than 5 %.",
        source=f"{_MLPERF}: ranging against testing run",
    ),
    Code(
        code="cool_down_short",
        status=_PROVISIONAL,
        meaning="Less than 5 s lie between two repeats.",
        source=_ZEUS,
    ),
    Code(
        code="idle_not_measured",
        status=_INVALID,
        meaning="Idle power was not measured for 30 s before and after.",
        source=_KPIS,
    ),
    Code(
        code="idle_differs",
        status=_PROVISIONAL,
        meaning="Idle power before and after differ by more than 10 %.",
        source=_KPIS,
    ),
    Code(
        code="throttled",
        status=_INVALID,
        meaning="The hardware slowed itself down during a repeat: heat, or too little power.",
        source=_KPIS,
    ),
    Code(
        code="throttling_unknown",
        status=_PROVISIONAL,
        meaning="A device cannot tell whether it was slowed down.",
        source="wattmark: not known is no pass",
    ),
    Code(
        code="temperature_out_of_range",
        status=_PROVISIONAL,
        meaning="A device was colder than 20 or hotter than 95 degrees Celsius during a repeat.",
        source=_MLENERGY,
    ),
    Code(
        code="temperature_unknown",
        status=_PROVISIONAL,
        meaning="A device that tells its temperature at times did not tell it in a repeat.",
        source="wattmark: not known is no pass",
    ),
    Code(
        code="power_limit_changed",
        status=_PROVISIONAL,
        meaning="The power limit of a device changed while repeats ran.",
        source="wattmark: the limit is part of the key",
    ),
    Code(
        code="machine_shared",
        status=_PROVISIONAL,
        meaning="Other programs used more than 10 % of the busy CPU time, and the CPU's energy is rated.",
        source="wattmark: whole devices are rated, so the machine must be ours",
    ),
    Code(
        code="concurrency_not_reached",
        status=_PROVISIONAL,
        meaning="Fewer than 80 % of the requests that were to be in flight were, on average over a repeat.",
        source=_MLENERGY,
    ),
    Code(
        code="full_load_short",
        status=_PROVISIONAL,
        meaning="All requests that were to be in flight at a time were so for less than 30 s of a repeat.",
        source=_MLENERGY,
    ),
    Code(
        code="length_limit_hit",
        status=_PROVISIONAL,
        meaning="30 % or more of the answers were cut off at the most tokens they may have.",
        source=_MLENERGY,
    ),
    Code(
        code="reasoning_not_seen",
        status=_PROVISIONAL,
        meaning="A reasoning task was answered with so few tokens that the model cannot have reasoned.",
        source="AI Energy Score's rows hold models whose switch did nothing",
    ),
    Code(
        code="quality_unknown",
        status=_PROVISIONAL,
        meaning="No quality could be told from the answers whose energy was measured.",
        source=_KPIS,
    ),
    Code(
        code="quality_nil",
        status=_PROVISIONAL,
        meaning="The answers are worth no more than none: quality 0, or as many errors as words.",
        source="wattmark: a rating is of a model that somebody could use",
    ),
    Code(
        code="quality_differs",
        status=_PROVISIONAL,
        meaning="A later repeat answered worse than the first one's interval allows, or was not scored.",
        source=_KPIS,
    ),
    Code(
        code="answers_kept",
        status=_PROVISIONAL,
        meaning="Asked again, most queries took half of the time or less: answers were kept from before.",
        source="wattmark: repeats stand for new queries",
    ),
    Code(
        code="random_weights",
        status=_PROVISIONAL,
        meaning="The model's weights are random: its energy means something, its quality does not.",
        source="wattmark: a rating is of a model that somebody could use",
    ),
    Code(
        code="target_not_reached",
        status=_INVALID,
        meaning="A training or pipeline did not reach its target: energy to solution is not defined.",
        source="wattmark's definitions, Energy-to-Solution",
    ),
    Code(
        code="aies_workload_differs",
        status=_PROVISIONAL,
        meaning="Profile aies: not 1,000 queries of three published datasets, batch 1, published dtype.",
        source=_AIES,
    ),
    Code(
        code="hardware_differs",
        status=_PROVISIONAL,
        meaning="Profile aies: AI Energy Score rates on NVIDIA H100 80 GB only.",
        source=_AIES,
    ),
    Code(
        code="no_evidence",
        status=_INVALID,
        meaning="A figure of another tool, or a published one: no readings that it could be worked out from.",
        source=_KPIS,
    ),
)

CATALOG: Mapping[str, Code] = {code.code: code for code in _ALL}
"""Every code that a result of ours can have, in the order in which they are looked for."""


def because(code: str, text: str) -> Reason:
    """A reason with the status of its code; ``text`` says what was seen and what was asked for."""
    return Reason(code=code, status=CATALOG[code].status, text=text)
