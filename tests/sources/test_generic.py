"""Tables of anybody's own, by a declared mapping."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from wattmark.core.errors import ConfigError, EvidenceError, UsageError, WattmarkError
from wattmark.core.imported import Imported
from wattmark.core.known import Boundary, Grade, Method, Scope
from wattmark.core.run import Run
from wattmark.core.telemetry import Samples
from wattmark.ports import Source
from wattmark.sources.catalog import Asked, open_source
from wattmark.sources.generic_takers import LOOKS
from wattmark.sources.identity import host_of
from wattmark.testing.source_suite import SourceSuite, SourceWorld

J = 1_000_000
JOBS = {
    "start": "begin",
    "duration": "seconds",
    "energy": "kwh",
    "energy_unit": "kWh",
    "id": "job",
    "tag.team": "group",
    "work.inferences": "answers",
}
ENERGY = {"energy": "e", "energy_unit": "J"}
JOB_COLUMNS = "job,begin,seconds,kwh,group,answers"
METER = {"time": "t", "power": "watts", "power_unit": "W", "device": "outlet", "component": "=node"}


class TableWorld:
    """A table with a header, a good row per line, and a mapping."""

    def __init__(
        self, folder: Path, lines: list[str], settings: dict[str, str], spoil: tuple[str, str]
    ) -> None:
        self.path = folder / "table.csv"
        self._folder = folder
        self._settings = settings
        self._more = lines[-1]
        self._spoil = spoil
        self._write(lines[:-1])

    def _write(self, lines: list[str]) -> None:
        self.path.write_text("\n".join(lines) + "\n")
        self.rows = len(lines) - 1

    @property
    def named(self) -> str:
        return self.path.name

    def open(self) -> Source:
        return open_source("generic", [str(self.path)], Asked(host="node-1", settings=self._settings))

    def grow(self) -> None:
        self._write([*self.path.read_text().splitlines(), self._more])

    def move(self) -> None:
        (self._folder / "elsewhere").mkdir()
        self.path = Path(shutil.move(self.path, self._folder / "elsewhere" / "other.csv"))

    def damage(self) -> str:
        lines = self.path.read_text().splitlines()
        lines[2] = lines[2].replace(*self._spoil)
        self._write(lines)
        return f"{self.path.name}:3"

    def garble(self) -> None:
        self.path.write_text("<html>\n<body>Not found</body>\n</html>\n")

    def remove(self) -> None:
        self.path.unlink()


class TestRuns(SourceSuite):
    """A run per row."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        jobs = [f"{n},2026-11-0{n}T08:00:00Z,{600 * n},{n}.5,nlp,{100 * n}" for n in (1, 2, 3, 4)]
        lines = ["job,begin,seconds,kwh,group,answers", *jobs]
        return TableWorld(tmp_path, lines, JOBS, ("2.5", "much"))


class TestLooks(SourceSuite):
    """Looks at the power of two outlets."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        looks = [f"2026-11-01T08:00:0{s}Z,{o},{100 + s}" for s in range(5) for o in ("a", "b")]
        return TableWorld(tmp_path, ["t,outlet,watts", *looks], METER, (",100", ",12a"))


class TestStretches(SourceSuite):
    """Quarters of an hour of a smart meter, as samples."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        lines = [
            "until,wh",
            *(f"2026-11-01T0{h}:{m:02}:00Z,{25 + h}" for h in (8, 9) for m in (0, 15, 30, 45)),
        ]
        settings = {"end": "until", "every": "900", "energy": "wh", "energy_unit": "Wh", "records": "samples"}
        return TableWorld(tmp_path, lines, settings, (",33", ",-33"))


