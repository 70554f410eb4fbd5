"""Whatever a file holds, its door answers with a value that is sound or with an error that names the file."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import a_row, a_run
from wattmark.config import load_config
from wattmark.core.errors import WattmarkError
from wattmark.core.kpis import CATALOG
from wattmark.core.run import (
    Dataset,
    GapSpan,
    Place,
    Quality,
    Run,
    Series,
    Statement,
    Utilisation,
    Window,
    Work,
)
from wattmark.ledger.baselinefile import evidence_hash, is_baseline_file, read_baselines, write_baselines
from wattmark.ledger.policyfile import read_policy
from wattmark.ledger.rubricfile import read_rubric
from wattmark.ledger.runfile import read_run
from wattmark.wiring import Stated, facts_for
from wattmark.wiring import load_config as config_of
from wattmark.wiring.decisions import new_baseline

RUN = a_run(
    rank=0,
    world_size=2,
    windows=(
        Window(id=1, name="a", stage="training", t0_seconds=0.0, duration_seconds=5.0),
        Window(id=2, parent=1, name="b", t0_seconds=1.0, duration_seconds=2.0),
    ),
    energies=(
        a_row(
            observed_seconds=9.0,
            gaps=(GapSpan(t0_seconds=2.0, duration_seconds=1.0, reason="lost"),),
            idle_watts=5.0,
        ),
    ),
    work=(Work(unit="inferences", count=100.0, failed=1.0, window=1), Work(unit="flop", count=1e12)),
    quality=(Quality(name="accuracy", value=0.9),),
    dataset=Dataset(name="d", rows=10, total_bytes=100, unique_bytes=90),
    place=Place(
        country="FRA",
        pue=1.2,
        utilisation=(Utilisation(component="cpu", signal="cpu_busy_time", mean=0.5, windows_300s=(0.5,)),),
        others_share=0.1,
    ),
    statements=(Statement(quantity="cost", value=1.0, unit="EUR"),),
    series=(Series(device_id="d", component="cpu", t_seconds=(0.0, 10.0), energy_joules=(0.0, 90.0)),),
)
DOCUMENT: dict[str, Any] = json.loads(msgspec.json.encode(RUN))
ODD = (
    *(0, -1, -0.5, 1e308, 1e-320, 5e-324, 10**30, 2**63, -(2**63), 1.0000001, 1e18, 1e-9, math.pi),
    *(True, False, None, "", "x", "1", "NaN", "\x00", "\u202eabc", "A" * 5000, "2026-13-45T99:99:99Z"),
    *([], {}, [1], {"a": 1}, [[]], [None], {"": {}}),
)
TOML = (
    *("nan", "inf", "-inf", "1e309", "9" * 400, "9" * 5000, "-1", "0", "1.5", "1e30", "true"),
    *('""', '"x"', "[]", "[[]]", "[1]", "{}", "{a = 1}", "2026-01-01", "[" * 3000, "'''"),
)


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document."""
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*at, key))


def changed(document: Any, at: tuple[Any, ...], value: Any) -> Any:
    """The document with something else in one place."""
    if not at:
        return value
    document = copy.deepcopy(document)
    inner = document
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = value
    return document


def answer(read: Callable[[Path], Any], path: Path) -> Any:
    """What a door gives, or None for a refusal that names the file; anything else comes through."""
    try:
        return read(path)
    except WattmarkError as error:
        assert path.name in str(error)  # noqa: PT017 - every refusal is looked at
        return None


def every_answer_is_finite(run: Run) -> None:
    """No KPI of a run that was accepted is infinite, not a number, or a crash."""
    try:
        facts = facts_for([run], config_of(Path("/"), {}), Stated(world_average=True))
    except WattmarkError:
        return
    for kpi in CATALOG.values():
        said = kpi.of(facts)
        value = getattr(said, "value", 0.0)
        assert math.isfinite(value), kpi.id
        assert value >= 0 or kpi.id == "model_efficiency_ratio", kpi.id


