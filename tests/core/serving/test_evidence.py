"""Windows of serving as telemetry: everything counted once, and the shares of a device never above it."""

from __future__ import annotations

import math
from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.known import Boundary, Grade, Method, Scope
from wattmark.core.run import SourceId, Subject
from wattmark.core.serving.evidence import PARTY, Origin, samples_of
from wattmark.core.serving.request import Rule, Service
from wattmark.core.serving.window import DeviceUse, ServingWindow, Share, Work
from wattmark.core.telemetry import JOULES, Samples

MINUTE = 60_000_000
TAGS = Subject(organisation="org", team="ml", environment="prod", zone="FR", labels={"rack": "7"})
ORIGIN = Origin(source=SourceId(name="agent", version="1"), subject=TAGS)
CHAT = Service(model="chat", model_version="2", tenant="acme", target="vllm")


def use(
    energy: float, *, observed: float = 60.0, component: str = "gpu", unallocated: float = 0.0
) -> DeviceUse:
    """A device of a window."""
    rest = component == "rest_of_node"
    return DeviceUse(
        device_id=f"{component}:0",
        component=component,
        source="nvml",
        method=Method.HARDWARE_COUNTER,
        grade=Grade.B,
        boundary=Boundary.NODE if rest else Boundary.DEVICE,
        errors={"nvml:gain": 0.05},
        energy_joules=energy,
        observed_seconds=observed,
        idle_joules=unallocated,
        unallocated_joules=unallocated,
    )


def window(*devices: DeviceUse, minute: int = 0, **more: object) -> ServingWindow:
    """One minute."""
    return ServingWindow(
        host_id="h",
        start_us=minute * MINUTE,
        end_us=(minute + 1) * MINUTE,
        rule=Rule.TOKENS,
        devices=devices,
        **more,  # type: ignore[arg-type]
    )


def of(samples: tuple[Samples, ...], unit: str = JOULES, scope: Scope = Scope.WHOLE) -> list[Samples]:
    """The samples of one kind of stream."""
    return [s for s in samples if s.stream.unit == unit and s.stream.scope is scope]


def test_a_window_becomes_a_whole_and_its_shares() -> None:
    """Of 100 J, 60 are the model's successes, 10 its failures, 20 its idleness; 10 are nobody's."""
    share = Share(
        service=CHAT, device_id="gpu:0", succeeded_joules=60.0, failed_joules=10.0, idle_joules=20.0
    )
    made = samples_of([window(use(100.0, unallocated=10.0), shares=(share,))], ORIGIN)
    (whole,) = of(made)
    assert (whole.energy_uj, whole.observed) == ([100_000_000], [True])
    parties = {s.stream.subject.labels[PARTY]: s.energy_uj for s in of(made, scope=Scope.SHARE)}
    assert parties == {"requests": [60_000_000], "failed": [10_000_000], "idle": [20_000_000]}


def test_a_whole_is_nobodys_and_a_share_says_whose_it_is() -> None:
    """A device's stream has the machine's tags alone; a share has the model's, its tenant and its target."""
    share = Share(service=CHAT, device_id="gpu:0", succeeded_joules=100.0)
    made = samples_of([window(use(100.0), shares=(share,))], ORIGIN)
    (whole,), (charged,) = of(made), of(made, scope=Scope.SHARE)
    assert whole.stream.subject == Subject(organisation="org", environment="prod", zone="FR")
    subject = charged.stream.subject
    assert (subject.model, subject.model_version, subject.stage) == ("chat", "2", "inference")
    assert subject.labels == {"rack": "7", "tenant": "acme", "target": "vllm", PARTY: "requests"}
    assert charged.stream.attribution_rule == "request_tokens"
    assert whole.stream.source.name == charged.stream.source.name == "agent:nvml"
    assert whole.stream.errors == {"nvml:gain": 0.05}


