"""A portfolio of years that does not exist: own sites, cloud regions, contracts, statements, and the truth.

Machines draw whole watts for whole hours, so that every energy is a whole number of joules. All factors are
made up, stated in the scenario's own ``ledger.toml``, and of the order of real ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from wattmark.core.errors import UsageError
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.run import (
    EnergyRow,
    Host,
    Place,
    Run,
    SourceId,
    Statement,
    Status,
    Subject,
    Work,
)
from wattmark.hashing import sha256

JOULES_PER_KWH = 3_600_000
GAIN = 0.02
"""Relative error of every simulated meter."""
STATED = 0.9
"""What the simulated providers state, of what their regions really caused."""
RESIDUAL = 480.0
CONTRACT = 0.0
"""gCO2e/kWh of the residual mix, and of what the power purchase contract brings."""
DEVICES = "devices.csv"
CONTRACT_SHARE = 0.25
"""Contracted electricity, of the load of a year, in whole kilowatt-hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A site of our own, or a region of a cloud."""

    site: str
    country: str
    pue: float
    direct: float
    """gCO2e/kWh of generation, location-based."""
    lifecycle: float
    """With what lies upstream."""
    provider: str = ""
    """Cloud: aws, google; empty: our own."""

    @property
    def inventory(self) -> str:
        """Where its carbon belongs."""
        return "scope 3.1" if self.provider else "scope 2"

    def factor(self, basis: str) -> float:
        """gCO2e/kWh, direct or lifecycle."""
        return self.direct if basis == "direct" else self.lifecycle


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What runs every day at one location."""

    team: str
    model: str
    stage: str
    at: Location
    watts: int
    hours: int
    unit: str
    per_hour: int