class ParquetWorld(TableWorld):
    """The jobs as a Parquet file with typed columns."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "jobs.parquet"
        self._folder = folder
        self._settings = JOBS
        self._jobs = [_job(n) for n in (1, 2, 3)]
        self._save()

    def _save(self) -> None:
        pa = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        parquet.write_table(pa.Table.from_pylist(self._jobs), self.path, row_group_size=2)
        self.rows = len(self._jobs)

    def grow(self) -> None:
        self._jobs.append(_job(4))
        self._save()

    def damage(self) -> str:
        self._jobs[1]["kwh"] = None
        self._save()
        return f"{self.path.name} row 2"

    def move(self) -> None:
        self.path = Path(shutil.move(self.path, self._folder / "other.parquet"))

    def garble(self) -> None:
        self.path.write_bytes(b"PAR1 and nothing else")


class TestParquet(SourceSuite):
    """The same records from typed columns."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        return ParquetWorld(tmp_path)


def _job(n: int) -> dict[str, Any]:
    begin = datetime(2026, 11, n, 8, tzinfo=UTC)
    return {
        "job": n,
        "begin": begin,
        "seconds": timedelta(minutes=10 * n).total_seconds(),
        "kwh": Decimal(f"{n}.5"),
        "group": "nlp",
        "answers": 100 * n,
    }


def write(tmp_path: Path, *lines: str, name: str = "table.csv") -> Path:
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n")
    return path


def read(*paths: Path, machine: str | None = "node-1", **settings: str) -> list[Imported]:
    return list(
        open_source("generic", [str(p) for p in paths], Asked(host=machine, settings=settings)).read()
    )


def runs_of(*paths: Path, machine: str | None = "node-1", **settings: str) -> list[Run]:
    return [r for p in read(*paths, machine=machine, **settings) for r in p.runs]


def samples_of(*paths: Path, machine: str | None = "node-1", **settings: str) -> list[Samples]:
    return [s for p in read(*paths, machine=machine, **settings) for s in p.samples]


def bad_of(*paths: Path, **settings: str) -> list[str]:
    return [b.reason for p in read(*paths, **settings) for b in p.bad]


def test_csv_and_parquet_give_the_same_runs(tmp_path: Path) -> None:
    """What a file is packed in says nothing about the runs."""
    world = ParquetWorld(tmp_path)
    lines = ["job,begin,seconds,kwh,group,answers"]
    lines += [f"{n},2026-11-0{n}T08:00:00+00:00,{600.0 * n},{n}.5,nlp,{100 * n}" for n in (1, 2, 3)]
    assert runs_of(write(tmp_path, *lines), **JOBS) == [r for p in world.open().read() for r in p.runs]


def test_a_row_becomes_a_run(tmp_path: Path) -> None:
    """1.5 kWh in 600 s, declared, with its tag and its work."""
    (run,) = runs_of(
        write(tmp_path, "job,begin,seconds,kwh,group,answers", "7,2026-11-01T08:00:00Z,600,1.5,nlp,100"),
        **JOBS,
    )
    (row,) = run.energies
    assert (row.energy_joules, row.duration_seconds, row.component) == (5.4e6, 600.0, "node")
    assert (row.method, row.grade, row.boundary) == (Method.DECLARED, Grade.E, Boundary.NODE)
    assert run.subject.team == "nlp"
    assert [(w.unit, w.count, w.declared) for w in run.work] == [("inferences", 100.0, True)]


def test_a_job_that_goes_on_supersedes_itself(tmp_path: Path) -> None:
    """The same id with a longer duration: one run, and the longer goes before."""
    header = "job,begin,seconds,kwh,group,answers"
    short, long = runs_of(
        write(tmp_path, header, "7,2026-11-01T08:00:00Z,600,1,a,1", "7,2026-11-01T08:00:00Z,900,2,a,1"),
        **JOBS,
    )
    assert short.record_id == long.record_id
    assert short.seq < long.seq


