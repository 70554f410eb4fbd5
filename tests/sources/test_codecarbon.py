"""CodeCarbon's files, as its own versions wrote them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.given import Given
from wattmark.core.imported import Imported
from wattmark.core.known import Grade, Method, Scope
from wattmark.core.run import Place, Run, Subject
from wattmark.core.totals import facts_of
from wattmark.ports import Source
from wattmark.sources.catalog import Asked, open_source
from wattmark.sources.codecarbon import PORTION
from wattmark.testing.source_suite import SourceSuite, SourceWorld

FILES = Path(__file__).parent / "files"
VERSIONS = ("1.2.0", "2.0.0", "2.3.1", "2.8.4", "3.0.0", "3.3.2")
KWH = 3.6e6


class CodeCarbonWorld:
    """A file of CodeCarbon 3.3.2 with three runs, the last of which goes on."""

    def __init__(self, folder: Path) -> None:
        lines = (FILES / "codecarbon-3.3.2.csv").read_text().splitlines()
        self.path = folder / "emissions.csv"
        self._folder = folder
        self._more = lines[4]
        self._write(lines[:4])

    def _write(self, lines: list[str]) -> None:
        self.path.write_text("\n".join(lines) + "\n")
        self.rows = len(lines) - 1

    @property
    def named(self) -> str:
        return self.path.name

    def open(self) -> Source:
        return open_source("codecarbon", [str(self.path)], Asked())

    def grow(self) -> None:
        self._write([*self.path.read_text().splitlines(), self._more])

    def move(self) -> None:
        (self._folder / "elsewhere").mkdir()
        self.path = Path(shutil.move(self.path, self._folder / "elsewhere" / "old.csv"))

    def damage(self) -> str:
        lines = self.path.read_text().splitlines()
        lines[2] = lines[2].replace("2026-11-21", "yesterday")
        self._write(lines)
        return f"{self.path.name}:3"

    def garble(self) -> None:
        self.path.write_text("<html><body>Not found</body></html>\n")

    def remove(self) -> None:
        self.path.unlink()


class TestCodeCarbon(SourceSuite):
    """The rules that every source keeps."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        return CodeCarbonWorld(tmp_path)


def read(*paths: Path, asked: Asked | None = None, **settings: str) -> list[Imported]:
    asked = asked or Asked(settings=settings)
    return list(open_source("codecarbon", [str(p) for p in paths], asked).read())


def runs_of(*paths: Path, asked: Asked | None = None, **settings: str) -> list[Run]:
    return [r for portion in read(*paths, asked=asked, **settings) for r in portion.runs]


def written(tmp_path: Path, **changes: str) -> Path:
    """A file of one good row, with these cells changed."""
    header, first = (FILES / "codecarbon-3.3.2.csv").read_text().splitlines()[:2]
    row = dict(zip(header.split(","), first.split(","), strict=True)) | changes
    path = tmp_path / "emissions.csv"
    path.write_text(f"{','.join(row)}\n{','.join(row.values())}\n")
    return path


@pytest.mark.parametrize("version", VERSIONS)
def test_files_of_every_version_are_read(version: str) -> None:
    """Each row is a run with the energy that it states, without the PUE."""
    path = FILES / f"codecarbon-{version}.csv"
    lines = [line.split(",") for line in path.read_text().splitlines()]
    portions = read(path)
    runs = [r for p in portions for r in p.runs]
    assert [b for p in portions for b in p.bad] == []
    assert len(runs) == len(lines) - 1
    for cells, run in zip(lines[1:], runs, strict=True):
        row = dict(zip(lines[0], cells, strict=True))
        stated = float(row["energy_consumed"]) / float(row.get("pue", 1))
        assert sum(r.energy_joules for r in run.energies) / KWH == pytest.approx(stated)
        assert run.duration_seconds == float(row["duration"])


def test_the_timestamp_is_the_end() -> None:
    """3.011 s that end at 23:49:58 begin at 23:49:54.989."""
    run = runs_of(FILES / "codecarbon-3.3.2.csv")[0]
    assert run.started_at == "2026-11-21T23:49:54.988956Z"


