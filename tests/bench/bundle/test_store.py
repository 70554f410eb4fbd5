"""The evidence store: what is told survives a kill, a full disk and a second process."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bench.bundle.samples import SECOND, evidence, head
from wattmark.bench.bundle.journal import JOURNAL
from wattmark.bench.bundle.layout import MANIFEST, OPEN
from wattmark.bench.bundle.store import CUT_SHORT, EvidenceStore
from wattmark.bench.keeping import UNFINISHED, Look, Store
from wattmark.core.bench.evidence import Evidence, Phase, PhaseName
from wattmark.core.errors import EvidenceError, UsageError

MEASURE = Phase(name=PhaseName.MEASURE, repeat=0, start_us=0, end_us=0, rated=True, failed=UNFINISHED)


def looks_of(whole: Evidence) -> Iterator[tuple[Look, ...]]:
    """What each device said, moment by moment."""
    for moment in range(len(whole.looks[0].at_us)):
        yield tuple(
            Look(
                device_id=looks.device_id,
                at_us=looks.at_us[moment],
                energy_uj=looks.energy_uj[moment] if looks.energy_uj else None,
                watts=looks.watts[moment] if looks.watts else None,
                gap=looks.gaps.get(str(moment), ""),
            )
            for looks in whole.looks
        )


def tell(store: Store, whole: Evidence) -> None:
    """Everything of some evidence, as a harness tells it."""
    store.begin(whole)
    for looks in looks_of(whole):
        store.looks(looks)
    for phase in whole.phases:
        store.phase(replace(phase, end_us=phase.start_us, failed=UNFINISHED))
        store.phase(phase)
    store.states(whole.states)
    store.queries(whole.queries)


def test_what_is_told_comes_back(tmp_path: Path) -> None:
    """The evidence of a store is what was told to it, whole."""
    with EvidenceStore.open(tmp_path / "a.wattmark") as store:
        tell(store, evidence())
        assert store.finish() == evidence()


def test_notes_added_while_resuming_are_kept(tmp_path: Path) -> None:
    """The head that was told last holds."""
    with EvidenceStore.open(tmp_path / "a.wattmark") as store:
        store.begin(head())
        store.begin(head(notes=("resumed",)))
        assert store.finish().notes == ("resumed",)


def test_a_finished_benchmark_is_not_written_over(tmp_path: Path) -> None:
    """Where a manifest is, nothing is begun and nothing resumed."""
    folder = tmp_path / "a.wattmark"
    folder.mkdir()
    (folder / MANIFEST).write_text("{}")
    with pytest.raises(UsageError, match="holds a finished benchmark"):
        EvidenceStore.open(folder)
    with pytest.raises(UsageError, match="nothing to resume"):
        EvidenceStore.resume(folder)


def test_an_unfinished_benchmark_is_resumed_or_removed(tmp_path: Path) -> None:
    """A second start in its folder does not write over it."""
    folder = tmp_path / "a.wattmark"
    with EvidenceStore.open(folder) as store:
        store.begin(head())
    with pytest.raises(UsageError, match="was not finished: resume it, or remove it"):
        EvidenceStore.open(folder)
    with EvidenceStore.resume(folder) as store:
        assert store.so_far() == head()


def test_a_folder_in_which_nothing_was_recorded_can_be_begun_again(tmp_path: Path) -> None:
    """Killed before the first line: there is nothing to lose."""
    folder = tmp_path / "a.wattmark"
    EvidenceStore.open(folder).close()
    with EvidenceStore.open(folder) as store:
        assert store.so_far() is None
        with pytest.raises(EvidenceError, match="the benchmark never began"):
            store.finish()


def test_nothing_to_resume(tmp_path: Path) -> None:
    """An empty folder holds no benchmark."""
    with pytest.raises(UsageError, match="holds no benchmark to resume"):
        EvidenceStore.resume(tmp_path)


def test_two_processes_do_not_write_one_benchmark(tmp_path: Path) -> None:
    """The second one is refused, and the first goes on."""
    folder = tmp_path / "a.wattmark"
    with EvidenceStore.open(folder) as first:
        first.begin(head())
        with pytest.raises(UsageError, match="another process is writing this benchmark"):
            EvidenceStore.resume(folder)
        with pytest.raises(UsageError, match="another process is writing this benchmark"):
            EvidenceStore.open(folder)
        first.phase(Phase(name=PhaseName.MEASURE, start_us=0, end_us=5))
        assert first.finish().phases[0].end_us == 5


def test_a_phase_that_did_not_end_counts_as_an_attempt(tmp_path: Path) -> None:
    """It is closed as failed where the last thing was seen."""
    folder = tmp_path / "a.wattmark"
    with EvidenceStore.open(folder) as store:
        store.begin(head())
        store.phase(MEASURE)
        store.looks([Look(device_id="GPU-1", at_us=3 * SECOND, energy_uj=5)])
        with pytest.raises(EvidenceError, match="measure has not ended"):
            store.finish()
    with EvidenceStore.resume(folder) as store:
        assert store.finish().phases == (replace(MEASURE, end_us=3 * SECOND, failed=CUT_SHORT),)
        assert store.last_us == 3 * SECOND


def test_half_a_line_is_cut_off(tmp_path: Path) -> None:
    """What stands before it is whole."""
    folder = tmp_path / "a.wattmark"
    with EvidenceStore.open(folder) as store:
        tell(store, evidence())
    journal = folder / OPEN / JOURNAL
    whole = journal.read_bytes()
    journal.write_bytes(whole + whole[:100])
    with EvidenceStore.resume(folder) as store:
        assert store.cut_bytes == 100
        assert store.finish() == evidence()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_is_left_of_the_journal_is_read(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Cut anywhere, it gives the beginning of what was told, never anything else."""
    folder = tmp_path_factory.mktemp("cut") / "a.wattmark"
    with EvidenceStore.open(folder) as store:
        tell(store, evidence())
    journal = folder / OPEN / JOURNAL
    whole = journal.read_bytes()
    journal.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    with EvidenceStore.resume(folder) as store:
        left = store.so_far()
        if left is None:
            return
        for looks, told in zip(left.looks, evidence().looks, strict=False):
            assert looks.at_us == told.at_us[: len(looks.at_us)]
            assert looks.energy_uj == told.energy_uj[: len(looks.energy_uj)]
        ended = [p for p in left.phases if p.failed != CUT_SHORT]
        assert tuple(ended) == evidence().phases[: len(ended)]
        assert left.queries in ((), evidence().queries)