def test_rows_that_contradict_each_other_are_bad(tmp_path: Path) -> None:
    """The same device and time with another energy; the very same row is merely repeated."""
    mapping = {"start": "a", "end": "b", "energy": "e", "energy_unit": "J"}
    row = "2026-11-01T08:00:00Z,2026-11-01T09:00:00Z"
    portions = read(write(tmp_path, "a,b,e", f"{row},5", f"{row},5", f"{row},6"), **mapping)
    assert [(p.taken, p.ignored, len(p.bad)) for p in portions] == [(1, 1, 1)]
    assert "the key id" in portions[0].bad[0].reason


def test_several_columns_are_several_devices(tmp_path: Path) -> None:
    """Components by their names, anything else is a device; an empty cell is no reading."""
    mapping = {"start": "a", "duration": "d", "energy.cpu": "c", "energy.gpu": "g", "energy_unit": "kJ"}
    path = write(
        tmp_path, "a,d,c,g", "2026-11-01T08:00:00Z,10,2,3", "2026-11-01T09:00:00Z,10,2,", "2026-11-01,1,,"
    )
    one, two = runs_of(path, **mapping)
    assert [(r.component, r.energy_joules, r.boundary) for r in one.energies] == [
        ("cpu", 2000.0, Boundary.DEVICE),
        ("gpu", 3000.0, Boundary.DEVICE),
    ]
    assert [r.component for r in two.energies] == ["cpu"]
    assert bad_of(path, **mapping) == ["there is nothing in c, g"]


def test_mean_power_times_time_is_energy(tmp_path: Path) -> None:
    """200 W for half a minute: 6 kJ."""
    path = write(tmp_path, "a,d,p", "2026-11-01T08:00:00Z,0.5,0.2")
    (run,) = runs_of(path, start="a", duration="d", duration_unit="min", power="p", power_unit="kW")
    assert run.energies[0].energy_joules == pytest.approx(6000)


@pytest.mark.parametrize(
    ("said", "grade", "error"),
    [
        ({"method": "wall_meter"}, Grade.A, 0.02),
        ({"method": "wall_meter", "accuracy": "0.01"}, Grade.A, 0.01),
        ({"method": "wall_meter", "accuracy": "0.1"}, Grade.C, 0.1),
        ({"method": "bmc"}, Grade.C, 0.05),
        ({"method": "bmc", "accuracy": "0.03"}, Grade.A, 0.03),
        ({"method": "hardware_counter"}, Grade.B, 0.05),
        ({"method": "hardware_counter", "grade": "C"}, Grade.C, 0.05),
        ({"method": "integrated_power"}, Grade.C, 0.10),
        ({"method": "declared"}, Grade.E, 1.0),
    ],
)
def test_what_is_known_follows_from_what_is_declared(
    tmp_path: Path, said: dict[str, str], grade: Grade, error: float
) -> None:
    """A grade is earned by the method and a stated accuracy."""
    path = write(tmp_path, "a,d,e", "2026-11-01T08:00:00Z,10,5")
    (run,) = runs_of(path, start="a", duration="d", energy="e", energy_unit="J", **said)
    (row,) = run.energies
    assert row.grade is grade
    assert list(row.errors.values()) == [error]


def test_a_model_has_an_error_that_depends_on_the_load(tmp_path: Path) -> None:
    """50 % in all, in two named parts."""
    path = write(tmp_path, "a,d,e", "2026-11-01T08:00:00Z,10,5")
    (run,) = runs_of(path, start="a", duration="d", energy="e", energy_unit="J", method="modelled")
    assert sum(e**2 for e in run.energies[0].errors.values()) == pytest.approx(0.25)
    assert len(run.energies[0].errors) == 2


def test_shares_name_their_rule(tmp_path: Path) -> None:
    """Energy that somebody attributed to a job is no whole machine."""
    path = write(tmp_path, "a,d,e", "2026-11-01T08:00:00Z,10,5")
    (run,) = runs_of(
        path, start="a", duration="d", energy="e", energy_unit="J", attribution_rule="slurm cpu time"
    )
    row = run.energies[0]
    assert (row.scope, row.party, row.attribution_rule) == (Scope.SHARE, "own", "slurm cpu time")