fuzzing = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(
    st.lists(st.tuples(st.sampled_from(list(places(DOCUMENT))), st.sampled_from(ODD)), min_size=1, max_size=2)
)
@fuzzing
def test_a_run_file_with_something_odd_in_it(tmp_path: Path, changes: list[tuple[Any, Any]]) -> None:
    """Refused with its name, or every KPI of it is a finite number or says what is missing."""
    document: Any = DOCUMENT
    for at, value in changes:
        try:
            document = changed(document, at, value)
        except (KeyError, IndexError, TypeError):
            continue  # the first change took that place away
    path = tmp_path / "odd.run.json"
    path.write_text(json.dumps(document))
    run = answer(read_run, path)
    if run is not None:
        every_answer_is_finite(run)


@given(st.data())
@fuzzing
def test_a_run_file_with_damaged_bytes(tmp_path: Path, data: st.DataObject) -> None:
    """Cut off, or with bytes put in: never a crash."""
    content = msgspec.json.encode(RUN)
    cut = data.draw(st.integers(0, len(content)))
    noise = data.draw(st.binary(max_size=20))
    rest = data.draw(st.sampled_from([b"", content[cut:], content[cut + len(noise) :]]))
    path = tmp_path / "damaged.run.json"
    path.write_bytes(content[:cut] + noise + rest)
    for read in (read_run, read_baselines):
        answer(read, path)
    is_baseline_file(path)


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "truncated"),
        (b"\xff\xfe\x00", "is not a run file"),
        (b"\xef\xbb\xbf{}", "is not a run file"),
        (DEEP.encode(), "is not a run file"),
        (b'{"x": ' + DEEP.encode() + b"}", "nested too deeply"),
        (b'{"schema": "wattmark.run", "duration_seconds": NaN}', "is not a run file"),
        (msgspec.json.encode(RUN).replace(b'"energy_joules":90.0', b'"energy_joules":1e400'), "out of range"),
    ],
)
def test_a_run_file_that_is_none(tmp_path: Path, content: bytes, says: str) -> None:
    """The reason is said."""
    path = tmp_path / "none.run.json"
    path.write_bytes(content)
    with pytest.raises(WattmarkError, match=says):
        read_run(path)