def test_times_are_in_the_zone_that_is_named() -> None:
    """Paris in November is an hour before UTC."""
    run = runs_of(FILES / "codecarbon-3.3.2.csv", time_zone="Europe/Paris")[0]
    assert run.started_at == "2026-11-21T22:49:54.988956Z"


def test_an_unnamed_zone_is_said() -> None:
    """Reading local time as UTC is a guess, and the reader is told."""
    notes = [n for p in read(FILES / "codecarbon-3.3.2.csv") for n in p.notes]
    assert any("UTC" in n and "time_zone" in n for n in notes)
    named = [n for p in read(FILES / "codecarbon-3.3.2.csv", time_zone="UTC") for n in p.notes]
    assert not any("time_zone" in n for n in named)


def test_a_model_does_not_pass_for_a_sensor() -> None:
    """The file does not say how the CPU's energy came about: grade D, unless whoever imports knows."""
    cpu, ram = runs_of(FILES / "codecarbon-3.3.2.csv")[0].energies
    assert (cpu.component, cpu.method, cpu.grade) == ("cpu", Method.MODELLED, Grade.D)
    assert (ram.component, ram.method, ram.grade) == ("dram", Method.MODELLED, Grade.D)
    cpu, ram = runs_of(FILES / "codecarbon-3.3.2.csv", cpu_method="rapl")[0].energies
    assert (cpu.method, cpu.grade) == (Method.HARDWARE_COUNTER, Grade.B)
    assert ram.grade is Grade.D


def test_gpus_are_counted_by_nvml(tmp_path: Path) -> None:
    """Grade B, one row for all of them, and their model is kept."""
    path = written(
        tmp_path,
        gpu_count="2",
        gpu_model="2 x NVIDIA A100",
        gpu_energy="0.5",
        energy_consumed="0.50002327158891556",
    )
    run = runs_of(path)[0]
    gpu = next(r for r in run.energies if r.component == "gpu")
    assert (gpu.energy_joules, gpu.grade, gpu.note) == (0.5 * KWH, Grade.B, "2 x NVIDIA A100")
    assert [(h.component, h.count) for h in run.place.hardware] == [("cpu", 1.0), ("gpu", 2.0)]


def test_no_energy_of_a_gpu_that_is_there_is_a_gap(tmp_path: Path) -> None:
    """CodeCarbon states 0 J when it could not read: that is nothing observed, not nothing used."""
    run = runs_of(written(tmp_path, gpu_count="2", gpu_model="2 x NVIDIA A100"))[0]
    gpu = next(r for r in run.energies if r.component == "gpu")
    assert gpu.coverage == 0.0
    assert "0 J for a gpu that is there" in gpu.gaps[0].reason


def test_the_pue_is_divided_out_and_kept() -> None:
    """45.9 J of CPU energy with a PUE of 1.5 are 30.6 J of the CPU."""
    run = runs_of(FILES / "codecarbon-3.3.2.csv")[3]
    assert run.place.pue == 1.5
    assert run.energies[0].energy_joules * 1.5 / KWH == pytest.approx(1.3294320749841514e-05)


def test_files_that_do_not_state_the_pue_can_be_told() -> None:
    """Files of tasks leave it out; the option divides it out, and silence is remarked."""
    path = FILES / "codecarbon-3.3.2-tasks.csv"
    plain, told = runs_of(path)[0], runs_of(path, pue="1.25")[0]
    assert plain.energies[0].energy_joules == pytest.approx(told.energies[0].energy_joules * 1.25)
    assert told.place.pue == 1.25
    assert any("does not state the PUE" in n for p in read(path) for n in p.notes)


def test_the_row_of_the_run_tells_the_pue_of_its_tasks() -> None:
    """Read together they agree, and supersede what was read of the tasks alone."""
    total, tasks = (FILES / f"codecarbon-3.3.2{end}.csv" for end in ("", "-tasks"))
    together = runs_of(tasks, total)[-1]
    assert together.windows
    assert together.energies == runs_of(tasks, pue="1.25")[0].energies
    assert together.seq > runs_of(tasks)[0].seq
    assert not any("does not state the PUE" in n for p in read(tasks, total) for n in p.notes)


def test_process_mode_is_a_share() -> None:
    """CPU and memory are the process's part, with the rule by which it was found."""
    run = runs_of(FILES / "codecarbon-3.3.2.csv")[1]
    assert {(r.scope, r.party) for r in run.energies} == {(Scope.SHARE, "own")}
    assert all(r.attribution_rule for r in run.energies)