PARIS = Location(site="paris", country="FRA", pue=1.25, direct=30.0, lifecycle=44.0)
MUNICH = Location(site="munich", country="DEU", pue=1.5, direct=340.0, lifecycle=380.0)
EAST = Location(site="us-east-1", country="USA", pue=1.2, direct=350.0, lifecycle=400.0, provider="aws")
CENTRAL = Location(
    site="us-central1", country="USA", pue=1.1, direct=420.0, lifecycle=480.0, provider="google"
)
LOCATIONS = (PARIS, MUNICH, EAST, CENTRAL)
JOBS = (
    Job(
        team="language",
        model="lm-7b",
        stage="training",
        at=PARIS,
        watts=9000,
        hours=20,
        unit="samples",
        per_hour=40000,
    ),
    Job(
        team="vision",
        model="detector",
        stage="inference",
        at=MUNICH,
        watts=4000,
        hours=24,
        unit="inferences",
        per_hour=90000,
    ),
    Job(
        team="search",
        model="ranker",
        stage="inference",
        at=EAST,
        watts=6000,
        hours=24,
        unit="inferences",
        per_hour=250000,
    ),
    Job(
        team="search",
        model="ranker",
        stage="fine_tuning",
        at=CENTRAL,
        watts=8000,
        hours=6,
        unit="samples",
        per_hour=20000,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioPlan:
    """Which years, how much of each, and how much less from year to year. Raises UsageError."""

    years: tuple[int, ...] = (2025, 2026)
    days: int = 365
    """From the first of January of each year."""
    less: int = 8
    """Percent that the power goes down from one year to the next."""

    def __post_init__(self) -> None:
        if not self.years or not 1 <= self.days <= 365 or not 0 <= self.less < 50:
            raise UsageError("a portfolio needs years, 1 to 365 days of each, and 0 to 49 percent less")


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """A server that was bought for an own site."""

    year: int
    """The first of the plan's years is 0."""
    site: str
    host: str
    kg: float


PURCHASES = (
    Purchase(year=0, site="paris", host="sim-paris-training", kg=5000.0),
    Purchase(year=0, site="munich", host="sim-munich-inference", kg=2500.0),
    Purchase(year=1, site="munich", host="sim-munich-spare", kg=1500.0),
)
"""Hardware of own sites, each bought on the first of January."""


@dataclass(slots=True)
class YearTruth:
    """What an inventory of one year must say; carbon in grams."""

    joules: dict[str, int] = field(default_factory=dict)
    """By site, as the machines used it."""
    by_team: dict[str, int] = field(default_factory=dict)
    work: dict[str, float] = field(default_factory=dict)
    scope32: float = 0.0
    """Embodied carbon of what was bought."""

    @property
    def energy_joules(self) -> int:
        """Of all machines."""
        return sum(self.joules.values())

    @property
    def facility_joules(self) -> float:
        """With the buildings around them."""
        return sum(self.joules.get(at.site, 0) * at.pue for at in LOCATIONS)

    def _grams(self, inventory: str, basis: str) -> float:
        return sum(
            self.joules.get(at.site, 0) / JOULES_PER_KWH * at.pue * at.factor(basis)
            for at in LOCATIONS
            if at.inventory == inventory
        )

    @property
    def scope2_location(self) -> float:
        """Direct factors of the grid where it was used."""
        return self._grams("scope 2", "direct")

    @property
    def load_kwh(self) -> float:
        """Electricity bought for our own sites."""
        own = (at for at in LOCATIONS if not at.provider)
        return sum(self.joules.get(at.site, 0) / JOULES_PER_KWH * at.pue for at in own)

    @property
    def contract_kwh(self) -> int:
        """What the contract delivered."""
        return int(self.load_kwh * CONTRACT_SHARE)

    @property
    def scope2_market(self) -> float:
        """The contract first, the residual mix for the rest."""
        return self.contract_kwh * CONTRACT + (self.load_kwh - self.contract_kwh) * RESIDUAL

    @property
    def scope31(self) -> float:
        """Cloud regions, lifecycle factors."""
        return self._grams("scope 3.1", "lifecycle")

    @property
    def scope31_stated(self) -> float:
        """What their providers state."""
        return self.scope31 * STATED

    @property
    def scope33(self) -> float:
        """Upstream of the electricity of our own sites."""
        return self._grams("scope 2", "lifecycle") - self._grams("scope 2", "direct")


@dataclass(slots=True)
class PortfolioFleet:
    """Everything that is brought to the ledger, its settings, and the truth by year."""

    plan: PortfolioPlan
    runs: list[Run] = field(default_factory=list)
    truth: dict[int, YearTruth] = field(default_factory=dict)

    def settings(self) -> str:
        """The scenario's ``ledger.toml``."""
        hardware = f'[[embodied]]\ninventory = "{DEVICES}"\n'
        return "\n".join((_HEAD, *_places(), *_bought(self.truth), hardware, *_targets(self.plan)))

    def devices(self) -> str:
        """The CSV of hardware that lies beside it."""
        lines = ["name,component,host,purchased,lifespan_years,total_kg,site,relative_error,source"]
        for at, one in enumerate(PURCHASES):
            if one.year < len(self.plan.years):
                day = f"{self.plan.years[one.year]}-01-01"
                lines.append(f"server {at},machine,{one.host},{day},5,{one.kg},{one.site},0.3,simulated")
        return "\n".join(lines) + "\n"


def simulate_portfolio(plan: PortfolioPlan) -> PortfolioFleet:
    """The same plan gives the same portfolio."""
    fleet = PortfolioFleet(plan)
    for number, year in enumerate(plan.years):
        bought = sum(p.kg * 1000 for p in PURCHASES if p.year == number)
        truth = fleet.truth[year] = YearTruth(scope32=bought)
        percent = (100 - plan.less) ** number
        for at in range(plan.days):
            day = date(year, 1, 1) + timedelta(days=at)
            for job in JOBS:
                watts = (job.watts + 20 * (at % 7)) * percent // 100**number
                fleet.runs.append(run_of_day(job, day, watts))
                _count(truth, job, watts)
        fleet.runs += _statements(plan, year, truth)
    return fleet


def _count(truth: YearTruth, job: Job, watts: int) -> None:
    joules = watts * job.hours * 3600
    truth.joules[job.at.site] = truth.joules.get(job.at.site, 0) + joules
    truth.by_team[job.team] = truth.by_team.get(job.team, 0) + joules
    truth.work[job.unit] = truth.work.get(job.unit, 0.0) + job.per_hour * job.hours


def run_of_day(job: Job, day: date, watts: int) -> Run:
    """What a job used on one day, at constant power."""
    host = f"sim-{job.at.site}-{job.stage}"
    seconds = job.hours * 3600.0
    monotonic = (day - date(2025, 1, 1)).days * 86_400.0 + 1e6
    return Run(
        record_id=_uuid(f"{host}/{day}"),
        status=Status.CLOSED,
        started_at=f"{day}T00:00:00.000000Z",
        started_monotonic_seconds=monotonic,
        duration_seconds=seconds,
        host=Host(id=host, fingerprint=f"{host}-1", boot_id=f"{host}-boot"),
        subject=Subject(
            team=job.team,
            model=job.model,
            stage=job.stage,
            region=job.at.site if job.at.provider else None,
        ),
        energies=(
            EnergyRow(
                device_id=f"node:{host}",
                component="node",
                t0_seconds=0.0,
                duration_seconds=seconds,
                energy_joules=watts * seconds,
                observed_seconds=seconds,
                method=Method.WALL_METER,
                boundary=Boundary.NODE,
                grade=Grade.A,
                errors={f"pdu:{host}:gain": GAIN},
                source=SourceId(name="pdu", version="simulated"),
                idle_watts=200.0,
                max_watts=20_000.0,
            ),
        ),
        work=(Work(unit=job.unit, count=float(job.per_hour * job.hours), duration_seconds=seconds),),
        place=Place(country=job.at.country, site=job.at.site),
        environment={"wattmark": "simulated"},
    )


def _statements(plan: PortfolioPlan, year: int, truth: YearTruth) -> Iterator[Run]:
    """One record for each cloud region and month, its share of the year by days."""
    for at in LOCATIONS:
        if not at.provider:
            continue
        kwh = truth.joules[at.site] / JOULES_PER_KWH
        grams = kwh * at.pue * at.lifecycle * STATED
        for month, days in _months(year, plan.days):
            yield _stated(at, month, grams * days / plan.days)


def _months(year: int, days: int) -> Iterator[tuple[date, int]]:
    end = date(year, 1, 1) + timedelta(days=days)
    first = date(year, 1, 1)
    while first < end:
        after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        yield first, (min(after, end) - first).days
        first = after


def _stated(at: Location, month: date, grams: float) -> Run:
    after = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return Run(
        record_id=_uuid(f"stated/{at.provider}/{at.site}/{month}"),
        status=Status.CLOSED,
        started_at=f"{month}T00:00:00.000000Z",
        duration_seconds=(after - month).days * 86_400.0,
        host=Host(id=f"{at.provider}-statements", fingerprint="none"),
        subject=Subject(
            team="search",
            region=at.site,
            labels={"cloud.provider": at.provider, "cloud.service": "compute"},
        ),
        statements=(
            Statement(
                quantity="emissions",
                value=grams / 1000,
                unit="kgCO2e",
                accounting="location",
                scopes=("scope 1", "scope 2", "scope 3"),
                basis="lifecycle",
                period=f"{month:%Y-%m}",
                provider_model_version="1",
            ),
        ),
        environment={"wattmark": "simulated"},
    )


_HEAD = """# A portfolio that does not exist: every figure here is made up.
format = 1
name = "Simulated portfolio"
time_zone = "UTC"
"""


def _places() -> Iterator[str]:
    for at in LOCATIONS:
        yield f'[[site]]\nname = "{at.site}"\npue = {at.pue}\nrelative_error = 0.02\nsource = "simulated"\n'
        zone = at.site if at.provider else at.country
        for basis, grams in (("direct", at.direct), ("lifecycle", at.lifecycle)):
            yield (
                f'[[grid]]\nzone = "{zone}"\ngrams_per_kwh = {grams}\nbasis = "{basis}"\n'
                f'inventory = "{at.inventory}"\nsource = "simulated {basis}"\nyear = 2025\n'
                "relative_error = 0.05\n"
            )


def _bought(truth: Mapping[int, YearTruth]) -> Iterator[str]:
    for year, told in truth.items():
        yield (
            f'[[instrument]]\nid = "ppa-{year}"\nkind = "ppa"\nmarket = "EU"\nvintage = {year}\n'
            f'kwh = {told.contract_kwh}\ngrams_per_kwh = {CONTRACT}\nrenewable = true\nsource = "simulated"\n'
        )
        yield (
            f'[[residual_mix]]\nmarket = "EU"\nyear = {year}\ngrams_per_kwh = {RESIDUAL}\n'
            'source = "simulated residual mix"\nrelative_error = 0.05\n'
        )


def _targets(plan: PortfolioPlan) -> Iterator[str]:
    first, last = plan.years[0], plan.years[-1]
    if first == last:
        return
    for name, what, reduction in (("less-energy", "energy", 0.05), ("less-carbon", "scope2_market", 0.20)):
        yield (
            f'[[target]]\nname = "{name}"\nwhat = "{what}"\nperiod = "{last}"\nreduction = {reduction}\n'
            f'baseline = "fy{first}"\n'
        )


def _uuid(name: str) -> str:
    digits = sha256(name.encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"
