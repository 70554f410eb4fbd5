"""Windows added up: counters that never fall, of a bounded number of services."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.serving.cumulative import (
    EVERY_OTHER,
    JOULES_BUCKETS,
    OTHER,
    QUIET_US,
    AgentTotals,
    CarbonRate,
    Histogram,
    Known,
)
from wattmark.core.serving.request import Rule, Service
from wattmark.core.serving.window import DeviceUse, ServingWindow, Share, Work
from wattmark.core.units import JOULES_PER_KWH

MINUTE = 60_000_000
GPU = Known(Rule.TOKENS, Boundary.DEVICE, Grade.B)
CHAT = Service(model="chat", tenant="a")


def a_device(joules: float = 100.0, unallocated: float = 0.0, **changes: object) -> DeviceUse:
    fields: dict[str, object] = {
        "device_id": "GPU-1",
        "component": "gpu",
        "source": "nvml",
        "method": Method.HARDWARE_COUNTER,
        "grade": Grade.B,
        "energy_joules": joules,
        "observed_seconds": 60.0,
        "idle_joules": 20.0,
        "unallocated_joules": unallocated,
    }
    return DeviceUse(**{**fields, **changes})  # type: ignore[arg-type]


def a_window(*parts: Share | Work | DeviceUse, minute: int = 0, rule: Rule = Rule.TOKENS) -> ServingWindow:
    return ServingWindow(
        host_id="h",
        start_us=minute * MINUTE,
        end_us=(minute + 1) * MINUTE,
        rule=rule,
        devices=tuple(p for p in parts if isinstance(p, DeviceUse)),
        shares=tuple(p for p in parts if isinstance(p, Share)),
        works=tuple(p for p in parts if isinstance(p, Work)),
    )


def a_share(service: Service = CHAT, device: str = "GPU-1", **joules: float) -> Share:
    return Share(service=service, device_id=device, **joules)


def test_a_window_adds_what_each_service_was_charged() -> None:
    """60 + 20 + 20 J make up the device; 10 of the 80 J of requests are in neither phase."""
    totals = AgentTotals()
    share = a_share(
        succeeded_joules=60.0,
        failed_joules=20.0,
        idle_joules=20.0,
        prefill_joules=30.0,
        decode_joules=40.0,
        rule_error_joules=5.0,
    )
    for minute in (0, 1):
        totals.fold(a_window(a_device(), share, minute=minute))
    ((service, known), held), *_ = totals.joules.items()
    assert (service, known) == (CHAT, GPU)
    assert (held.succeeded, held.failed, held.idle) == (120.0, 40.0, 40.0)
    assert (held.prefill, held.decode, held.whole, held.rule_error) == (60.0, 80.0, 20.0, 10.0)
    assert (totals.windows, totals.last_window_end_us) == (2, 2 * MINUTE)


def test_rules_and_grades_stay_apart() -> None:
    """Figures of different rules are never added unseen."""
    totals = AgentTotals()
    share = a_share(succeeded_joules=100.0)
    totals.fold(a_window(a_device(), share))
    totals.fold(a_window(a_device(), share, minute=1, rule=Rule.EQUAL))
    totals.fold(a_window(a_device(grade=Grade.C), share, minute=2))
    assert [known for _, known in totals.joules] == [
        GPU,
        Known(Rule.EQUAL, Boundary.DEVICE, Grade.B),
        Known(Rule.TOKENS, Boundary.DEVICE, Grade.C),
    ]


def test_a_device_tells_its_gaps_and_how_busy_it_was() -> None:
    """45 of 60 s observed, 9 busy: 15 s unobserved, 20 % by that signal, 2 W on average."""
    totals = AgentTotals()
    use = a_device(90.0, 90.0, observed_seconds=45.0, busy_seconds=9.0, busy_signal="nvml_busy_time")
    totals.fold(a_window(use))
    (held,) = totals.devices.values()
    assert (held.energy, held.idle, held.unallocated, held.unobserved) == (90.0, 20.0, 90.0, 15.0)
    assert (held.busy, held.watched) == ({"nvml_busy_time": 9.0}, {"nvml_busy_time": 45.0})
    assert held.last_utilisation == {"nvml_busy_time": 0.2}
    assert held.last_watts == 2.0


def test_a_window_in_which_a_device_was_not_read_shows_no_power() -> None:
    """The last figure would be stale, and 0 W would be a lie."""
    totals = AgentTotals()
    totals.fold(a_window(a_device(90.0, 90.0, busy_seconds=1.0, busy_signal="s")))
    totals.fold(a_window(a_device(0.0, observed_seconds=0.0, busy_seconds=0.0, busy_signal="s"), minute=1))
    (held,) = totals.devices.values()
    assert held.last_watts is None
    assert held.last_utilisation == {}
    assert held.unobserved == 60.0


def test_work_that_is_not_known_is_not_0() -> None:
    """Tokens known in one of two windows: 20, and 3 requests without."""
    totals = AgentTotals()
    totals.fold(a_window(Work(service=CHAT, requests=2.0, failed=1.0)))
    (done,) = totals.done.values()
    assert (done.input_tokens, done.output_tokens, done.request_seconds) == (None, None, None)
    totals.fold(
        a_window(
            Work(
                service=CHAT,
                requests=1.0,
                input_tokens=10.0,
                cached_input_tokens=4.0,
                output_tokens=20.0,
                request_seconds=3.0,
            ),
            minute=1,
        )
    )
    assert (done.requests, done.failed) == (3.0, 1.0)
    assert (done.input_tokens, done.cached_input_tokens, done.output_tokens) == (10.0, 4.0, 20.0)
    assert (done.without_input, done.without_output, done.request_seconds) == (3.0, 3.0, 3.0)


def test_requests_that_no_engine_counts_are_no_zero() -> None:
    """Tokens move, and nobody knows of how many requests."""
    totals = AgentTotals()
    totals.fold(a_window(Work(service=CHAT, output_tokens=20.0, untold=("requests", "failed"))))
    (done,) = totals.done.values()
    assert (done.requests, done.failed, done.output_tokens) == (None, None, 20.0)


def test_carbon_meets_the_pue_at_the_boundary_of_a_node_alone() -> None:
    """3.6 MJ are 1 kWh; at 400 g/kWh and a PUE of 1.5 that is 600 g of a node, and 400 g of a GPU alone."""
    rate = CarbonRate("location", "lifecycle", 400.0, 1.5)
    gpu, node = AgentTotals(), AgentTotals()
    gpu.fold(a_window(a_device(JOULES_PER_KWH), a_share(succeeded_joules=JOULES_PER_KWH)), [rate])
    rest = a_device(
        JOULES_PER_KWH, device_id="rest", component="rest_of_node", boundary=Boundary.NODE, grade=Grade.A
    )
    node.fold(
        a_window(
            a_device(JOULES_PER_KWH),
            rest,
            a_share(failed_joules=JOULES_PER_KWH),
            a_share(device="rest", idle_joules=JOULES_PER_KWH),
            a_share(),
        ),
        [rate],
    )
    ((key, grams),) = gpu.carbon.items()
    assert (key.known.boundary, key.accounting, key.basis) == (Boundary.DEVICE, "location", "lifecycle")
    assert grams.succeeded == pytest.approx(400.0)
    failed, idle = node.carbon.values()
    assert {key.known.boundary for key in node.carbon} == {Boundary.FACILITY}
    assert (failed.failed, idle.idle) == (pytest.approx(600.0), pytest.approx(600.0))


def test_a_node_without_a_pue_stays_a_node() -> None:
    """Nothing is made up for cooling."""
    rest = a_device(JOULES_PER_KWH, device_id="rest", component="rest_of_node", boundary=Boundary.NODE)
    totals = AgentTotals()
    totals.fold(
        a_window(rest, a_share(device="rest", succeeded_joules=JOULES_PER_KWH)),
        [CarbonRate("location", "direct", 400.0)],
    )
    ((key, grams),) = totals.carbon.items()
    assert key.known.boundary is Boundary.NODE
    assert grams.succeeded == pytest.approx(400.0)


def test_energy_whose_intensity_is_not_known_is_told_apart() -> None:
    """A missing factor is no carbon of 0."""
    totals = AgentTotals()
    share = a_share(succeeded_joules=90.0, idle_joules=10.0)
    totals.fold(a_window(a_device(), share), [CarbonRate("location", "lifecycle", None)])
    assert totals.carbon == {}
    (held,) = totals.uncounted.values()
    assert (held.succeeded, held.idle) == (90.0, 10.0)


def test_requests_fill_a_histogram() -> None:
    """0.01 J is in the first bucket, its bound included; 1 MJ above the last."""
    totals = AgentTotals()
    for joules in (0.01, 2.0, 2.5, 1e6, -1e-12):
        totals.observe(CHAT, GPU, joules, 0)
    (held,) = totals.histograms.values()
    cumulative = held.cumulative()
    assert cumulative[0] == 2
    assert cumulative[JOULES_BUCKETS.index(2.5)] == 4
    assert cumulative[-2:] == [4, 5]
    assert held.joules == pytest.approx(1_000_004.51)
    assert Histogram().cumulative()[-1] == 0


def test_tenants_beyond_the_limit_are_shown_together() -> None:
    """The third of two tenants is other; what is hidden so is told."""
    totals = AgentTotals(most_tenants=2)
    for minute, tenant in enumerate("abcc"):
        share = a_share(Service(model="chat", tenant=tenant), succeeded_joules=100.0)
        totals.fold(a_window(a_device(), share, minute=minute))
    shown = {service.tenant: held.succeeded for (service, _), held in totals.joules.items()}
    assert shown == {"a": 100.0, "b": 100.0, OTHER: 200.0}
    assert totals.full == (True, False)
    assert totals.hidden_joules == 200.0


def test_services_beyond_the_limit_are_shown_together() -> None:
    """Nothing is lost, however many releases there are."""
    totals = AgentTotals(most_services=2)
    for minute in range(4):
        share = a_share(Service(model="chat", model_version=f"v{minute}"), succeeded_joules=100.0)
        totals.fold(a_window(a_device(), share, minute=minute))
    assert totals.joules[EVERY_OTHER, GPU].succeeded == 200.0
    assert sum(held.succeeded for held in totals.joules.values()) == 400.0
    assert totals.full == (False, True)


def test_what_is_quiet_for_a_day_makes_way() -> None:
    """An old release ends when a new one needs its place; its requests and carbon end with it."""
    totals = AgentTotals(most_tenants=1, most_services=1)
    old, new = (Service(model="chat", model_version=v, tenant=v) for v in ("v1", "v2"))
    rates = [CarbonRate("location", "direct", 1.0), CarbonRate("market", "direct", None)]
    parts = a_device(), a_share(old, succeeded_joules=100.0), Work(service=old, requests=1.0)
    totals.fold(a_window(*parts), rates)
    totals.observe(old, GPU, 100.0, MINUTE)
    soon = 1
    totals.fold(a_window(a_device(), a_share(new, succeeded_joules=100.0), minute=soon), rates)
    assert (EVERY_OTHER, GPU) in totals.joules
    assert (old, GPU) in totals.joules
    later = QUIET_US // MINUTE + 2
    totals.fold(a_window(a_device(), a_share(new, succeeded_joules=100.0), minute=later), rates)
    assert (new, GPU) in totals.joules
    assert (old, GPU) not in totals.joules
    assert (totals.done, totals.histograms) == ({}, {})
    assert {key.service for key in (*totals.carbon, *totals.uncounted)} == {new, EVERY_OTHER}
    assert totals.full == (True, True)


def test_while_there_are_too_many_quiet_ones_are_looked_for_once_a_minute() -> None:
    """Not at every request: the second service of the same minute is other, though the first is quiet."""
    totals = AgentTotals(most_services=1)
    totals.observe(Service(model="a"), GPU, 1.0, 0)
    later = QUIET_US + MINUTE
    totals.observe(Service(model="b"), GPU, 1.0, later - 2 * MINUTE)
    totals.observe(Service(model="c"), GPU, 1.0, later)
    assert [service.model for service, _ in totals.histograms] == [OTHER, "c"]


def test_the_largest_error_of_conservation_is_kept() -> None:
    """A window is refused at 1e-9 of a device, and one of a microjoule is let through."""
    totals = AgentTotals()
    totals.fold(a_window(a_device(1.0), a_share(succeeded_joules=1.0 + 5e-7)))
    totals.fold(a_window(a_device(1.0), a_share(succeeded_joules=1.0), minute=1))
    assert totals.conservation_error == pytest.approx(5e-7)


amounts = st.floats(0.0, 1e6)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), amounts, amounts, amounts, amounts), max_size=30))
def test_nothing_is_lost_and_nothing_falls(drawn: list[tuple[str, float, float, float, float]]) -> None:
    """Whatever comes, shown services and unallocated energy make up the devices, and each counter rises."""
    totals = AgentTotals(most_tenants=3, most_services=3)
    energy, before = 0.0, 0.0
    for minute, (tenant, good, bad, idle, left) in enumerate(drawn):
        use = a_device(math.fsum((good, bad, idle, left)), left, idle_joules=idle)
        service = Service(model="chat", tenant=tenant)
        share = a_share(service, succeeded_joules=good, failed_joules=bad, idle_joules=idle)
        totals.fold(a_window(use, share, minute=minute))
        energy += use.energy_joules
        charged = sum(h.succeeded + h.failed + h.idle for h in totals.joules.values())
        assert charged >= before
        before = charged
        parts = charged + sum(d.unallocated for d in totals.devices.values())
        assert math.isclose(parts, energy, rel_tol=1e-9, abs_tol=1e-6)
    assert len({service for service, _ in totals.joules}) <= 3 + 2
