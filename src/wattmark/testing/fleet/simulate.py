"""Lets a fleet work for some hours and writes down what its meters saw, and what is true."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from wattmark.core.known import Grade
from wattmark.core.run import Run, Status, Subject
from wattmark.core.telemetry import Samples, Stream
from wattmark.testing.fleet.machines import Machine, Stretch, Written, exporter_stream, run_of
from wattmark.testing.fleet.plan import (
    IDLE_GPU_WATTS,
    MINUTE,
    MS,
    PREPARATION,
    REST_WATTS,
    SECOND,
    WORKLOADS,
    Plan,
    Workload,
)
from wattmark.testing.fleet.truth import NOBODY, Key, Truth

CLOCK_STEP_US = 90 * SECOND
PODS = (
    ("search", "ranker", "inference"),
    ("vision", "detector", "inference"),
    ("language", "lm-7b", "evaluation"),
)


@dataclass(slots=True)
class Fleet:
    """Everything that a fleet's meters saw, and the truth."""

    plan: Plan
    runs: list[Run] = field(default_factory=list)
    stale: list[Run] = field(default_factory=list)
    """Earlier states of runs, which the final ones supersede."""
    samples: list[Samples] = field(default_factory=list)
    truth: Truth = field(default_factory=Truth)

    def add(self, run: Run) -> None:
        """A run that counts."""
        self.runs.append(run)
        self.truth.runs += 1


def simulate(plan: Plan) -> Fleet:
    """The same plan gives the same fleet."""
    fleet = Fleet(plan)
    kinds = (
        ("train", plan.training_hosts, plan.gpus, _training_host),
        ("serve", plan.serving_hosts, plan.gpus, _serving_host),
        ("pods", plan.pod_hosts, 0, _pod_host),
        ("prep", plan.preparation_hosts, 0, _preparation_host),
    )
    number = 0
    for kind, count, gpus, work in kinds:
        for index in range(count):
            rng = random.Random(f"{plan.seed}/{kind}/{index}")
            zone = plan.zones[number % len(plan.zones)]
            number += 1
            work(
                fleet,
                Machine(id=f"sim-{kind}-{index:04d}", zone=zone, gpus=gpus, start_us=plan.start_us),
                rng,
            )
    return fleet


