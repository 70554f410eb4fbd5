"""What autoscalers are told, and which nodes can go."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.errors import UsageError
from wattmark.core.serving.consolidation import plan
from wattmark.core.serving.scaling import METRICS, DeviceLoad, ModelLoad, NodeLoad, Told, metric_named

TERMS = {"boundary": "device", "attribution_rule": "request_tokens"}


def a_gpu(utilisation: float | None = 0.5, **said: Any) -> DeviceLoad:
    told: dict[str, Any] = {"device_id": "gpu", "component": "gpu", "signal": "nvml_busy_time", **said}
    return DeviceLoad(utilisation=utilisation, **{"idle_watts": 100.0, **told})


def a_node(name: str = "a", busy: float | None = 0.5, **said: Any) -> NodeLoad:
    chat = ModelLoad(model="chat", requests=60.0, output_tokens=600.0, joules=300.0, terms=TERMS)
    told: dict[str, Any] = {
        "seconds": 60.0,
        "devices": (a_gpu(busy),),
        "models": (chat,),
        "in_engines": 2.0,
        **said,
    }
    return NodeLoad(name=name, **told)


def told(name: str, *nodes: NodeLoad, model: str = "chat", component: str = "") -> float | str:
    answer = metric_named(f"wattmark-{name}").of(nodes, model, component)
    return answer.value if isinstance(answer, Told) else str(answer)


def test_sums_and_ratios_over_replicas() -> None:
    """Half and all of a device busy: 0.75 of two, 1.5 in all. 600 J for 1200 tokens and 120 requests."""
    nodes = (a_node("a", 0.5), a_node("b", 1.0))
    assert told("utilisation", *nodes) == 0.75
    assert told("busy-devices", *nodes) == 1.5
    assert told("joules-per-output-token", *nodes) == 0.5
    assert told("output-tokens-per-joule", *nodes) == 2.0
    assert told("joules-per-request", *nodes) == 5.0
    assert told("requests-per-second", *nodes) == 2.0
    assert told("requests-in-engines", *nodes) == 4.0
    assert told("joules-per-request", *nodes, model="") == 5.0


def test_a_metric_that_there_is_not() -> None:
    """The error names those that there are."""
    with pytest.raises(UsageError, match="wattmark-utilisation"):
        metric_named("watts")


@pytest.mark.parametrize(
    ("name", "node", "why"),
    [
        ("utilisation", a_node(busy=None), "does not tell how busy"),
        ("utilisation", a_node(devices=()), "processor or accelerator"),
        ("utilisation", a_node(models=()), "processor or accelerator"),
        ("joules-per-request", a_node(models=()), "no node tells of the model 'chat'"),
        ("requests-per-second", a_node(models=()), "no node tells"),
        ("requests-per-second", a_node(seconds=0.0), "no minute is over"),
        ("requests-in-engines", a_node(in_engines=None), "does not tell it"),
        ("requests-in-engines", a_node(models=()), "does not tell it"),
    ],
)
def test_what_is_not_told_is_missing_and_no_zero(name: str, node: NodeLoad, why: str) -> None:
    """An autoscaler that is told 0 would remove replicas."""
    assert why in str(told(name, node))


def test_no_model_at_all() -> None:
    """Asked about all models where none is served."""
    assert "no model is served" in str(told("joules-per-request", a_node(models=()), model=""))


@pytest.mark.parametrize(
    ("said", "name", "why"),
    [
        ({"joules": None}, "joules-per-request", "missing: energy"),
        ({"output_tokens": None}, "output-tokens-per-joule", "missing: tokens"),
        ({"requests": 0.0}, "joules-per-request", "there was none in this window"),
        ({"requests": None}, "joules-per-request", "missing: requests"),
        ({"requests": None}, "requests-per-second", "counts none"),
        ({"joules": 0.0}, "output-tokens-per-joule", "missing: joules"),
    ],
)
def test_a_ratio_needs_both_of_its_parts(said: dict[str, Any], name: str, why: str) -> None:
    """Unknown energy, unknown tokens, nothing to divide by."""
    node = a_node()
    assert why in str(told(name, replace(node, models=(replace(node.models[0], **said),))))


def test_energies_on_different_terms_are_not_added() -> None:
    """One node measures its devices, the other the whole node: refused, not mixed."""
    other = a_node("b")
    wide = replace(other.models[0], terms={**TERMS, "boundary": "node"})
    assert "different boundaries" in str(told("joules-per-request", a_node(), replace(other, models=(wide,))))


def test_busy_time_of_different_kinds_is_not_mixed() -> None:
    """Kernel time and SM activity are two things (kpis.md, Hardware Utilisation Efficiency)."""
    nodes = a_node("a"), a_node("b", devices=(a_gpu(0.2, signal="sm_activity"),))
    assert "nvml_busy_time, sm_activity" in str(told("utilisation", *nodes))


def test_accelerators_before_processors_unless_asked() -> None:
    """A node's processors are idle while its GPU works."""
    cpu = DeviceLoad(device_id="cpu", component="cpu", utilisation=0.1, signal="cpu_busy_time")
    node = a_node(devices=(cpu, a_gpu(0.9)))
    assert told("utilisation", node) == 0.9
    assert told("utilisation", node, component="cpu") == 0.1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_utilisation_is_a_share_and_busy_devices_its_sum(busy: list[float]) -> None:
    """Any replicas: the ratio lies between the least and the most busy; times their number it is the sum."""
    nodes = [a_node(str(n), b) for n, b in enumerate(busy)]
    ratio, total = told("utilisation", *nodes), told("busy-devices", *nodes)
    assert isinstance(ratio, float)
    assert isinstance(total, float)
    assert min(busy) - 1e-12 <= ratio <= max(busy) + 1e-12
    assert total == pytest.approx(ratio * len(busy))


