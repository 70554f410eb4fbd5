"""One machine under several names is one machine; two that claim one name stay two."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.builders import HOST, a_row, a_run
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.run import Host, Run, SourceId, Subject
from wattmark.core.telemetry import Samples, Stream
from wattmark.ledger.machines import Machines, machines_of, told_of

SECOND = 1_000_000
NOON = 1_793_534_400 * SECOND
GPU = "GPU-11111111-2222-3333-4444-555555555555"
NAMED = replace(HOST, names=("h-name.example", "h-name"))


def measured(**changes: object) -> Run:
    return a_run(host=NAMED, **changes)


def an_import(host_id: str, **changes: object) -> Run:
    return a_run(host=Host(id=host_id, fingerprint="import"), started_monotonic_seconds=None, **changes)


def machines(*runs: Run) -> Machines:
    return machines_of(told_of(run) for run in runs)


def a_stream(host_id: str, device_id: str, **changes: object) -> Stream:
    fields: dict[str, object] = {
        "source": SourceId(name="node_exporter"),
        "host_id": host_id,
        "device_id": device_id,
        "component": "cpu",
        "method": Method.HARDWARE_COUNTER,
        "grade": Grade.B,
        "boundary": Boundary.DEVICE,
    }
    return Stream(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_stream_of_a_name_is_of_the_machine_that_is_called_so() -> None:
    """Its devices, and what they are part of, are named after the machine."""
    found = machines(measured()).of_stream(a_stream("h-name", "cpu:h-name/package-0", part_of="node:h-name"))
    assert (found.host_id, found.device_id, found.part_of) == (
        HOST.id,
        f"cpu:{HOST.id}/package-0",
        f"node:{HOST.id}",
    )


def test_a_gpu_is_in_the_machine_that_has_read_it() -> None:
    """An export that names no machine still names the GPU."""
    run = measured(energies=(a_row(device_id=GPU, component="gpu"),))
    found = machines(run).of_stream(a_stream(f"h-of-{GPU}", GPU))
    assert (found.host_id, found.device_id) == (HOST.id, GPU)


def test_an_imported_run_goes_by_name_or_by_its_gpus() -> None:
    """What it read of the machine competes with what others read of it."""
    known = machines(measured(energies=(a_row(device_id=GPU, component="gpu"),)))
    by_name = known.of_run(an_import("h-name", energies=(a_row(device_id="cpu:h-name/package-0"),)))
    assert by_name.host.id == HOST.id
    assert by_name.energies[0].device_id == f"cpu:{HOST.id}/package-0"
    by_gpu = known.of_run(an_import("h-other", energies=(a_row(device_id=GPU, component="gpu"),)))
    assert by_gpu.host.id == HOST.id


def test_a_name_of_two_machines_is_nobodys() -> None:
    """Else the energy of one of them would be taken for the other's."""
    other = measured(record_id="other")
    twice = machines(measured(), replace(other, host=replace(NAMED, id="another")))
    stream = a_stream("h-name", "cpu:h-name/package-0")
    assert twice.of_stream(stream) == stream


def test_a_gpu_that_was_moved_decides_nothing() -> None:
    """Two machines have read it."""
    row = a_row(device_id=GPU, component="gpu")
    moved = machines(
        measured(energies=(row,)),
        a_run(record_id="other", host=replace(NAMED, id="another", names=()), energies=(row,)),
    )
    stream = a_stream("h-x", GPU)
    assert moved.of_stream(stream) == stream
    run = an_import("h-x", energies=(row,))
    assert moved.of_run(run) == run


def test_what_names_no_known_machine_stays_as_it_is() -> None:
    """Nothing is guessed; a numbered GPU is its own machine's."""
    known = machines(measured(energies=(a_row(device_id="gpu:0", component="gpu"),)))
    for stream in (a_stream("h-else", "cpu:h-else/package-0"), a_stream("h-else", "gpu:0")):
        assert known.of_stream(stream) == stream
    run = measured()
    assert known.of_run(run) is run


def test_an_exporter_and_a_run_of_one_machine_count_once(tmp_path: Path) -> None:
    """90 J measured and 90 J exported are 90 J, whichever came first, and whether counted anew or not."""
    pytest.importorskip("deltalake")
    from wattmark.core.tags import TagRules
    from wattmark.ledger.derive import refresh
    from wattmark.ledger.fold import fold
    from wattmark.ledger.inbox import land_run, land_samples
    from wattmark.ledger.store import open_store
    from wattmark.testing.fleet.chaos import as_document

    run = measured(started_at="2026-11-01T12:00:00Z", subject=Subject(team="search"))
    start = round(NOON)
    samples = Samples(
        stream=a_stream("h-name", "cpu:h-name/package-0"),
        start_us=[start],
        end_us=[start + 10 * SECOND],
        energy_uj=[90_000_000],
    )
    totals = []
    for first in ("run", "samples"):
        store = open_store(str(tmp_path / first))
        for what in (first, "samples" if first == "run" else "run"):
            if what == "run":
                land_run(store, as_document(run))
            else:
                land_samples(store, [samples])
            fold(store, NOON)
            refresh(store, TagRules())
        for snapshot in (refresh(store, TagRules()), refresh(store, TagRules(), only_exactly=True)):
            rows = snapshot.arrow("counted").to_table().to_pylist()
            totals.append(sum(row["energy_uj"] for row in rows))
            assert {row["host_id"] for row in rows} == {HOST.id}
    assert totals == [90_000_000] * 4
