"""What an agent shows as JSON."""

import json

from tests.core.serving.test_figures import GRID, NO_PUE, a_window
from wattmark.core.serving.live import AgentState, EngineState, live_of
from wattmark.reports.live_json import live_document


def test_every_figure_says_how_it_is_known() -> None:
    """Known figures carry value and unit, missing ones say what to do, unknown amounts are null."""
    agent = AgentState(version="1", started_us=0, cpu_seconds=0.5, last_landed_us=60_000_000)
    live = live_of(
        [a_window()],
        host_id="h",
        at_us=61_000_000,
        pue=NO_PUE,
        intensity=GRID,
        engines=[EngineState(target="a", engine="vllm", up=False, reason="refused")],
        agent=agent,
    )
    told = json.loads(live_document(live))
    assert (told["schema"], told["schema_version"]) == ("wattmark.live", 1)
    (model,) = told["models"]
    assert model["joules_per_request"]["service"]["value"] == 125.0
    tenant = next(s for s in told["services"] if s["tenant"] == "acme")
    assert tenant["joules_per_request"]["service"]["status"] == "missing"
    assert told["devices"][0]["idle_share"]["value"] == 0.2
    assert told["engines"] == [
        {
            "target": "a",
            "engine": "vllm",
            "up": False,
            "reason": "refused",
            "running": None,
            "waiting": None,
            "kv_cache_usage": None,
        }
    ]
    assert told["agent"]["spool_files"] == 0
    assert (told["agent"]["started"], told["agent"]["last_landed"]) == (
        "1970-01-01T00:00:00.000Z",
        "1970-01-01T00:01:00.000Z",
    )
    assert (told["from"], told["to"]) == ("1970-01-01T00:00:00.000Z", "1970-01-01T00:01:00.000Z")


def test_what_never_landed_is_null() -> None:
    """No ledger yet: null, not 1970; no agent: null."""
    empty = {"host_id": "h", "at_us": 0, "pue": NO_PUE, "intensity": GRID}
    fresh = live_of([], agent=AgentState(version="1", started_us=0, cpu_seconds=0.0), **empty)  # type: ignore[arg-type]
    assert json.loads(live_document(fresh))["agent"]["last_landed"] is None
    assert json.loads(live_document(live_of([], **empty)))["agent"] is None  # type: ignore[arg-type]
