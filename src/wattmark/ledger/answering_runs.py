"""From the rows that an engine gives back to the groups of a question: work, runs, reserved time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wattmark.core.facts import Operations, WorkDone
from wattmark.core.parts import RunsOf
from wattmark.core.reserved import Reserved
from wattmark.core.run import Quality
from wattmark.core.serving.utilisation import BUSY
from wattmark.ledger.answering import Asked, Found, Key
from wattmark.ledger.asking import filters
from wattmark.ledger.asking_times import bucket_sql
from wattmark.ledger.columns import TEXT
from wattmark.ledger.engine import query
from wattmark.ledger.factors import MACHINE, EmbodiedShare
from wattmark.ledger.question import COUNTED, COUNTED_KEYS

MICRO = 1e6
HOUR_US = 3.6e9
COMPONENTS = frozenset(
    ("cpu", "gpu", "dram", "network", "storage", "rest_of_node", "node", "module", "psys", "tpu", "npu")
)
"""Names of embodied carbon that hold for each device of a kind; every other name is one device's id."""


def add_work(asked: Asked, groups: dict[Key, Found], whole: Found) -> None:
    """Work of every group. The machine is not known of work: by host there is none."""
    question = asked.question
    if "host" in {*question.by, *question.where}:
        return
    by_run = "run" in question.by
    text = query(
        "work",
        keys=", w.record_id" if by_run else "",
        outer_keys=", d.record_id" if by_run else "",
        filters=filters(asked.engine, question, "w.", energy=False),
    )
    for tags, spot, period, subject, *rest in asked.engine.rows(text):
        others = {"run": rest.pop(0)} if by_run else {}
        unit, precision, count, failed, stated = rest
        if unit == BUSY:  # how busy a device was is nobody's work: `ledger utilisation` reads it
            continue
        done = WorkDone(
            unit=unit,
            count=float(count),
            failed=float(failed or 0.0),
            declared=bool(stated),
            precision=precision or None,
            stage=asked.subjects.subjects[int(subject)][1],
        )
        key = int(period), asked.values(int(tags), int(spot), others)
        groups.setdefault(key, Found()).work.append(done)
        whole.work.append(done)


def add_runs(asked: Asked, groups: dict[Key, Found], whole: Found) -> None:
    """What the runs of every group were, and the latest of their qualities; once by group, once for all."""
    question = asked.question
    where = filters(asked.engine, question, "r.", energy=False, moment="start_us")
    if "host" in question.where:
        where += " AND r.host_id IN (SELECT value FROM wanted_host)"
    host = "r.host_id" if "host" in question.by else "''"
    run = "r.record_id" if "run" in question.by else "''"
    asked.engine.keep("asked_runs", query("asked_runs", host=host, run=run, filters=where))
    for key, found in _read_runs(asked):
        groups.setdefault(key, Found()).runs = found
    for key, quality in _read_quality(asked):
        groups.setdefault(key, Found()).quality[quality.name] = quality
    columns = "record_id, host_id, attempt, status, failed, start_us, end_us, folded_us, own_cpu_seconds"
    asked.engine.keep(
        "all_runs",
        "SELECT 0 AS tags, 0 AS spot, 0 AS period, '' AS host, '' AS run, "
        f"{columns}, workload_cpu_seconds, declared_rows, figures FROM asked_runs",
    )
    for _, found in _read_runs(asked, "all_runs"):
        whole.runs = found
    for _, quality in _read_quality(asked, "all_runs"):
        whole.quality[quality.name] = quality


def _key(asked: Asked, tags: int, spot: int, period: int, host: str, run: str) -> Key:
    return int(period), asked.values(int(tags), int(spot), {"host": host, "run": run})


