"""What an agent keeps beside its windows: kept with them, landed with them, and never counted twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.measure.test_busy_times import Gpu, a_window
from tests.measure.test_cgroups import ID, Machine, a_serving_window
from wattmark.agent.beside import Beside, beside
from wattmark.agent.spool import Spool
from wattmark.core.errors import LedgerError
from wattmark.core.known import Scope
from wattmark.core.run import SourceId
from wattmark.core.serving.evidence import Origin
from wattmark.core.serving.request import Service
from wattmark.core.serving.window import ServingWindow, Share
from wattmark.core.serving.workload import WorkloadTotals
from wattmark.measure.busy_times import BusyTimes
from wattmark.measure.workloads import Workloads, WorkloadWindows

SECOND = 1_000_000
ORIGIN = Origin(source=SourceId(name="agent"))


def followed(folder: Path) -> Beside:
    """A machine on which one container used a quarter of the CPUs in the second and the third minute."""
    machine = Machine(folder)
    machine.group(f"docker/{ID}", 0.0)
    follow = Workloads(machine.mount, machine.proc)
    kept = Beside(workloads=WorkloadWindows(follow), totals=WorkloadTotals())
    for second in range(30, 250, 10):
        spent = 0.5 * max(0, second - 60)
        machine.group(f"docker/{ID}", spent)
        machine.at(busy=spent, idle=2.0 * second - spent)
        kept.tick(float(second), second * SECOND)
    return kept


def charged(window: ServingWindow) -> ServingWindow:
    """The same window, its CPU charged to a model."""
    (use,) = window.devices
    share = Share(service=Service(model="chat"), device_id=use.device_id, idle_joules=use.energy_joules)
    return replace(window, devices=(replace(use, unallocated_joules=0.0),), shares=(share,))


def test_a_device_that_is_charged_to_a_model_lands_no_workloads_from_then_on(tmp_path: Path) -> None:
    """Nobody serves in the second minute, and the container's 25 J land; later only the metrics have them."""
    kept = followed(tmp_path)
    first = kept.use(a_serving_window(1))
    assert first is not None
    assert [share.busy_joules for share in first.shares] == [pytest.approx(25.0)]
    assert kept.use(charged(a_serving_window(2))) is None
    assert kept.use(a_serving_window(2)) is None
    assert kept.totals is not None
    (held,) = kept.totals.joules.values()
    assert held.busy == pytest.approx(75.0)


def test_workloads_wait_for_the_ledger_with_their_window(tmp_path: Path) -> None:
    """Under its number, and gone with it; a number that is put again has what it is put with."""
    kept = followed(tmp_path)
    window = a_serving_window(1)
    use = kept.use(window)
    assert use is not None
    spool = Spool(tmp_path / "spool")
    spool.put(1, [window], [use])
    assert (spool.windows(1), spool.uses(1), spool.waiting()) == ([window], [use], [1])
    spool.put(1, [window])
    assert spool.uses(1) == []
    spool.put(1, [window], [use])
    (tmp_path / "spool" / "000000000001.workloads").write_bytes(b"\xc1")
    with pytest.raises(LedgerError, match="000000000001"):
        spool.uses(1)
    spool.drop(1)
    assert list((tmp_path / "spool").iterdir()) == []


def test_shares_in_a_ledger_fit_their_whole(tmp_path: Path) -> None:
    """100 J of the CPU, 25 of them the container's: 100 J are counted, under whom they belong to."""
    pytest.importorskip("deltalake", reason="needs the extra 'ledger'")
    from wattmark.agent.landing import all_samples
    from wattmark.ledger.fold import fold
    from wattmark.ledger.inbox import land_samples
    from wattmark.ledger.store import open_store
    from wattmark.wiring.ledger import ask, engine_named, open_ledger, read_ledger

    kept = followed(tmp_path)
    window = a_serving_window(1)
    use = kept.use(window)
    assert use is not None
    samples = all_samples([window], [use], ORIGIN)
    assert [s.stream.scope for s in samples] == [Scope.WHOLE, Scope.SHARE]
    ledger = tmp_path / "ledger"
    store = open_store(str(ledger))
    land_samples(store, samples)
    fold(store, 120 * SECOND)
    opened = open_ledger(str(ledger))
    from wattmark.ledger.question import Question

    snapshot = read_ledger(opened, 120 * SECOND, lambda text: None)
    with engine_named("duckdb") as engine:
        answer = ask(opened.settings, snapshot, Question(by=("label.container.name",)), engine)
    joules = {total.group["label.container.name"]: total.observed_uj / 1e6 for total in answer.totals}
    assert joules[ID[:12]] == pytest.approx(25.0, abs=1e-5)
    assert sum(joules.values()) == pytest.approx(100.0, abs=1e-5)


def test_a_window_has_the_busy_time_that_was_seen(tmp_path: Path) -> None:
    """And without anybody who looks, what stood there."""
    gpu = Gpu()
    kept = Beside(busy=BusyTimes([gpu], gpu.devices, tmp_path))
    for second in range(0, 62, 2):
        kept.tick(float(second), second * SECOND)
    (use,) = kept.completed(a_window()).devices
    assert (use.busy_seconds, use.busy_signal) == (pytest.approx(30.0), "nvml_busy_time")
    window = a_window()
    assert Beside().completed(window) is window
    assert Beside().use(window) is None


def test_workloads_can_be_switched_off() -> None:
    """Then nothing of control groups is read."""
    said: list[str] = []
    kept = beside([], [], said.append, workloads=False, look_seconds=10.0)
    assert (kept.workloads, kept.totals, said) == (None, None, [])
