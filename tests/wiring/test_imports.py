"""From a source into a folder or a ledger, and the tally of what came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.builders import a_row, a_run
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.imported import BadRow, Imported
from wattmark.core.known import Scope
from wattmark.core.run import SourceId
from wattmark.core.telemetry import Samples, Stream
from wattmark.ledger.runfile import read_run
from wattmark.wiring.imports import MOST_BAD, Folder, Ledger, Nowhere, Tally, bring

STREAM = Stream(source=SourceId(name="t"), host_id="h", device_id="gpu:h/0", component="gpu")
SAMPLES = Samples(
    stream=STREAM, start_us=[0, 10], end_us=[10, 20], energy_uj=[3_000_000, 0], observed=[True, False]
)


class Portions:
    """A source that gives what it is told."""

    def __init__(self, *portions: Imported) -> None:
        self._portions = portions

    def read(self) -> Iterator[Imported]:
        yield from self._portions


def test_a_tally_counts_each_run_once() -> None:
    """The highest seq of a run; parts of a device are in the whole; others' shares are not its own."""
    row = a_row()
    run = a_run(
        energies=(
            row,
            a_row(device_id="cpu:x/core", part_of=row.device_id),
            a_row(scope=Scope.SHARE, party="own", energy_joules=30.0, attribution_rule="r"),
            a_row(scope=Scope.SHARE, party="others", energy_joules=60.0, attribution_rule="r"),
        )
    )
    later = replace(run, seq=5, energies=(a_row(energy_joules=100.0),))
    tally = bring(Portions(Imported(runs=(later, run), taken=2)), Nowhere())
    assert len(tally.runs) == 1
    assert (tally.joules(Scope.WHOLE), tally.joules(Scope.SHARE)) == (100.0, 0.0)
    tally = bring(Portions(Imported(runs=(run,), taken=1)), Nowhere())
    assert (tally.joules(Scope.WHOLE), tally.joules(Scope.SHARE)) == (90.0, 30.0)


def test_a_tally_adds_portions_up() -> None:
    """Samples, gaps, rows, and the notes once each; an empty part is no stream."""
    empty = Samples(stream=replace(STREAM, device_id="gpu:h/1"), start_us=[], end_us=[])
    portion = Imported(
        samples=(SAMPLES, empty), taken=3, ignored=1, bad=(BadRow("a:1", "is bad"),), notes=("n",)
    )
    tally = bring(Portions(portion, portion), Nowhere())
    assert (tally.samples, tally.gaps, len(tally.streams)) == (4, 2, 1)
    assert (tally.taken, tally.ignored, tally.bad_rows, list(tally.notes)) == (6, 2, 2, ["n"])
    assert (tally.start_us, tally.end_us, tally.joules(Scope.WHOLE)) == (0, 20, 6.0)


def test_work_is_no_energy() -> None:
    """Tokens are counted as samples and add no joules."""
    work = Samples(stream=replace(STREAM, unit="output_tokens"), start_us=[0], end_us=[1], count=[5.0])
    assert bring(Portions(Imported(samples=(work,))), Nowhere()).joules(Scope.WHOLE) == 0.0


def test_bad_rows_beyond_measure_are_counted() -> None:
    """The places of the first hundred thousand are kept."""
    tally = Tally()
    tally.refuse([BadRow("a", "b")] * (MOST_BAD + 5))
    assert (len(tally.bad), tally.bad_rows) == (MOST_BAD, MOST_BAD + 5)


def test_a_folder_holds_the_latest_of_each_run(tmp_path: Path) -> None:
    """One file per run; what is older does not replace it, and an id that is no file name is hashed."""
    run = a_run(seq=1)
    folder = Folder(tmp_path / "runs")
    bring(Portions(Imported(runs=(run, replace(run, seq=3), replace(run, seq=2)))), folder)
    (path,) = (tmp_path / "runs").glob("*.run.json")
    assert read_run(path).seq == 3
    odd = folder.write(a_run(record_id="../../etc/x"))
    assert odd.parent == tmp_path / "runs"
    assert read_run(odd).record_id == "../../etc/x"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """With what the system says."""
    (tmp_path / "file").write_text("")
    with pytest.raises(EvidenceError, match="cannot be written"):
        bring(Portions(Imported(runs=(a_run(),))), Folder(tmp_path / "file"))


def test_samples_need_a_ledger(tmp_path: Path) -> None:
    """A run file cannot hold them, and leaving them out would lose them."""
    with pytest.raises(UsageError, match="give --ledger"):
        bring(Portions(Imported(samples=(SAMPLES,))), Folder(tmp_path))


def test_a_ledger_takes_both_and_the_same_twice_is_once(tmp_path: Path) -> None:
    """Landing again lands the same bytes under the same names."""
    pytest.importorskip("pyarrow")
    (tmp_path / "ledger.toml").write_text("format = 1\n")
    source = Portions(Imported(runs=(a_run(),), samples=(SAMPLES,), taken=3))
    names = []
    for _ in range(2):
        bring(source, Ledger(str(tmp_path)))
        names.append(sorted(p.name for p in (tmp_path / "inbox").iterdir()))
    assert names[0] == names[1]
    assert len(names[0]) == 2


def test_a_ledger_refuses_by_its_tag_rules(tmp_path: Path) -> None:
    """In the mode refuse: what has no team is named, and does not land."""
    pytest.importorskip("pyarrow")
    (tmp_path / "ledger.toml").write_text('format = 1\n[tags]\nmode = "refuse"\nrequired = ["team"]\n')
    tally = bring(Portions(Imported(runs=(a_run(),), samples=(SAMPLES,), taken=3)), Ledger(str(tmp_path)))
    assert [("team" in row.reason) for row in tally.sent_away.values()] == [True, True]
    assert (tally.taken, tally.bad_rows, tally.runs, tally.samples) == (3, 0, {}, 0)
    assert not (tmp_path / "inbox").exists() or not list((tmp_path / "inbox").iterdir())
