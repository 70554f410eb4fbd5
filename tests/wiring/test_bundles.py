"""Bundles wherever runs are taken."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.deciding import a_solution, write
from tests.core.bench.benchmarks import Plot, a_benchmark
from wattmark.bench.bundle.layout import LOOKS, MANIFEST, OPEN
from wattmark.bench.bundle.write import write_bundle
from wattmark.core.errors import EvidenceError
from wattmark.wiring.runs import read_runs

PLOT = Plot(repeats=3, seconds=60.0)
"""100 W for 60 s and 20 queries in each repeat: 6000 J."""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A valid one."""
    path = tmp_path / "a.wattmark"
    write_bundle(a_benchmark(PLOT), path)
    return path


def test_a_bundle_is_a_run_for_each_repeat(bundle: Path) -> None:
    """With 6000 J for 20 inferences each; the hash is the manifest's."""
    found = read_runs([bundle])
    assert [item.part for item in found] == ["repeat 1", "repeat 2", "repeat 3"]
    assert [sum(r.energy_joules for r in item.run.energies) for item in found] == pytest.approx([6000] * 3)
    assert all(item.run.work[0].count == 20 for item in found)
    assert {item.bundle_sha256 for item in found} == {found[0].sha256}
    assert found[0].name == "a.wattmark repeat 1"
    assert {item.remark for item in found} == {""}
    assert json.loads(found[0].text)["record_id"] == found[0].run.record_id


def test_one_file_says_the_same(bundle: Path, tmp_path: Path) -> None:
    """Folder and zip file."""
    packed = tmp_path / "a.wattmark.zip"
    write_bundle(a_benchmark(PLOT), packed)
    assert [i.run for i in read_runs([packed])] == [i.run for i in read_runs([bundle])]


def test_a_folder_may_hold_bundles_and_run_files(bundle: Path, tmp_path: Path) -> None:
    """A benchmark that still runs is none yet; other folders and files are left alone."""
    folder = tmp_path / "all"
    folder.mkdir()
    bundle.rename(folder / "a.wattmark")
    write_bundle(a_benchmark(PLOT, id="another"), folder / "b.wattmark.zip")
    (folder / "c.wattmark" / OPEN).mkdir(parents=True)
    (folder / "notes").mkdir()
    (folder / ".hidden.wattmark").mkdir()
    assert len(read_runs([folder])) == 6
    write(folder, a_solution())
    assert len(read_runs([folder])) == 7


def test_a_folder_without_either_is_an_error(tmp_path: Path) -> None:
    """As before."""
    with pytest.raises(EvidenceError, match="holds no run files"):
        read_runs([tmp_path])


def test_a_changed_bundle_is_refused(bundle: Path) -> None:
    """Whatever was changed in it."""
    (bundle / LOOKS).write_bytes((bundle / LOOKS).read_bytes().replace(b"100000", b"100001", 1))
    with pytest.raises(EvidenceError, match=r"a\.wattmark: is not as its manifest lists it"):
        read_runs([bundle])


def test_a_bundle_without_its_manifest_is_refused(bundle: Path) -> None:
    """By itself it is meant; so is one that is not finished."""
    (bundle / MANIFEST).unlink()
    with pytest.raises(EvidenceError, match="holds no manifest"):
        read_runs([bundle])
    (bundle / OPEN).mkdir()
    with pytest.raises(EvidenceError, match="is not finished"):
        read_runs([bundle])


def test_a_bundle_that_asks_less_of_itself_is_refused(tmp_path: Path) -> None:
    """Its profile's name would promise more."""
    evidence = a_benchmark(PLOT)
    lax = replace(evidence, profile=replace(evidence.profile, window_seconds=1.0))
    write_bundle(lax, tmp_path / "a.wattmark")
    with pytest.raises(EvidenceError, match="asks for"):
        read_runs([tmp_path / "a.wattmark"])


def test_a_bundle_that_ended_before_its_first_repeat_holds_no_run(tmp_path: Path) -> None:
    """Whatever it used until then is in its run.json."""
    write_bundle(a_benchmark(replace(PLOT, repeats=0)), tmp_path / "a.wattmark")
    with pytest.raises(EvidenceError, match="holds no repeat"):
        read_runs([tmp_path / "a.wattmark"])


@pytest.mark.parametrize(
    ("simulated", "said"),
    [(True, "simulated: clock and meters follow a formula"), (False, r"not valid as a benchmark \(.*window")],
)
def test_what_is_not_valid_is_said_first(tmp_path: Path, simulated: bool, said: str) -> None:
    """Beside the runs, and in their notes."""
    path = tmp_path / "a.wattmark"
    write_bundle(a_benchmark(replace(PLOT, seconds=10.0), simulated=simulated), path)
    (first, *_) = read_runs([path])
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(first.remark)
    assert first.remark == f"{path}: {first.run.notes[-1]}"


def test_the_same_bundle_twice_is_the_same_record(bundle: Path, tmp_path: Path) -> None:
    """So that it is counted once."""
    shutil.copytree(bundle, tmp_path / "b.wattmark")
    found = read_runs([bundle, tmp_path / "b.wattmark"])
    assert len({item.run.record_id for item in found}) == 3