def test_looks_are_integrated(tmp_path: Path) -> None:
    """100 W and 300 W a second apart: 200 J; a cell that could not be read is a gap."""
    path = write(
        tmp_path,
        "t,outlet,watts",
        *(f"2026-11-01T08:00:0{s}Z,a,{w}" for s, w in enumerate(("100", "300", "n/a", "300"))),
    )
    (only,) = samples_of(path, **METER)
    assert list(only.energy_uj) == [200 * J, 0, 0]
    assert list(only.observed) == [True, False, False]
    assert only.stream.device_id == f"node:{host_of('node-1')}/a"


def test_counters_count_by_difference(tmp_path: Path) -> None:
    """From 1 kWh to 1.5 kWh: 1.8 MJ; a fall is a reset."""
    path = write(
        tmp_path, "t,k", *(f"2026-11-01T{8 + n:02}:00:00Z,{k}" for n, k in enumerate(("1", "1.5", "0.1")))
    )
    (only,) = samples_of(path, time="t", counter="k", energy_unit="kWh")
    assert list(only.energy_uj) == [1_800_000 * J, 0]
    assert list(only.observed) == [True, False]


def test_streams_are_told_apart_by_host_device_and_tags(tmp_path: Path) -> None:
    """Two machines, and a machine that changes its team."""
    rows = ("n1,x", "n2,x", "n1,x", "n2,x", "n1,y", "n1,y")
    looks = [f"2026-11-01T08:00:{s:02}Z,{r},10" for s, r in enumerate(rows)]
    path = write(tmp_path, "t,host,team,w", *looks)
    settings = {
        "time": "t",
        "power": "w",
        "power_unit": "W",
        "host": "host",
        "tag.team": "team",
        "label.rack": "=r1",
    }
    found = samples_of(path, machine=None, **settings)
    assert [(s.stream.host_id, s.stream.subject.team, len(s)) for s in found] == [
        (host_of("n1"), "x", 1),
        (host_of("n2"), "x", 1),
        (host_of("n1"), "y", 1),
    ]
    assert {s.stream.subject.labels["rack"] for s in found} == {"r1"}


def test_uuids_stay_what_they_are(tmp_path: Path) -> None:
    """A GPU is the same one in every source."""
    path = write(tmp_path, "t,outlet,watts", "2026-11-01T08:00:00Z,GPU-1,5", "2026-11-01T08:00:01Z,GPU-1,5")
    (only,) = samples_of(path, **{**METER, "component": "=gpu"})
    assert only.stream.device_id == "GPU-1"


@pytest.mark.parametrize(
    ("cell", "layout"),
    [
        ("2026-11-01T08:00:00", "iso"),
        ("1793520000", "s"),
        ("1793520000.0", "s"),
        ("1793520000000", "ms"),
        ("1793520000000000", "us"),
        ("1793520000000000000", "ns"),
        ("01.11.2026 08:00", "%d.%m.%Y %H:%M"),
    ],
)
def test_times_are_read_as_declared(tmp_path: Path, cell: str, layout: str) -> None:
    """All of these are 8:00 UTC on 1 November 2026."""
    path = write(tmp_path, "a,d,e", f"{cell},10,5")
    (run,) = runs_of(path, start="a", duration="d", energy="e", energy_unit="J", time_format=layout)
    assert run.started_at == "2026-11-01T08:00:00.000000Z"


def test_start_and_end_may_be_given_in_any_two_ways(tmp_path: Path) -> None:
    """End and duration, start and every, start and end: the same ten seconds."""
    path = write(tmp_path, "a,b,d,e", "2026-11-01T08:00:00Z,2026-11-01T08:00:10Z,10,5")
    first, *others = (
        runs_of(path, **ENERGY, **ways)[0]
        for ways in (
            {"start": "a", "end": "b"},
            {"end": "b", "duration": "d"},
            {"start": "a", "duration": "d"},
            {"start": "a", "every": "10"},
            {"end": "b", "every": "10"},
        )
    )
    assert all(other == first for other in others)