def test_work_counts_what_is_known() -> None:
    """Three successes and one failure with 40 output tokens; input tokens that nobody told are no row."""
    work = Work(service=CHAT, requests=3.0, failed=1.0, output_tokens=40.0)
    made = samples_of([window(works=(work,))], ORIGIN)
    assert {s.stream.unit: list(s.count) for s in made} == {
        "inferences": [3.0],
        "failed": [1.0],
        "output_tokens": [40.0],
    }
    assert made[0].stream.subject.labels == {"rack": "7", "tenant": "acme", "target": "vllm"}


def test_what_was_not_observed_is_a_gap_behind_the_rest() -> None:
    """45 of 60 s were observed: a row of 45 s with the energy, and one of 15 s that is a gap."""
    (whole,) = samples_of([window(use(9.0, observed=45.0, unallocated=9.0))], ORIGIN)
    assert list(zip(whole.start_us, whole.end_us, whole.energy_uj, whole.observed, strict=True)) == [
        (0, 45_000_000, 9_000_000, True),
        (45_000_000, MINUTE, 0, False),
    ]


def test_a_device_that_was_not_read_is_a_gap_alone() -> None:
    """Nothing observed: one row without energy, and no shares."""
    share = Share(service=CHAT, device_id="gpu:0")
    (whole,) = samples_of([window(use(0.0, observed=0.0), shares=(share,))], ORIGIN)
    assert (whole.energy_uj, whole.observed) == ([0], [False])


def test_the_moments_between_two_meters_are_no_gap() -> None:
    """59.99 s of 60 s: the devices of a node are not read in one instant."""
    (whole,) = samples_of([window(use(1.0, observed=59.99, unallocated=1.0))], ORIGIN)
    assert whole.end_us == [MINUTE]


def test_the_rest_of_a_node_does_not_hide_the_devices_beside_it() -> None:
    """In the ledger it is a device: a reading of the node would hold all others."""
    (whole,) = samples_of([window(use(1.0, component="rest_of_node", unallocated=1.0))], ORIGIN)
    assert whole.stream.boundary is Boundary.DEVICE


def test_windows_of_one_device_are_one_stream() -> None:
    """Two minutes are two rows of one stream."""
    made = samples_of([window(use(1.0, unallocated=1.0), minute=m) for m in (0, 1)], ORIGIN)
    assert len(made) == 1
    assert made[0].start_us == [0, MINUTE]


def test_a_model_that_nobody_named_has_the_tag_of_the_settings() -> None:
    """Requests that name no model are of the model that the settings state."""
    origin = Origin(source=ORIGIN.source, subject=Subject(model="only", model_version="1"))
    made = samples_of([window(works=(Work(service=Service(), requests=1.0),))], origin)
    assert (made[0].stream.subject.model, made[0].stream.subject.model_version) == ("only", "1")


@given(st.lists(st.tuples(*[st.floats(0.0, 1e6)] * 3), max_size=6), st.floats(0.0, 1e6))
def test_shares_in_microjoules_never_exceed_their_device(
    joules: list[tuple[float, float, float]], unallocated: float
) -> None:
    """Each share is right to a microjoule or so, and all of them together are at most the device."""
    shares = tuple(
        Share(
            service=Service(model=f"m{n}"),
            device_id="gpu:0",
            succeeded_joules=a,
            failed_joules=b,
            idle_joules=c,
        )
        for n, (a, b, c) in enumerate(joules)
    )
    energy = math.fsum(x for three in joules for x in three) + unallocated
    made = samples_of([window(use(energy, unallocated=unallocated), shares=shares)], ORIGIN)
    (whole,) = of(made)
    by_model: dict[str, int] = defaultdict(int)
    for s in of(made, scope=Scope.SHARE):
        by_model[str(s.stream.subject.model)] += sum(s.energy_uj)
    assert sum(by_model.values()) <= sum(whole.energy_uj)
    for n, three in enumerate(joules):
        assert math.isclose(by_model[f"m{n}"], sum(three) * 1e6, rel_tol=1e-9, abs_tol=4)