def test_emissions_stay_a_statement() -> None:
    """They are kept as they are: never turned into joules, and joules never into them."""
    run = runs_of(FILES / "codecarbon-3.3.2.csv")[0]
    emissions = next(s for s in run.statements if s.quantity == "emissions")
    assert (emissions.value, emissions.unit, emissions.accounting) == (
        1.304116571239286e-06,
        "kgCO2e",
        "location",
    )


def test_what_the_file_states_goes_before_what_is_asked() -> None:
    """The project is the file's, unless CodeCarbon's own name for unnamed projects stands there."""
    asked = Asked(subject=Subject(project="mine", team="nlp"), place=Place(country="DEU", site="hall 3"))
    named, unnamed = runs_of(FILES / "codecarbon-3.3.2.csv", asked=asked)[:2]
    assert (named.subject.project, named.subject.team, unnamed.subject.project) == ("vision", "nlp", "mine")
    assert (named.place.country, named.place.site) == ("FRA", "hall 3")


def test_flushed_rows_supersede_one_another() -> None:
    """Two rows of one run: the same id, and the longer has the higher seq."""
    shorter, longer = runs_of(FILES / "codecarbon-3.3.2.csv")[2:4]
    assert shorter.record_id == longer.record_id
    assert shorter.seq < longer.seq


def test_tasks_are_windows_of_their_run(tmp_path: Path) -> None:
    """Its total in emissions.csv and its tasks are one run, and the tasks go before."""
    total = runs_of(FILES / "codecarbon-3.3.2.csv")[-1]
    (tasks,) = runs_of(FILES / "codecarbon-3.3.2-tasks.csv")
    assert tasks.record_id == total.record_id
    assert tasks.seq > total.seq
    assert [(w.name, w.t0_seconds) for w in tasks.windows] == [("load", 0.0), ("train", 2.0008650709987705)]
    both = sum(r.energy_joules for r in tasks.energies)
    assert both == pytest.approx(sum(r.energy_joules for r in total.energies) * 1.25, rel=1e-3)


def test_tasks_with_a_pause_stay_apart(tmp_path: Path) -> None:
    """A minute between two tasks is a minute in which nothing is known, not a shorter one."""
    text = (FILES / "codecarbon-3.3.2-tasks.csv").read_text().replace("23:50:10", "23:51:10")
    path = tmp_path / "emissions_base_1.csv"
    path.write_text(text)
    (run,) = runs_of(path)
    assert run.windows[1].t0_seconds == pytest.approx(62, abs=0.01)


def test_a_machine_that_is_named_is_counted_once(tmp_path: Path) -> None:
    """Two trackers at once: two machines when nobody says, one machine when its name is given."""
    path = tmp_path / "emissions.csv"
    text = (FILES / "codecarbon-3.3.2.csv").read_text().splitlines()
    other = text[1].replace("2a404de1", "ffffffff")
    path.write_text("\n".join([*text[:2], other]) + "\n")
    apart = facts_of(runs_of(path), Given()).energy
    together = facts_of(runs_of(path, asked=Asked(host="node-7")), Given()).energy
    assert apart.value == pytest.approx(2 * together.value)
    assert "node-7" not in repr(runs_of(path, asked=Asked(host="node-7")))


def test_columns_may_change_in_the_middle(tmp_path: Path) -> None:
    """A second header begins rows of another version; it is no bad row."""
    path = tmp_path / "emissions.csv"
    old, new = (FILES / f"codecarbon-{v}.csv" for v in ("2.0.0", "3.3.2"))
    path.write_text(old.read_text() + new.read_text())
    portions = read(path)
    assert sum(p.taken for p in portions) == 9
    assert sum(p.ignored for p in portions) == 1
    assert not any(p.bad for p in portions)


