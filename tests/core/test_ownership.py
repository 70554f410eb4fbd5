"""Whose the energy of a fleet's own meter is: of the attempt that was on the machine alone."""

from __future__ import annotations

from typing import Any

from tests.core.claims import NODE, a_claim
from wattmark.core.claims import Claim
from wattmark.core.counting import count


def controller(start: int = 0, end: int = 10, **changes: Any) -> Claim:
    """10 uJ per us of a whole machine, by a controller that belongs to nobody."""
    fields = {"device_id": NODE, "component": "node", "boundary": 1, "grade": "A", "source": "ipmi"}
    nobody = {"record_id": "fleet", "party": "", "subject_id": "nobody"}
    return a_claim(start, end, 10 * (end - start), **{**fields, **nobody, **changes})


def at_node(*claims: Claim) -> list[tuple[str, int, int, int]]:
    """What counts at node boundary: whose, when, how much."""
    found = count(claims, 0, 1_000, lambda commons: "shared").rows
    rows = (r for r in found if r.boundary <= 1 < r.hidden_from)
    return sorted((r.subject_id, r.start_us, r.end_us, r.energy_uj) for r in rows)


def test_the_node_is_the_runs_while_it_is_there_alone() -> None:
    """From 3 to 7 the run read a GPU: 40 uJ of the node are its, the rest stays nobody's."""
    run = a_claim(3, 7, 8, record_id="r", of_run=True)
    assert at_node(controller(), run) == [
        ("nobody", 0, 3, 30),
        ("nobody", 7, 10, 30),
        ("subject of r", 3, 7, 40),
    ]


def test_of_several_attempts_it_is_nobodys() -> None:
    """Two runs from 4 to 6; who used what of the node is not known."""
    one = a_claim(2, 6, 8, record_id="r", of_run=True)
    other = a_claim(4, 8, 8, record_id="s", device_id="gpu-1", of_run=True)
    assert at_node(controller(), one, other) == [
        ("nobody", 0, 2, 20),
        ("nobody", 4, 6, 20),
        ("nobody", 8, 10, 20),
        ("subject of r", 2, 4, 20),
        ("subject of s", 6, 8, 20),
    ]


def test_shares_of_two_attempts_leave_it_nobodys_and_ranks_of_one_do_not() -> None:
    """The ranks of a job are one attempt."""
    first = a_claim(0, 10, 20, record_id="r", share=True, party="job", seat="0", of_run=True)
    second = a_claim(0, 10, 20, record_id="s", share=True, party="job", seat="1", of_run=True)
    assert at_node(controller(), first, second) == [("subject of r", 0, 10, 100)]
    stranger = a_claim(0, 10, 20, record_id="t", share=True, of_run=True)
    assert at_node(controller(), first, stranger) == [("nobody", 0, 10, 100)]


def test_telemetry_of_a_pod_says_nothing_of_the_rest_of_its_machine() -> None:
    """A series with a team is no run on the machine: one pod of many may have it."""
    pod = a_claim(record_id="pod")
    assert at_node(controller(), pod) == [("nobody", 0, 10, 100)]


def test_a_meter_that_is_somebodys_stays_theirs() -> None:
    """Another run's node reading is not handed on."""
    run = a_claim(record_id="r", of_run=True)
    mine = controller(record_id="m", party="m", subject_id="mine")
    assert at_node(mine, run) == [("mine", 0, 10, 100)]


def test_a_gpu_that_only_a_fleet_reads_is_not_the_runs_beside_it() -> None:
    """A device that holds nothing of the run's is no part of it."""
    run = a_claim(record_id="r", of_run=True)
    fleet = a_claim(record_id="f", party="", device_id="gpu-1", subject_id="nobody")
    assert ("nobody", 0, 10, 90) in at_node(run, fleet)