def _read_runs(asked: Asked, table: str = "asked_runs") -> Iterator[tuple[Key, RunsOf]]:
    for row in asked.engine.rows(query("runs", runs_of=table)):
        count, attempts, failed, still_open, interrupted = map(int, row[5:10])
        lasted, machines, own, own_told, workload, workload_told, declared, figures, latency = row[10:19]
        operations = Operations(
            latency_p95_seconds=None if latency is None else max(0.0, int(latency) / MICRO),
            own_cpu_seconds=float(own) if own_told == count else None,
            workload_cpu_seconds=float(workload) if workload_told == count else None,
            declared_share=int(declared) / int(figures) if figures else None,
        )
        yield (
            _key(asked, *row[:5]) if table == "asked_runs" else (0, ()),
            RunsOf(
                runs=count,
                attempts=attempts,
                failed=failed,
                open=still_open,
                interrupted=interrupted,
                duration_seconds=int(lasted) / MICRO,
                machine_hours=int(machines) / HOUR_US,
                rank_coverage=float(row[19]),
                operations=operations,
            ),
        )


def _read_quality(asked: Asked, table: str = "asked_runs") -> Iterator[tuple[Key, Quality]]:
    for *key, name, value, higher in asked.engine.rows(query("quality", runs_of=table)):
        quality = Quality(name=name, value=float(value), higher_is_better=bool(higher))
        yield _key(asked, *key) if table == "asked_runs" else (0, ()), quality


def add_reserved(
    asked: Asked, shares: tuple[EmbodiedShare, ...], groups: dict[Key, Found], whole: Found
) -> None:
    """Hours for which the devices of each group were reserved, read or not."""
    machine = next((share for share in shares if share.name == MACHINE), None)
    for found in (whole, *groups.values()):
        found.reserved = []
        if machine is not None and found.runs.machine_hours > 0:
            found.reserved.append(_hours(machine, found.runs.machine_hours))
    components = {share.name: share for share in shares if share.name in COMPONENTS}
    devices = {s.name: s for s in shares if s.name not in COMPONENTS and s is not machine}
    for column, named in (("component", components), ("device_id", devices)):
        if named:
            _reserved_by(asked, column, named, groups, whole)


def _reserved_by(
    asked: Asked,
    column: str,
    named: Mapping[str, EmbodiedShare],
    groups: dict[Key, Found],
    whole: Found,
) -> None:
    question, engine = asked.question, asked.engine
    source = question.table if column == "component" else COUNTED
    if source != question.table:
        engine.attach(source, asked.snapshot)
    extra = [COUNTED_KEYS[key] for key in question.extra]
    engine.put("asked_embodied", {"name": TEXT}, ((name,) for name in named))
    text = query(
        "reserved",
        source=source,
        bucket=bucket_sql(asked.granule, "c."),
        column=column,
        keys="".join(f", c.{key}" for key in extra),
        outer_keys="".join(f", x.{key}" for key in extra),
        filters=filters(engine, question, "c."),
    )
    hours: dict[str, float] = {}
    shared: dict[str, float] = {}
    for tags, spot, period, *values, name, reserved_us, shared_us in engine.rows(text):
        key = int(period), asked.values(int(tags), int(spot), dict(zip(question.extra, values, strict=True)))
        found = groups.get(key)
        if found is not None and found.reserved is not None and reserved_us:
            found.reserved.append(_hours(named[name], int(reserved_us) / HOUR_US))
        hours[name] = hours.get(name, 0.0) + int(reserved_us) / HOUR_US
        shared[name] = shared.get(name, 0.0) + int(shared_us) / HOUR_US
        if shared_us and found is not None:
            found.notes.append(_shared_note(name, int(shared_us) / HOUR_US))
    if whole.reserved is not None:
        whole.reserved.extend(_hours(named[name], total) for name, total in hours.items() if total)
    whole.notes.extend(_shared_note(name, total) for name, total in shared.items() if total)


def _shared_note(name: str, hours: float) -> str:
    return (
        f"{hours:.3g} h of shared {name} carry no embodied carbon here: "
        "how much of them was reserved for whom is not known"
    )


def _hours(share: EmbodiedShare, hours: float) -> Reserved:
    return Reserved(
        name=share.name,
        total_grams=share.total_grams,
        lifespan_hours=share.lifespan_hours,
        hours=hours,
        reserved_share=share.reserved_share,
        relative_error=share.relative_error,
        source=share.source,
        mode=share.mode,
        utilisation=share.utilisation,
    )
