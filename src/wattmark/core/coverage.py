"""What a ledger does not hold: stages, models, machines and hours that nobody measured, each with its remedy.

A total looks complete whatever is missing from it. Here the question is turned round: what should be there,
and is not. Nothing is filled in; each lack says what would mend it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

LIFE = ("data_preparation", "training", "evaluation", "inference")
"""Stages that a model goes through; who has others declares them."""
TRAINED = frozenset({"training", "fine_tuning"})
"""Either of them tells that a model was trained."""
MEASURED = frozenset("ABC")
SMALL = 0.05
"""A share of energy or time below this is not worth a line (kpis.md: the grade of a sum, coverage)."""
HOUR_US = 3_600_000_000
KINDS = (
    "stage",
    "model",
    "host",
    "hours",
    "intensity",
    "pue",
    "boundary",
    "estimated",
    "mixed",
    "gap",
    "ranks",
    "work",
    "statement",
)
"""What can be lacking, the gravest first: what is not there at all, what is not counted in full, what is
known less well than it looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """Something that is not known, where, how much it concerns, and what would mend it."""

    kind: str
    """One of KINDS."""
    where: str
    """``model=ranker``, ``host=ab12``, ``zone=XYZ``."""
    what: str
    fix: str
    share: float | None = None
    """Of the energy or of the time concerned, 0 to 1; None: of what is not there nobody knows how much."""
    energy_uj: int | None = None
    hours: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSeen:
    """What is known of one stage of one model in the time that was asked for."""

    model: str
    """Empty: nobody stated it."""
    stage: str
    by_grade: Mapping[str, int] = field(default_factory=dict)
    """Grade -> microjoules; estimates for gaps stand at D."""
    by_method: Mapping[str, int] = field(default_factory=dict)
    observed_us: int = 0
    gap_us: int = 0
    device_only_uj: int = 0
    rank_coverage: float = 1.0
    units: tuple[str, ...] = ()
    """Functional units of which work was logged."""

    @property
    def energy_uj(self) -> int:
        """All of it, gaps estimated."""
        return sum(self.by_grade.values())

    @property
    def where(self) -> str:
        """As a lack names it."""
        model = self.model or "(not stated)"
        return f"model={model}" + (f", stage={self.stage}" if self.stage else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """A stretch in which nothing of a machine was measured."""

    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSeen:
    """When a machine was watched."""

    host: str
    seen_us: int
    """Time for which its best watched device was observed."""
    asked_us: int
    """The time in question: that of the period which is over, or from the first to the last that is known."""
    days: Mapping[str, float] = field(default_factory=dict)
    """UTC day -> share of it for which the machine was watched."""
    holes: tuple[Hole, ...] = ()
    """The longest ones."""
    whole_periods_uj: int = 0
    """Energy that is known for days or months only, as from bills: it tells of no hour."""

    @property
    def share(self) -> float:
        """Share of the time for which it was watched, 0 to 1."""
        return min(1.0, self.seen_us / self.asked_us) if self.asked_us > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceSeen:
    """Which energy met no factor, by grid zone and site."""

    zone: str
    site: str = ""
    energy_uj: int
    without_factor_uj: int = 0
    without_pue_uj: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What should be there, as the ledger's settings say."""

    stages: tuple[str, ...] = LIFE
    hosts: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    without: frozenset[tuple[str, str]] = frozenset()
    """(model, stage) pairs that do not exist, for example a model that somebody else trained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of what should be known is known."""

    stages: tuple[StageSeen, ...]
    hosts: tuple[HostSeen, ...]
    places: tuple[PlaceSeen, ...]
    expected: Expected
    lacks: tuple[Lack, ...]

    @property
    def energy_uj(self) -> int:
        """All energy that is counted, gaps estimated."""
        return sum(s.energy_uj for s in self.stages)

    @property
    def measured_share(self) -> float | None:
        """Share of the counted energy that was measured (grades A to C); None without energy."""
        measured = sum(uj for s in self.stages for grade, uj in s.by_grade.items() if grade in MEASURED)
        return measured / self.energy_uj if self.energy_uj else None

    @property
    def host_share(self) -> float | None:
        """Share of all machines' time for which they were watched; None without machines."""
        asked = sum(h.asked_us for h in self.hosts)
        return sum(min(h.seen_us, h.asked_us) for h in self.hosts) / asked if asked else None

    @property
    def models(self) -> Mapping[str, Mapping[str, bool]]:
        """Model -> expected stage -> whether it was seen; pairs that do not exist are left out."""
        return _stages_by_model(self.stages, self.expected)

    @property
    def stage_share(self) -> float | None:
        """Share of the expected stages of all models that were seen; None without models."""
        seen = [there for stages in self.models.values() for there in stages.values()]
        return sum(seen) / len(seen) if seen else None


def coverage_of(
    stages: Sequence[StageSeen],
    hosts: Sequence[HostSeen],
    places: Sequence[PlaceSeen],
    expected: Expected,
    others: Iterable[Lack] = (),
) -> Coverage:
    """What is known and what is not, the gravest lack first; ``others`` are lacks found elsewhere."""
    found = [
        *_missing_stages(stages, expected),
        *_missing_models(stages, expected),
        *_missing_hosts(hosts, expected),
        *_hours(hosts),
        *_without_factors(places),
        *_shallow(stages),
        *_weak(stages),
        *others,
    ]
    lacks = sorted(found, key=lambda lack: (KINDS.index(lack.kind), -(lack.share or 0.0), lack.where))
    return Coverage(
        stages=tuple(stages),
        hosts=tuple(hosts),
        places=tuple(places),
        expected=expected,
        lacks=tuple(lacks),
    )


def _stages_by_model(stages: Sequence[StageSeen], expected: Expected) -> dict[str, dict[str, bool]]:
    seen: dict[str, set[str]] = {model: set() for model in expected.models}
    for one in stages:
        if one.model:
            seen.setdefault(one.model, set()).add(one.stage)
    return {
        model: {
            stage: bool(there & TRAINED) if stage in TRAINED else stage in there
            for stage in expected.stages
            if (model, stage) not in expected.without
        }
        for model, there in sorted(seen.items())
    }


def _missing_stages(stages: Sequence[StageSeen], expected: Expected) -> Iterator[Lack]:
    known = {one.model for one in stages}
    for model, there in _stages_by_model(stages, expected).items():
        if model not in known:
            continue
        seen = ", ".join(stage for stage, is_there in there.items() if is_there) or "nothing"
        for stage in (stage for stage, is_there in there.items() if not is_there):
            yield Lack(
                kind="stage",
                where=f"model={model}, stage={stage}",
                what=f"never measured (measured: {seen})",
                fix=f"`wattmark measure --model {model} --stage {stage} -- ...`; where it is not, say so "
                "under [[coverage.without]] in ledger.toml",
            )
    unstaged = sum(s.energy_uj for s in stages if s.model and not s.stage)
    whole = sum(s.energy_uj for s in stages)
    if unstaged and unstaged >= SMALL * whole:
        yield Lack(
            kind="stage",
            where="stage=(not stated)",
            what="energy of models whose stage nobody stated",
            fix="--stage where it is measured, or [tags.from_labels] in ledger.toml; `wattmark ledger tags` "
            "lists whose it is",
            share=unstaged / whole,
            energy_uj=unstaged,
        )


def _missing_models(stages: Sequence[StageSeen], expected: Expected) -> Iterator[Lack]:
    known = {one.model for one in stages}
    for model in sorted(set(expected.models) - known):
        yield Lack(
            kind="model",
            where=f"model={model}",
            what="nothing of it was measured",
            fix=f"`wattmark measure --model {model} -- ...`, or take it out of `models` under [coverage]",
        )
    whole = sum(s.energy_uj for s in stages)
    nameless = sum(s.energy_uj for s in stages if not s.model)
    if nameless and nameless >= SMALL * whole:
        yield Lack(
            kind="model",
            where="model=(not stated)",
            what="energy that belongs to no model",
            fix="--model where it is measured, or [tags.aliases] and [tags.from_labels] in ledger.toml",
            share=nameless / whole,
            energy_uj=nameless,
        )


def _missing_hosts(hosts: Sequence[HostSeen], expected: Expected) -> Iterator[Lack]:
    known = {one.host for one in hosts}
    for host in sorted(set(expected.hosts) - known):
        yield Lack(
            kind="host",
            where=f"host={host}",
            what="never watched in this time",
            fix="is its exporter up? `wattmark ledger runs --where host=...` tells when it was last seen; "
            "take it out of `hosts` under [coverage] when it is gone",
        )


def _hours(hosts: Sequence[HostSeen]) -> Iterator[Lack]:
    for one in hosts:
        left = one.asked_us - min(one.seen_us, one.asked_us)
        if one.asked_us <= 0 or left < SMALL * one.asked_us:
            continue
        if one.seen_us == 0 and one.whole_periods_uj:
            what = "known for whole days or months only, as from a bill: no hour of it was measured"
        else:
            what = f"watched for {one.share:.0%} of the time; idle hours and what else ran are not known"
        yield Lack(
            kind="hours",
            where=f"host={one.host}",
            what=what,
            fix="a meter that runs all day: an exporter of this machine into `wattmark ledger listen`, or "
            "`wattmark import prometheus`",
            share=left / one.asked_us,
            hours=left / HOUR_US,
        )


def _without_factors(places: Sequence[PlaceSeen]) -> Iterator[Lack]:
    whole = sum(p.energy_uj for p in places)
    for place in places:
        if place.without_factor_uj:
            yield Lack(
                kind="intensity",
                where=_place(place),
                what="energy that met no grid intensity: its carbon is in no figure",
                fix="say the country or region of these runs, or give the zone a [[grid]] in ledger.toml; "
                "`wattmark grid zones` lists what is built in",
                share=place.without_factor_uj / whole,
                energy_uj=place.without_factor_uj,
            )
        if place.without_pue_uj:
            yield Lack(
                kind="pue",
                where=_place(place),
                what="node energy without a PUE: cooling and losses of the building are not in it",
                fix="`pue` of the [[site]] in ledger.toml, or `wattmark pue measure`; an office declares 1.0",
                share=place.without_pue_uj / whole,
                energy_uj=place.without_pue_uj,
            )


def _place(place: PlaceSeen) -> str:
    told = (f"zone={place.zone}" if place.zone else "", f"site={place.site}" if place.site else "")
    return ", ".join(filter(None, told)) or "zone=(not stated)"


def _shallow(stages: Sequence[StageSeen]) -> Iterator[Lack]:
    """What was measured, and not in full."""
    for one in stages:
        energy = one.energy_uj
        if energy and one.device_only_uj >= SMALL * energy:
            yield Lack(
                kind="boundary",
                where=one.where,
                what="read at device boundary only: the rest of those machines is not in it",
                fix="rest_of_node_watts under [measure], or a BMC: `wattmark doctor` on those machines",
                share=one.device_only_uj / energy,
                energy_uj=one.device_only_uj,
            )
        lasted = one.observed_us + one.gap_us
        if lasted and one.gap_us >= SMALL * lasted:
            yield Lack(
                kind="gap",
                where=one.where,
                what="time in which the meters gave no reading; it is estimated at grade D",
                fix="the runs' notes say why (`wattmark ledger show`); `wattmark check` finds usual mistakes",
                share=one.gap_us / lasted,
                hours=one.gap_us / HOUR_US,
            )
        if one.rank_coverage < 1:
            yield Lack(
                kind="ranks",
                where=one.where,
                what=f"jobs of which only {one.rank_coverage:.0%} of the ranks left evidence",
                fix="measure every rank: `wattmark measure` in front of each, or `track` in the script",
                share=1 - one.rank_coverage,
            )


def _weak(stages: Sequence[StageSeen]) -> Iterator[Lack]:
    """What is known less well than a total lets it look."""
    for one in stages:
        energy = one.energy_uj
        if not energy:
            continue
        weak = sum(uj for grade, uj in one.by_grade.items() if grade not in MEASURED)
        if weak >= SMALL * energy:
            yield Lack(
                kind="estimated",
                where=one.where,
                what="energy that is modelled or declared (grades D and E), not measured",
                fix="`wattmark doctor` on those machines says which meters would help",
                share=weak / energy,
                energy_uj=weak,
            )
        methods = {m: uj for m, uj in one.by_method.items() if uj >= SMALL * energy}
        if len(methods) > 1 and SMALL * energy <= weak <= (1 - SMALL) * energy:
            listed = ", ".join(f"{name} {uj / energy:.0%}" for name, uj in sorted(methods.items()))
            yield Lack(
                kind="mixed",
                where=one.where,
                what=f"known in several ways ({listed}): a change of the mix looks like a change of energy",
                fix="measure the same way throughout, or compare `wattmark ledger totals --by method` apart",
                share=weak / energy,
                energy_uj=weak,
            )
        if one.stage == "inference" and not one.units:
            yield Lack(
                kind="work",
                where=one.where,
                what="energy of serving without a count of what was served: no figure per request or token",
                fix="--work inferences=N, run.log(work=...), or import the server's own counters",
                share=1.0,
                energy_uj=energy,
            )
