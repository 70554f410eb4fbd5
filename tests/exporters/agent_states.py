"""States of an agent for the tests of what it shows."""

from __future__ import annotations

from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.serving.cumulative import AgentTotals, CarbonRate, Known
from wattmark.core.serving.request import Rule, Service
from wattmark.core.serving.window import DeviceUse, ServingWindow, Share, Work
from wattmark.core.serving.workload import (
    Workload,
    WorkloadDevice,
    WorkloadKind,
    WorkloadShare,
    WorkloadTotals,
    WorkloadUse,
)
from wattmark.exporters.agent_state import (
    AgentState,
    EngineModel,
    EngineNow,
    GridNow,
    OwnCost,
    PueNow,
    RegressionNow,
)

MINUTE = 60_000_000
CHAT = Service(model="chat", model_version="v1", tenant='"team" a\\b', target="engine-1")
PART = Service(model="part")
KNOWN = Known(Rule.TOKENS, Boundary.DEVICE, Grade.B)
END = 1_795_000_000 * 1_000_000


def a_window(end_us: int = END) -> ServingWindow:
    """A minute of a GPU at 100 W, half busy: 60 % to requests of chat, 10 % failed, the rest idle."""
    use = DeviceUse(
        device_id="GPU-1",
        component="gpu",
        source="nvml",
        method=Method.HARDWARE_COUNTER,
        grade=Grade.B,
        energy_joules=6000.0,
        observed_seconds=60.0,
        idle_joules=1800.0,
        unallocated_joules=300.0,
        busy_seconds=30.0,
        busy_signal="nvml_busy_time",
    )
    share = Share(
        service=CHAT,
        device_id="GPU-1",
        succeeded_joules=3600.0,
        failed_joules=600.0,
        idle_joules=1500.0,
        prefill_joules=1000.0,
        decode_joules=3000.0,
        rule_error_joules=50.0,
    )
    works = (
        Work(
            service=CHAT,
            requests=12.0,
            failed=2.0,
            input_tokens=1200.0,
            cached_input_tokens=200.0,
            output_tokens=600.0,
            request_seconds=90.0,
        ),
        Work(service=PART, requests=1.0),
    )
    return ServingWindow(
        host_id="h",
        start_us=end_us - MINUTE,
        end_us=end_us,
        rule=Rule.TOKENS,
        devices=(use,),
        shares=(share,),
        works=works,
    )


def some_workloads() -> WorkloadTotals:
    """10 J of a CPU: 6 busy and 1 idle to a container, 3 unallocated."""
    inside = Workload(
        kind=WorkloadKind.CONTAINER, name="engine", namespace="serving", pod="chat-0", container="engine"
    )
    device = WorkloadDevice(
        device_id="cpu:h/package-0",
        component="cpu",
        source="rapl",
        method=Method.HARDWARE_COUNTER,
        grade=Grade.B,
        energy_joules=10.0,
        observed_seconds=60.0,
        unallocated_joules=3.0,
    )
    share = WorkloadShare(workload=inside, device_id=device.device_id, busy_joules=6.0, idle_joules=1.0)
    totals = WorkloadTotals()
    totals.fold(
        WorkloadUse(host_id="h", start_us=END - MINUTE, end_us=END, devices=(device,), shares=(share,))
    )
    return totals


def a_state() -> AgentState:
    """Everything that an agent can show, once."""
    totals = AgentTotals()
    rates = [CarbonRate("location", "lifecycle", 360.0, 1.2), CarbonRate("market", "direct", None)]
    totals.fold(a_window(), rates)
    totals.observe(CHAT, KNOWN, 300.0, END)
    totals.observe(CHAT, KNOWN, 0.02, END)
    return AgentState(
        totals=totals,
        own=OwnCost(
            version="0.1.0",
            cpu_seconds=1.5,
            resident_bytes=30e6,
            last_landed_seconds=1_794_999_940.0,
            spool_bytes=4096.0,
            spool_files=1.0,
            received={"http": 14},
            refused={"late": 1},
        ),
        engines=(
            EngineNow(
                target="engine-1",
                engine="vllm",
                up=True,
                models=(EngineModel(model="chat", running=3.0, waiting=0.0, kv_cache_usage=0.25),),
                failures={"timeout": 2},
            ),
            EngineNow(target="engine-2", engine="llamacpp", up=False),
        ),
        workloads=some_workloads(),
        pues=(PueNow(value=1.2, kind="declared"),),
        grids=(
            GridNow(grams_per_kwh=360.0, accounting="location", basis="lifecycle", source="table", zone="DE"),
        ),
        regressions=(
            RegressionNow(
                model="chat", model_version="v1", metric="joules_per_request", active=True, ratio=1.1
            ),
            RegressionNow(model="chat", model_version="v1", metric="joules_per_output_token", active=False),
        ),
    )


def an_empty_state() -> AgentState:
    """An agent that has just begun."""
    return AgentState(totals=AgentTotals(), own=OwnCost(version="0.1.0", cpu_seconds=0.0))