def test_every_metric_has_a_name_that_kubernetes_takes() -> None:
    """Lower case, digits and dashes, as a path segment wants it."""
    assert all(name.replace("-", "").isalnum() and name == name.lower() for name in METRICS)


HOUR = {"seconds": 3600.0}


def test_the_least_busy_nodes_go_while_the_rest_can_carry_all() -> None:
    """0.1, 0.3 and 0.2 busy are 0.6 on one node, below 0.65: the two least busy go, 200 W at least."""
    found = plan([a_node("a", 0.1, **HOUR), a_node("b", 0.3, **HOUR), a_node("c", 0.2, **HOUR)])
    assert [(v.name, v.drain) for v in found.verdicts] == [("a", True), ("c", True), ("b", False)]
    assert found.utilisation_before == pytest.approx(0.2)
    assert found.utilisation_after == pytest.approx(0.6)
    assert found.saved_watts == 200.0
    assert found.verdicts[2].reason == "it is the last of its kind"


def test_a_busy_fleet_stays() -> None:
    """Two nodes half busy would be one fully busy."""
    found = plan([a_node("a", 0.5, **HOUR), a_node("b", 0.5, **HOUR)])
    assert not any(v.drain for v in found.verdicts)
    assert "100% busy, above 65%" in found.verdicts[0].reason
    assert found.saved_watts == 0.0


def test_the_only_server_of_a_model_stays() -> None:
    """Its model has no other replica; one that no request asked for does not keep it."""
    rare = ModelLoad(model="rare", requests=1.0, output_tokens=None, joules=None, terms={})
    alone = a_node("a", 0.0, models=(rare,), **HOUR)
    found = plan([alone, a_node("b", 0.1, **HOUR)])
    assert [(v.name, v.drain) for v in found.verdicts] == [("a", False), ("b", False)]
    assert "nobody else serves rare" in found.verdicts[0].reason
    unasked = replace(alone, models=(replace(rare, requests=0.0),))
    assert plan([unasked, a_node("b", 0.1, **HOUR)]).verdicts[0].drain
    for uncounted, drain in ((replace(rare, requests=None), False), (UNASKED, True)):
        nodes = [replace(alone, models=(uncounted,)), a_node("b", 0.1, **HOUR)]
        assert plan(nodes).verdicts[0].drain is drain


UNASKED = ModelLoad(model="rare", requests=None, output_tokens=0.0, joules=None, terms={})
"""Of an engine that counts tokens and no requests, and counted none."""


@pytest.mark.parametrize(
    ("node", "why"),
    [
        (a_node(seconds=60.0), "60 s seen, 3600 s are needed"),
        (a_node(devices=(a_gpu(coverage=0.9),), **HOUR), "observed for 90% of the time"),
        (a_node(busy=None, **HOUR), "does not tell how busy"),
        (a_node(devices=(), **HOUR), "is measured"),
    ],
)
def test_without_evidence_a_node_is_neither_drained_nor_counted_on(node: NodeLoad, why: str) -> None:
    """Alone with such a node, an idle one is the last of its kind."""
    found = plan([node, a_node("z", 0.0, **HOUR)])
    assert why in found.verdicts[0].reason
    assert not any(v.drain for v in found.verdicts)


def test_nodes_of_another_kind_cannot_stand_in() -> None:
    """One GPU against two: each is the last of its kind. Without nodes there is no plan."""
    found = plan([a_node("a", 0.0, **HOUR), a_node("b", 0.0, devices=(a_gpu(0.0), a_gpu(0.0)), **HOUR)])
    assert not any(v.drain for v in found.verdicts)
    empty = plan([])
    assert (empty.utilisation_before, empty.utilisation_after) == (None, None)


def test_unknown_idle_power_is_not_nothing_saved() -> None:
    """A drained node whose meter does not tell what was idle leaves the saving unknown."""
    silent = a_node("a", devices=(a_gpu(0.0, idle_watts=None),), **HOUR)
    assert plan([silent, a_node("b", 0.1, **HOUR)]).saved_watts is None


def test_a_target_is_a_share() -> None:
    """More than all of a device cannot be busy."""
    with pytest.raises(UsageError, match="target"):
        plan([], target=1.5)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.05, 1))
def test_a_plan_never_exceeds_its_target(busy: list[float], target: float) -> None:
    """Where anything goes, what stays is at or below the target, and something stays."""
    found = plan([a_node(str(n), b, **HOUR) for n, b in enumerate(busy)], target=target)
    kept = [v for v in found.verdicts if not v.drain]
    assert kept
    if len(kept) < len(busy):
        assert sum(busy) / len(kept) <= target + 1e-9