def test_tables_of_other_countries_are_read(tmp_path: Path) -> None:
    """Semicolons between cells, commas in numbers, points between thousands, local time."""
    path = write(tmp_path, "a;d;e", "01.11.2026 08:00;10;1.234,5")
    (run,) = runs_of(
        path,
        start="a",
        duration="d",
        energy="e",
        energy_unit="J",
        delimiter=";",
        decimal=",",
        time_format="%d.%m.%Y %H:%M",
        time_zone="Europe/Berlin",
    )
    assert run.energies[0].energy_joules == 1234.5
    assert run.started_at == "2026-11-01T07:00:00.000000Z"


def test_an_unnamed_zone_is_said(tmp_path: Path) -> None:
    """Once, unless the format leaves no question."""
    path = write(tmp_path, "a,d,e", "1793520000,10,5")
    settings = {"start": "a", "duration": "d", "energy": "e", "energy_unit": "J"}
    assert any("UTC" in n for p in read(path, **settings) for n in p.notes)
    assert not any("UTC" in n for p in read(path, **settings, time_format="s") for n in p.notes)


def test_runs_without_a_machine_are_machines_of_their_own(tmp_path: Path) -> None:
    """And that is said; a column may name it."""
    path = write(tmp_path, "a,d,e,h", "2026-11-01T08:00:00Z,10,5,n1", "2026-11-01T09:00:00Z,10,5,n1")
    settings = {"start": "a", "duration": "d", "energy": "e", "energy_unit": "J"}
    apart = runs_of(path, machine=None, **settings)
    assert apart[0].host != apart[1].host
    assert any("no machine is named" in n for p in read(path, machine=None, **settings) for n in p.notes)
    together = runs_of(path, machine=None, **settings, host="h")
    assert together[0].host.id == together[1].host.id == host_of("n1")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("yesterday,10,5", "is not a time of the format iso"),
        ("2026-11-01T08:00:00Z,0,5", "has no length"),
        ("2026-11-01T08:00:00Z,ten,5", "'ten' is not a number"),
        ("2026-11-01T08:00:00Z,10,-5", "-5 is negative"),
        ("2026-11-01T08:00:00Z,10,1e40", "is not from 0 to"),
        ("2026-11-01T08:00:00Z,10,9000", "900 W is more than the 100 W that are possible"),
        ("2026-11-01T08:00:00Z,10", "the row ends before its column 'e'"),
        ("2026-11-01T08:00:00Z,,5", "a number is missing"),
    ],
)
def test_impossible_rows_are_told_by_their_reason(tmp_path: Path, row: str, reason: str) -> None:
    """Nothing of such a row is brought in."""
    most = {} if "1e40" in row else {"max_watts": "100"}
    path = write(tmp_path, "a,d,e", row)
    (bad,) = bad_of(path, start="a", duration="d", energy="e", energy_unit="J", **most)
    assert reason in bad


def test_a_stretch_before_1970_is_bad(tmp_path: Path) -> None:
    """An end, and a duration that cannot be."""
    path = write(tmp_path, "b,d,e", "2026-11-01T08:00:00Z,9e9,5")
    assert bad_of(path, end="b", duration="d", energy="e", energy_unit="J") == [
        "it would have begun before 1970"
    ]


def test_an_unknown_component_is_bad(tmp_path: Path) -> None:
    """A component decides what may be added: a word of one's own would be added twice."""
    path = write(tmp_path, "t,outlet,watts,c", "2026-11-01T08:00:00Z,a,5,toaster")
    assert "'toaster' is no component" in bad_of(path, **{**METER, "component": "c"})[0]