def _jobs(plan: Plan, rng: random.Random, loads: tuple[Workload, ...]) -> list[tuple[Workload, int, int]]:
    """Jobs one after the other, with pauses; times in whole milliseconds."""
    found: list[tuple[Workload, int, int]] = []
    at = plan.start_us + rng.randrange(5 * MINUTE // MS) * MS
    while True:
        load = rng.choice(loads)
        end = at + rng.randrange(20 * MINUTE // MS, 150 * MINUTE // MS) * MS
        if end >= plan.end_us:
            return found
        found.append((load, at, end))
        at = end + rng.randrange(3 * MINUTE // MS, 30 * MINUTE // MS) * MS


def _stretches(
    rng: random.Random, start: int, end: int, watts_of: dict[str, tuple[int, int]]
) -> list[Stretch]:
    """A job's course: stretches of one to ten minutes, each at constant powers."""
    found, at = [], start
    while at < end:
        until = min(end, at + rng.randrange(MINUTE // MS, 10 * MINUTE // MS) * MS)
        pause = 0.4 if rng.random() < 0.1 else 1.0  # a checkpoint is written: the GPUs wait
        watts = {d: max(1, int(rng.randint(*band) * pause)) for d, band in watts_of.items()}
        found.append(Stretch(start_us=at, end_us=until, watts=watts))
        at = until
    return found


def _training_host(fleet: Fleet, machine: Machine, rng: random.Random) -> None:
    jobs = _jobs(fleet.plan, rng, WORKLOADS)
    _step_the_clock(fleet.plan, machine, jobs, rng)
    for number, (load, start, end) in enumerate(jobs):
        devices = {machine.gpu(i): load.watts for i in range(machine.gpus)} | {machine.cpu: (90, 220)}
        course = []
        for s in _stretches(rng, start, end, devices):
            s.watts[machine.node] = sum(s.watts.values()) + rng.randint(*REST_WATTS)
            course.append(s)
        fault = rng.choice(("", "", "ranks", "gap", "killed", "watched")) if fleet.plan.faults else ""
        _write(fleet, machine, load, course, f"{machine.id}/{number}", fault, rng)


def _serving_host(fleet: Fleet, machine: Machine, rng: random.Random) -> None:
    jobs = _jobs(fleet.plan, rng, WORKLOADS)
    readings = _exporter(fleet, machine, rng, jobs)
    _step_the_clock(fleet.plan, machine, jobs, rng)
    for number, (load, start, end) in enumerate(jobs):
        devices = {machine.gpu(i): load.watts for i in range(machine.gpus)}
        course = _stretches(rng, start, end, devices)
        fault = rng.choice(("", "", "ranks", "gap", "watched")) if fleet.plan.faults else ""
        written = _write(fleet, machine, load, course, f"{machine.id}/{number}", fault, rng)
        for s in written:  # what the job could not read, the exporter did; the energy is the job's
            if s.gap is not None:
                for device in s.blind:
                    key = Key(load.team, load.model, load.stage)
                    fleet.truth.device(key, readings[device].between(*s.gap))
                    fleet.truth.gap_us[key] -= s.gap[1] - s.gap[0]
    for device in (machine.gpu(i) for i in range(machine.gpus)):
        idle = readings[device].between(fleet.plan.start_us, fleet.plan.end_us)
        busy = sum(readings[device].between(start, end) for _, start, end in jobs)
        fleet.truth.device(NOBODY, idle - busy)


@dataclass(frozen=True, slots=True)
class _Readings:
    """An exporter's samples of one device: whole watts per sample, None where it was not read."""

    start_us: int
    step_us: int
    watts: list[int | None]

    def between(self, start_us: int, end_us: int) -> int:
        """Microjoules that it says were used between two moments."""
        first = (start_us - self.start_us) // self.step_us
        total, at = 0, start_us
        for index in range(first, len(self.watts)):
            if at >= end_us:
                break
            until = min(end_us, self.start_us + (index + 1) * self.step_us)
            total += (self.watts[index] or 0) * (until - at)
            at = until
        return total


def _exporter(
    fleet: Fleet, machine: Machine, rng: random.Random, jobs: list[tuple[Workload, int, int]]
) -> dict[str, _Readings]:
    plan, step = fleet.plan, fleet.plan.sample_seconds * SECOND
    count = (plan.end_us - plan.start_us) // step
    found = {}
    for device in (machine.gpu(i) for i in range(machine.gpus)):
        watts: list[int | None] = [rng.randint(*IDLE_GPU_WATTS) for _ in range(count)]
        if plan.faults:
            for index in rng.sample(range(count), min(3, count)):
                start, end = plan.start_us + index * step, plan.start_us + (index + 1) * step
                if all(end <= s or start >= e for _, s, e in jobs):
                    watts[index] = None
                    fleet.truth.gap_us[NOBODY] += step
        found[device] = _Readings(plan.start_us, step, watts)
        fleet.samples.append(_samples(plan, exporter_stream(machine, device), watts))
    return found


def _samples(plan: Plan, stream: Stream, watts: list[int | None]) -> Samples:
    step = plan.sample_seconds * SECOND
    starts = [plan.start_us + i * step for i in range(len(watts))]
    return Samples(
        stream=stream,
        start_us=starts,
        end_us=[s + step for s in starts],
        energy_uj=[(w or 0) * step for w in watts],
        observed=[w is not None for w in watts],
    )


def _pod_host(fleet: Fleet, machine: Machine, rng: random.Random) -> None:
    """The whole of a CPU package and the shares of the pods on it; what no pod used is nobody's."""
    plan, step = fleet.plan, fleet.plan.sample_seconds * SECOND
    count = (plan.end_us - plan.start_us) // step
    whole = [rng.randint(120, 240) for _ in range(count)]
    rest = list(whole)
    for team, model, stage in PODS:
        share = [rng.randint(5, 30) for _ in range(count)]
        rest = [r - s for r, s in zip(rest, share, strict=True)]
        subject = Subject(team=team, model=model, stage=stage, zone=machine.zone)
        stream = exporter_stream(machine, machine.cpu, subject=subject, share=True)
        fleet.samples.append(_samples(plan, stream, list(share)))
        fleet.truth.device(Key(team, model, stage), sum(share) * step)
    fleet.samples.append(_samples(plan, exporter_stream(machine, machine.cpu), list(whole)))
    fleet.truth.device(NOBODY, sum(rest) * step)


def _preparation_host(fleet: Fleet, machine: Machine, rng: random.Random) -> None:
    """Jobs that know their share; now and then two at once, and then each counts its share only."""
    plan = fleet.plan
    jobs = _jobs(plan, rng, PREPARATION)
    _step_the_clock(plan, machine, jobs, rng)
    for number, (load, start, end) in enumerate(jobs):
        course = _stretches(rng, start, end, {machine.cpu: load.watts})
        for s in course:
            s.own[machine.cpu] = s.watts[machine.cpu] * rng.randint(55, 90) // 100
        name = f"{machine.id}/{number}"
        guest = course[len(course) // 3 : 2 * len(course) // 3] if plan.faults and rng.random() < 0.4 else []
        shared = {s.start_us for s in guest}
        other = PREPARATION[(PREPARATION.index(load) + 1) % len(PREPARATION)]
        for s in course:
            lasted, watts, own = s.end_us - s.start_us, s.watts[machine.cpu], s.own[machine.cpu]
            key = Key(load.team, load.model, load.stage)
            if s.start_us not in shared:
                fleet.truth.device(key, watts * lasted)
                continue
            theirs = (watts - own) // 2
            fleet.truth.device(key, own * lasted)
            fleet.truth.device(Key(other.team, other.model, other.stage), theirs * lasted)
            fleet.truth.device(NOBODY, (watts - own - theirs) * lasted)
        _emit(fleet, machine, load, course, Written(name=name))
        if guest:
            seen = [
                Stretch(
                    start_us=s.start_us,
                    end_us=s.end_us,
                    watts=s.watts,
                    own={machine.cpu: (s.watts[machine.cpu] - s.own[machine.cpu]) // 2},
                )
                for s in guest
            ]
            _emit(fleet, machine, other, seen, Written(name=f"{name}/guest"))


def _step_the_clock(
    plan: Plan, machine: Machine, jobs: list[tuple[Workload, int, int]], rng: random.Random
) -> None:
    """During one job a machine's wall clock may be wrong, until it is set again; the monotonic one never."""
    if plan.faults and len(jobs) > 5 and rng.random() < 0.7:
        wrong = rng.choice((-1, 1)) * CLOCK_STEP_US
        machine.steps.extend([(jobs[1][1], wrong), (jobs[2][1], -wrong)])


def _write(
    fleet: Fleet,
    machine: Machine,
    load: Workload,
    course: list[Stretch],
    name: str,
    fault: str,
    rng: random.Random,
) -> list[Stretch]:
    """A job's runs, with what went wrong, and what is true of it; gives the course as it was observed."""
    start, end = course[0].start_us, course[-1].end_us
    match fault:
        case "ranks":
            sides = ((0, start, end), (1, start + 1500 * MS, end - 500 * MS))
            for rank, left, right in sides:
                seen = [part for s in course if (part := s.cut(left, right)) is not None]
                written = Written(name=f"{name}/{rank}", parent=f"job-{name}", rank=rank, world_size=2)
                _emit(fleet, machine, load, seen, written)
        case "killed":
            middle = len(course) // 2
            before, after = course[:middle], course[middle + 1 :]  # between them nobody looked
            if before:
                written = Written(name=f"{name}/1", status=Status.INTERRUPTED, seq=4, solution=name)
                _emit(fleet, machine, load, before, written)
            if after:
                _emit(fleet, machine, load, after, Written(name=f"{name}/2", solution=name))
            course = before + after
        case "gap":
            blind = (machine.node,) if machine.node in course[0].watts else (machine.gpu(0),)
            index = rng.randrange(len(course))
            s = course[index]
            third = (s.end_us - s.start_us) // 3 // MS * MS
            hole = (s.start_us + third, s.start_us + 2 * third)
            if third > 0:
                course[index] = Stretch(
                    start_us=s.start_us, end_us=s.end_us, watts=s.watts, gap=hole, blind=blind
                )
            _emit(fleet, machine, load, course, Written(name=name))
        case _:
            _emit(fleet, machine, load, course, Written(name=name))
    if fault == "watched":
        _notebook(fleet, machine, course, name)
    _count(fleet, machine, load, course)
    return course


def _emit(fleet: Fleet, machine: Machine, load: Workload, course: list[Stretch], written: Written) -> None:
    """A run, the work it did, and perhaps an earlier state of it."""
    minutes = sum(s.end_us - s.start_us for s in course) // MINUTE
    done = float(load.per_minute * minutes)
    whole = replace(written, counted=done)
    fleet.add(run_of(machine, load, course, whole))
    if done:
        fleet.truth.work[Key(load.team, load.model, load.stage), load.unit] += done
    if len(course) > 1 and fleet.plan.faults:
        early = replace(whole, status=Status.OPEN, seq=0, counted=1.0)
        fleet.stale.append(run_of(machine, load, course[:1], early))


def _notebook(fleet: Fleet, machine: Machine, course: list[Stretch], name: str) -> None:
    """Somebody else watches one GPU meanwhile, less well: it is not counted again."""
    watched = machine.gpu(0)
    seen = [
        Stretch(start_us=s.start_us, end_us=s.end_us, watts={watched: s.watts[watched] + 7})
        for s in course[len(course) // 4 : len(course) // 2 + 1]
    ]
    other = Workload(
        team="guests", model="notebook", stage="evaluation", watts=(0, 0), unit="samples", per_minute=0
    )
    fleet.add(run_of(machine, other, seen, Written(name=f"{name}/notebook", grade=Grade.C)))


def _count(fleet: Fleet, machine: Machine, load: Workload, course: list[Stretch]) -> None:
    key, truth = Key(load.team, load.model, load.stage), fleet.truth
    for s in course:
        for device, watts in s.watts.items():
            blind = s.gap[1] - s.gap[0] if s.gap and device in s.blind else 0
            used = watts * (s.end_us - s.start_us - blind)
            if device == machine.node:
                truth.node_uj[key] += used
                truth.gap_us[key] += blind
            else:
                truth.device(key, used, inside_node=machine.node in s.watts)
                truth.gap_us[key] += blind