def test_damage_before_the_end_is_not_cut_off(tmp_path: Path) -> None:
    """What was on the disk for good and is damaged now is told, never dropped."""
    folder = tmp_path / "a.wattmark"
    with EvidenceStore.open(folder) as store:
        tell(store, evidence())
    journal = folder / OPEN / JOURNAL
    damaged = bytearray(journal.read_bytes())
    damaged[20] ^= 1
    journal.write_bytes(damaged)
    with pytest.raises(EvidenceError, match=r"journal\.jsonl:1.*checksum"):
        EvidenceStore.resume(folder)
    assert journal.read_bytes() == damaged


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from tests.bench.bundle.samples import head, SECOND
    from tests.bench.bundle.test_store import MEASURE
    from wattmark.bench.bundle.store import EvidenceStore
    from wattmark.bench.keeping import Look
    store = EvidenceStore.open(Path(sys.argv[1]))
    store.begin(head())
    store.phase(MEASURE)
    for second in range(1, 6):
        store.looks([Look(device_id="GPU-1", at_us=second * SECOND, energy_uj=second)])
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_loses_nothing(tmp_path: Path) -> None:
    """Killed in the middle of a phase: every look that was told is there, and the lock is free."""
    folder = tmp_path / "a.wattmark"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(folder)],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    with EvidenceStore.resume(folder) as store:
        left = store.finish()
    assert left.looks[0].energy_uj == (1, 2, 3, 4, 5)
    assert left.phases[0].failed == CUT_SHORT


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_children_that_outlive_a_killed_benchmark_hold_no_lock(tmp_path: Path) -> None:
    """Workers that load data are forked with the files of the store; they let go of them."""
    folder = tmp_path / "a.wattmark"
    store = EvidenceStore.open(folder)
    store.begin(head())
    (told, tell_us), (asked, ask) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ask)
        os.write(tell_us, b"forked")
        os.read(asked, 1)  # until the parent closes its end
        os._exit(0)
    try:
        os.read(told, 1)
        store.looks([Look(device_id="GPU-1", at_us=1, energy_uj=1)])  # the parent's are as they were
        store.close()
        with EvidenceStore.resume(folder) as resumed:
            assert resumed.finish().looks[0].energy_uj == (1,)
    finally:
        os.close(ask)
        os.waitpid(child, 0)
        for number in (told, tell_us, asked):
            os.close(number)


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """The line that does not fit is told; what was there stays, and more fits once there is room."""
    folder = tmp_path / "a.wattmark"
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with EvidenceStore.open(folder) as store:
        store.begin(head())
        size = (folder / OPEN / JOURNAL).stat().st_size
        many = [Look(device_id="GPU-1", at_us=second, energy_uj=second) for second in range(10)]
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40, usual[1]))
        try:
            with pytest.raises(EvidenceError, match=r"cannot be written: .*can be resumed"):
                store.looks(many)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, usual)
            signal.signal(signal.SIGXFSZ, ignored)
        assert store.so_far() == head()
        store.looks([Look(device_id="GPU-1", at_us=1, energy_uj=5)])
        assert store.finish().looks[0].energy_uj == (5,)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """A file in its place: the error names it."""
    (tmp_path / "a.wattmark").write_text("")
    with pytest.raises(EvidenceError, match=r"a\.wattmark"):
        EvidenceStore.open(tmp_path / "a.wattmark")


def test_a_score_that_is_no_number_is_refused(tmp_path: Path) -> None:
    """JSON has no word for it, and half a line would not be read again."""
    with EvidenceStore.open(tmp_path / "a.wattmark") as store:
        store.begin(head())
        with pytest.raises(EvidenceError, match="cannot be kept"):
            store.queries([replace(evidence().queries[0], score=float("nan"))])
        assert store.finish() == head()


def test_a_journal_of_something_else_is_refused(tmp_path: Path) -> None:
    """Whole lines of another program are named, not guessed at."""
    folder = tmp_path / "a.wattmark"
    with EvidenceStore.open(folder) as store:
        store._journal.append("weather", "rain")
    with pytest.raises(EvidenceError, match="is not of this wattmark: it holds a record 'weather'"):
        EvidenceStore.resume(folder)


def test_a_place_where_nothing_can_be_made_holds_nothing_to_resume(tmp_path: Path) -> None:
    """A file stands where the folder is to be."""
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(EvidenceError, match=r"cannot be written: Not a directory$"):
        EvidenceStore.open(tmp_path / "taken" / "b.wattmark")