def test_a_row_without_its_machine_is_bad(tmp_path: Path) -> None:
    """In a table with a column for it, where --host says nothing."""
    path = write(tmp_path, "t,outlet,watts,h", "2026-11-01T08:00:00Z,a,5,")
    asked = Asked(settings={**METER, "host": "h"})
    (portion,) = open_source("generic", [str(path)], asked).read()
    assert portion.bad[0].reason == "names no machine"


def test_stretches_that_overlap_are_bad(tmp_path: Path) -> None:
    """The same hour twice is not two hours; an unreadable one is a gap."""
    hours = [f"2026-11-01T{h}:00:00Z,2026-11-01T{h + 1}:00:00Z" for h in (10, 11, 12)]
    path = write(tmp_path, "a,b,e", f"{hours[0]},5", f"{hours[1]},n/a", f"{hours[1]},7", f"{hours[2]},8")
    portions = read(path, start="a", end="b", energy="e", energy_unit="J", records="samples")
    (only,) = portions[-1].samples
    assert list(only.energy_uj) == [5 * J, 0, 8 * J]
    assert list(only.observed) == [True, False, True]
    assert "does not come after" in portions[-1].bad[0].reason


def test_a_second_file_continues_the_first(tmp_path: Path) -> None:
    """What it repeats is ignored, what it adds is taken."""
    looks = [f"2026-11-01T08:00:0{s}Z,a,100" for s in range(4)]
    first = write(tmp_path, "t,outlet,watts", *looks[:2])
    second = write(tmp_path, "t,outlet,watts", *looks, name="more.csv")
    portions = read(first, second, **METER)
    assert (sum(p.taken for p in portions), sum(p.ignored for p in portions)) == (4, 2)
    (only,) = [s for p in portions for s in p.samples]
    assert list(only.energy_uj) == [100 * J] * 3


def test_a_long_table_comes_in_portions(tmp_path: Path) -> None:
    """Memory stays bounded; nothing is lost between two portions."""
    begin = 1793520000
    path = write(tmp_path, "t,w", *(f"{begin + s},10" for s in range(LOOKS + 5)))
    found = samples_of(path, time="t", time_format="s", power="w", power_unit="W")
    assert [len(s) for s in found] == [LOOKS - 1, 5]
    assert sum(sum(s.energy_uj) for s in found) == (LOOKS + 4) * 10 * J


MAPPING = """
start = "begin"
duration = "seconds"
energy_unit = "kWh"
component = "=node"
max_watts = 5000
id = "job"
[energy]
node = "kwh"
[tag]
team = "group"
"""


def test_a_mapping_file_declares_what_options_do(tmp_path: Path) -> None:
    """Tables in it are keys with a point; -o goes before it."""
    (tmp_path / "jobs.toml").write_text(MAPPING)
    path = write(tmp_path, "job,begin,seconds,kwh,group", "7,2026-11-01T08:00:00Z,600,0.5,nlp")
    (run,) = runs_of(path, mapping=str(tmp_path / "jobs.toml"))
    assert (run.energies[0].energy_joules, run.subject.team) == (1.8e6, "nlp")
    (run,) = runs_of(path, mapping=str(tmp_path / "jobs.toml"), energy_unit="Wh")
    assert run.energies[0].energy_joules == 1800.0


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda t: t.replace("[tag]\nteam", "[tag]\ncrew"), "tag.crew: unknown tag"),
        (lambda t: t.replace("max_watts = 5000", "max_wats = 5000"), "max_wats: unknown key"),
        (lambda t: t.replace("5000", "[1]"), "max_watts: must be a text or a number"),
        (lambda t: t.replace("5000", "-1"), "max_watts: '-1' is not a number above 0"),
        (lambda t: t.replace('"=node"', "[").replace("5000", ""), "is not valid TOML"),
        (lambda t: t.replace('"kWh"', '"kwh"'), "energy_unit: 'kwh' is not one of J, mJ"),
    ],
)
def test_errors_of_a_mapping_file_name_file_and_key(
    tmp_path: Path, change: Callable[[str], str], place: str
) -> None:
    """So that one knows where to look."""
    (tmp_path / "jobs.toml").write_text(change(MAPPING))
    with pytest.raises(ConfigError) as caught:
        read(write(tmp_path, "a"), mapping=str(tmp_path / "jobs.toml"))
    assert "jobs.toml" in str(caught.value)
    assert place in str(caught.value)