def test_a_file_read_twice_is_taken_once(tmp_path: Path) -> None:
    """A copy beside the original adds nothing, and its rows are counted as repeated."""
    copy = shutil.copy(FILES / "codecarbon-3.3.2.csv", tmp_path / "emissions.csv")
    tasks = FILES / "codecarbon-3.3.2-tasks.csv"
    portions = read(FILES / "codecarbon-3.3.2.csv", Path(copy), tasks, tasks)
    assert sum(p.taken for p in portions) == 7
    assert sum(p.ignored for p in portions) == 7


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"cpu_energy": "-1"}, "cpu_energy -1 is negative"),
        ({"duration": ""}, "duration is empty"),
        ({"energy_consumed": "nan"}, "'nan' is not a number"),
        ({"energy_consumed": "7"}, "its parts add up to"),
        ({"pue": "0.5"}, "pue 0.5 is less than 1"),
        ({"duration": "1e11"}, "would have begun before 1970"),
        ({"timestamp": "1969-01-01T00:00:00"}, "is not a time"),
        ({"wue": "0,0"}, "has 39 cells where the header names 38"),
    ],
)
def test_impossible_rows_are_told_by_their_reason(
    tmp_path: Path, changes: dict[str, str], reason: str
) -> None:
    """Nothing of such a row is brought in."""
    portions = read(written(tmp_path, **changes))
    assert [r for p in portions for r in p.runs] == []
    (bad,) = [b for p in portions for b in p.bad]
    assert reason in bad.reason
    assert bad.place.endswith("emissions.csv:2")


def test_a_row_without_an_id_is_known_by_its_content(tmp_path: Path) -> None:
    """Edited files may lack the ids: the same row is the same run all the same."""
    first, again, other = (
        runs_of(written(tmp_path, run_id="", experiment_id="", project_name=project))[0].record_id
        for project in ("vision", "vision", "other")
    )
    assert first == again != other


def test_where_it_ran_in_a_cloud_is_told(tmp_path: Path) -> None:
    """The cloud's region is the region, and its provider a label; coordinates are dropped."""
    changes = {"on_cloud": "Y", "cloud_provider": "gcp", "cloud_region": "europe-west9"}
    run = runs_of(written(tmp_path, longitude="2.35", latitude="48.85", **changes))[0]
    assert run.subject.region == "europe-west9"
    assert dict(run.subject.labels) == {"cloud_provider": "gcp"}
    assert "48.85" not in repr(run)


def test_utilisation_of_newer_versions_is_kept() -> None:
    """Since 3.3: 73.9 % of the CPU were busy."""
    run = runs_of(FILES / "codecarbon-3.3.2.csv")[3]
    assert [(u.component, u.mean) for u in run.place.utilisation] == [("cpu", pytest.approx(0.739))]


@pytest.mark.parametrize("settings", [{"cpu_method": "guess"}, {"pue": "0.9"}, {"time_zone": "Mars/Base"}])
def test_settings_that_cannot_be_are_refused(settings: dict[str, str]) -> None:
    """Before anything is read, with what could be given."""
    with pytest.raises(UsageError, match=next(iter(settings.values()))):
        read(FILES / "codecarbon-3.3.2.csv", **settings)


def test_an_empty_file_is_said(tmp_path: Path) -> None:
    """Not an import of nothing with success."""
    (tmp_path / "emissions.csv").write_text("")
    with pytest.raises(EvidenceError, match="is empty"):
        read(tmp_path / "emissions.csv")


def test_a_long_file_comes_in_portions(tmp_path: Path) -> None:
    """Memory stays bounded, and every row is there once."""
    header, first = (FILES / "codecarbon-3.3.2.csv").read_text().splitlines()[:2]
    rows = [first.replace("2a404de1", f"{n:08x}") for n in range(PORTION + 5)]
    path = tmp_path / "emissions.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    assert [len(p.runs) for p in read(path)] == [PORTION, 5]
    assert len({r.record_id for r in runs_of(path)}) == PORTION + 5


def test_a_folder_stands_for_its_files(tmp_path: Path) -> None:
    """emissions.csv and files of tasks; a folder without them is told."""
    shutil.copy(FILES / "codecarbon-3.3.2.csv", tmp_path / "emissions.csv")
    shutil.copy(FILES / "codecarbon-3.3.2-tasks.csv", tmp_path / "emissions_base_1.csv")
    assert sum(p.taken for p in read(tmp_path)) == 7
    (tmp_path / "other").mkdir()
    with pytest.raises(EvidenceError, match=r"holds no emissions\*\.csv"):
        read(tmp_path / "other")