@pytest.mark.parametrize(
    ("at", "value", "says"),
    [
        (("work", 0, "count"), -1, "`$.work[0].count`"),
        (("work", 0, "window"), 9, "unknown window 9"),
        (("energies", 0, "errors", next(iter(DOCUMENT["energies"][0]["errors"]))), -1, "is negative"),
        (("energies", 0, "energy_joules"), 1e300, "`$.energies[0].energy_joules`"),
        (("energies", 0, "energy_joules"), 1e-320, "too small to be real"),
        (("place", "pue"), 0.5, "`$.place.pue`"),
        (("place", "utilisation", 0, "mean"), 7, "`$.place.utilisation[0]`"),
        (("world_size",), 10**12, "`$.world_size`"),
        (("rank",), 2, "`$.rank`"),
        (("started_at",), "yesterday", "is not a time"),
        (("started_at",), "2026-01-01T00:00:00", "names no time zone"),
        (("windows", 1, "id"), 1, "is there twice"),
        (("windows", 0, "parent"), 2, "is inside itself"),
        (("windows", 1, "parent"), 2, "is inside itself"),
        (("series", 0, "t_seconds"), [1.0], "as many times as energies"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(tmp_path: Path, at: Any, value: Any, says: str) -> None:
    """A negative count, an error bar below nothing, too many ranks: no number is made of them."""
    path = tmp_path / "odd.run.json"
    path.write_text(json.dumps(changed(DOCUMENT, at, value)))
    with pytest.raises(WattmarkError) as refused:
        read_run(path)
    assert says in str(refused.value)


@given(st.sampled_from(list(places(DOCUMENT))), st.sampled_from(ODD))
@fuzzing
def test_a_baseline_file_with_something_odd_in_it(tmp_path: Path, at: tuple[Any, ...], value: Any) -> None:
    """Also where whoever altered it has made the hash anew."""
    source, path = tmp_path / "a.run.json", tmp_path / "wattmark-baseline.json"
    source.write_bytes(msgspec.json.encode(RUN))
    stated = Stated(world_average=True)
    kept = new_baseline("default", [source], config_of(Path("/"), {}), stated, set_at="2026-01-01T00:00:00Z")
    write_baselines(path, {"default": kept})
    document = json.loads(path.read_text())
    entry = document["baselines"]["default"]
    try:
        entry["runs"][0] = changed(entry["runs"][0], at, value)
        entry["evidence_sha256"] = evidence_hash(msgspec.convert(entry["runs"], type=tuple[Run, ...]))
    except (KeyError, IndexError, TypeError, msgspec.ValidationError):
        pass  # no hash can be made of it; or plots, which a baseline does not keep
    path.write_text(json.dumps(document))
    answer(read_baselines, path)


CONFIG = {
    "tags": ("stage", "zone"),
    "labels": ("fold",),
    "place": ("pue", "country", "intensity_g_per_kwh", "pue_relative_error", "world_average"),
    "measure": ("meters", "period_seconds", "rest_of_node_watts", "gpu_expected", "bmc_accuracy"),
    "output": ("folder",),
    "project": ("lifetime_inferences", "manual_steps", "mfu", "training_flop", "quality_worst"),
    "embodied": ("total_kg", "lifespan_years", "mode", "reserved_share", "relative_error"),
    "renewables": ("file", "interval"),
    "nonsense": ("key",),
}
lines = st.sampled_from(sorted(CONFIG)).flatmap(
    lambda section: st.tuples(st.just(section), st.sampled_from(CONFIG[section]), st.sampled_from(TOML))
)


@given(lines)
@fuzzing
def test_a_configuration_with_something_odd_in_it(tmp_path: Path, line: tuple[str, str, str]) -> None:
    """Refused with its name, or every number in it can be counted with."""
    path = tmp_path / "wattmark.toml"
    path.write_text(f"[{line[0]}]\n{line[1]} = {line[2]}\n")
    config = answer(load_config, path)
    if config is not None and line[0] not in ("labels", "nonsense"):
        value = getattr(getattr(config, line[0]), line[1])
        assert not isinstance(value, float) or math.isfinite(value)


@given(
    st.sampled_from(
        ("kpi", "max", "min", "max_increase", "grade", "coverage", "repeats", "stage", "nonsense")
    ),
    st.sampled_from((*TOML, '"pue"', '"E"')),
)
@fuzzing
def test_a_policy_with_something_odd_in_it(tmp_path: Path, key: str, value: str) -> None:
    """Refused with its name, or its limit is a finite number."""
    limit = {"kpi": '"pue"', "max": "1.5", key: value}
    path = tmp_path / "wattmark-policy.toml"
    path.write_text("[[limit]]\n" + "\n".join(f"{k} = {v}" for k, v in limit.items()))
    policy = answer(read_policy, path)
    if policy is not None:
        assert all(math.isfinite(one.bound) for one in policy.limits)


@given(
    st.sampled_from(("id", "version", "aggregation", "factors", "kpi", "nonsense")),
    st.sampled_from(("id", "weight", "nonsense")),
    st.sampled_from((*TOML, '"pue"')),
    st.booleans(),
)
@fuzzing
def test_a_rubric_with_something_odd_in_it(
    tmp_path: Path, key: str, inner: str, value: str, inside: bool
) -> None:
    """Refused with its name, or its weights sum to 1."""
    head = {"id": '"r"', "version": '"1"', **({} if inside else {key: value})}
    kpi = {"id": '"pue"', "weight": "1.0", **({inner: value} if inside else {})}
    path = tmp_path / "rubric.toml"
    text = [*(f"{k} = {v}" for k, v in head.items()), "[[kpi]]", *(f"{k} = {v}" for k, v in kpi.items())]
    path.write_text("\n".join(text))
    rubric = answer(read_rubric, path)
    if rubric is not None:
        assert math.isclose(sum(item.weight for item in rubric.kpis), 1.0)