def test_a_mapping_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With its path."""
    with pytest.raises(ConfigError, match=r"nowhere\.toml: cannot be read"):
        read(write(tmp_path, "a"), mapping=str(tmp_path / "nowhere.toml"))


POWER = {"time": "t", "power": "p", "power_unit": "W"}


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, "power: name the columns of one of power, counter or energy"),
        ({**POWER, **ENERGY}, "power: name the columns of one of"),
        ({"time": "t", "power": "p"}, "power_unit: is needed, and never guessed"),
        ({**POWER, "power.cpu": "c"}, "power: name one column, or several as power.NAME"),
        ({"time": "t", **ENERGY}, "time: is for looks at power or a counter"),
        ({"counter": "c", "energy_unit": "J", "start": "a", "end": "b"}, "counter: needs `time`"),
        ({"start": "a", **ENERGY}, "start: name two of start, end and duration"),
        ({"duration": "a", "every": "5", **ENERGY}, "start: name two of start, end and duration"),
        ({**POWER, "records": "runs"}, "records: runs need start and end"),
        ({**POWER, "time_format": "epoch"}, "time_format: 'epoch' is not iso"),
        ({**POWER, "time_zone": "Mars"}, "time_zone: 'Mars' is no time zone"),
        ({**POWER, "grade": "A"}, "grade: A is better than E"),
        ({**POWER, "method": "guess"}, "method: 'guess' is not one of wall_meter"),
        ({**POWER, "accuracy": "good"}, "accuracy: 'good' is not a number above 0"),
        ({**POWER, "delimiter": "::"}, "delimiter: '::' is not one character"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_key(
    tmp_path: Path, settings: dict[str, str], problem: str
) -> None:
    """Before a row is read."""
    with pytest.raises(ConfigError) as caught:
        read(write(tmp_path, "t,p"), **settings)
    assert str(caught.value).startswith(f"-o: {problem}")


def test_columns_that_are_not_there_are_named_with_their_key(tmp_path: Path) -> None:
    """And so are columns that are there twice, and an empty file."""
    with pytest.raises(EvidenceError, match=r"has no column 'p' \(-o: power\); it has t, q"):
        read(write(tmp_path, "t,q"), **POWER)
    with pytest.raises(EvidenceError, match="has 2 columns 'p'"):
        read(write(tmp_path, "t,p,p"), **POWER)
    with pytest.raises(EvidenceError, match="is empty"):
        read(write(tmp_path), **POWER)


def test_samples_need_their_machine(tmp_path: Path) -> None:
    """Otherwise two machines' outlets 1 would be one device."""
    with pytest.raises(UsageError, match="--host"):
        read(write(tmp_path, "t,p"), machine=None, **POWER)


def test_an_option_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    """With the ones that do."""
    with pytest.raises(WattmarkError, match="has no option 'watts'; its options: mapping, records"):
        read(write(tmp_path, "t,p"), **POWER, watts="p")


def test_parquet_times_of_any_precision_are_read(tmp_path: Path) -> None:
    """Nanoseconds without a zone, as other tools write them."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    begin = pa.array([1_793_520_000_000_000_000], pa.timestamp("ns"))
    parquet.write_table(pa.table({"a": begin, "d": [10], "e": [5.0]}), tmp_path / "x.parquet")
    (run,) = runs_of(tmp_path / "x.parquet", start="a", duration="d", energy="e", energy_unit="J")
    assert run.started_at == "2026-11-01T08:00:00.000000Z"
