"""From the state of an agent to families of metrics."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.exporters.agent_states import END, KNOWN, a_state, an_empty_state
from wattmark.core.serving.cumulative import JOULES_BUCKETS
from wattmark.exporters.agent_catalog import CATALOG, ROWS, Kind
from wattmark.exporters.agent_families import Buckets, families
from wattmark.exporters.agent_state import AgentState

CHAT = {"model": "chat", "model_version": "v1", "tenant": '"team" a\\b', "target": "engine-1"}
HOW = {"attribution_rule": "request_tokens", "boundary": "device", "grade": "B"}


def series(state: AgentState, name: str) -> dict[tuple[tuple[str, str], ...], float | Buckets]:
    """Labels that are there -> value, of one family."""
    found = {}
    for family in families(state):
        if family.row.name == name:
            for labels, value in family.points:
                pairs = tuple((n, v) for n, v in zip(family.row.labels, labels, strict=True) if v)
                found[pairs] = value
    return found


def value(state: AgentState, name: str, **labels: str) -> float | Buckets:
    """The one series that has these labels."""
    matching = [v for pairs, v in series(state, name).items() if labels.items() <= dict(pairs).items()]
    (found,) = matching
    return found


def test_a_full_state_fills_every_family_of_the_catalog() -> None:
    """And in its order: nothing stands there that is never shown."""
    assert [family.row.name for family in families(a_state())] == [row.name for row in ROWS]


def test_outcomes_add_up_to_what_a_service_is_charged() -> None:
    """Success and failed are the attributed figure, with idle the service figure: 3600 + 600 + 1500 J."""
    outcomes = {
        outcome: value(a_state(), "wattmark_inference_energy_joules", **CHAT, **HOW, outcome=outcome)
        for outcome in ("success", "failed", "idle")
    }
    assert outcomes == {"success": 3600.0, "failed": 600.0, "idle": 1500.0}


def test_phases_add_up_to_the_requests() -> None:
    """1000 + 3000 + 200 J are the 4200 J of requests."""
    phases = series(a_state(), "wattmark_inference_phase_energy_joules")
    assert sorted(dict(pairs)["phase"] for pairs in phases) == ["decode", "prefill", "whole"]
    assert sum(v for v in phases.values() if isinstance(v, float)) == 4200.0


def test_a_device_is_shown_with_how_it_is_known() -> None:
    """So that an estimate never passes for a measurement."""
    (labels,) = series(a_state(), "wattmark_energy_joules")
    assert dict(labels) == {
        "device": "GPU-1",
        "component": "gpu",
        "boundary": "device",
        "method": "hardware_counter",
        "grade": "B",
        "source": "nvml",
    }
    assert value(a_state(), "wattmark_power_watts", device="GPU-1") == 100.0
    assert value(a_state(), "wattmark_device_utilisation_ratio", signal="nvml_busy_time") == 0.5


def test_a_power_of_the_moment_takes_the_place_of_the_last_windows() -> None:
    """The agent reads more often than it closes windows."""
    assert value(replace(a_state(), powers={"GPU-1": 250.0}), "wattmark_power_watts") == 250.0


def test_what_is_not_known_has_no_series() -> None:
    """A model whose tokens nobody told has no counter of tokens, and one of requests without."""
    state = a_state()
    assert [dict(pairs)["model"] for pairs in series(state, "wattmark_inference_output_tokens")] == ["chat"]
    without = series(state, "wattmark_inference_requests_without_tokens")
    assert {dict(p)["model"]: v for p, v in without.items() if dict(p)["tokens"] == "output"} == {
        "chat": 0.0,
        "part": 1.0,
    }
    ratios = series(state, "wattmark_regression_ratio")
    assert [dict(pairs)["metric"] for pairs in ratios] == ["joules_per_request"]


def test_a_new_agent_shows_itself_and_no_zeros_of_others() -> None:
    """No device, model or landing has been seen."""
    assert [family.row.name for family in families(an_empty_state())] == [
        "wattmark_agent",
        "wattmark_agent_cpu_seconds",
        "wattmark_agent_windows",
        "wattmark_agent_conservation_error_ratio",
        "wattmark_agent_limit_reached",
        "wattmark_agent_hidden_joules",
    ]


def test_carbon_and_energy_without_carbon_are_two_families() -> None:
    """3600 J at 360 g/kWh are 0.36 g; what met no factor is told in joules."""
    grams = value(a_state(), "wattmark_inference_carbon_grams", outcome="success")
    assert grams == pytest.approx(0.36)
    rest = series(a_state(), "wattmark_inference_energy_without_carbon_joules")
    assert {dict(p)["accounting"] for p in rest} == {"market"}


def test_the_histogram_holds_each_request_once() -> None:
    """300 J and 0.02 J."""
    buckets = value(a_state(), "wattmark_inference_request_energy_joules", grade=KNOWN.grade.value)
    assert isinstance(buckets, Buckets)
    assert buckets.bounds == JOULES_BUCKETS
    assert (sum(buckets.counts), buckets.total) == (2, 300.02)


def test_times_are_in_seconds() -> None:
    """As Prometheus wants them."""
    assert value(a_state(), "wattmark_agent_last_window_end_timestamp_seconds") == END / 1e6


def test_names_are_in_base_units_and_say_what_they_are() -> None:
    """A counter of joules ends in joules, a share in ratio; no name ends as its kind does by itself."""
    endings = {"J": "joules", "W": "watts", "s": "seconds", "By": "bytes", "g": "grams"}
    for row in ROWS:
        assert not row.name.endswith(("_total", "_info", "_bucket", "_sum", "_count")), row.name
        if row.unit in endings:
            assert row.name.endswith(endings[row.unit]), row.name
        assert row.what.endswith("."), row.name
        assert len(set(row.labels)) == len(row.labels)
    assert CATALOG["wattmark_agent"].shown == "wattmark_agent_info"
    assert {row.kind for row in ROWS} == set(Kind)
