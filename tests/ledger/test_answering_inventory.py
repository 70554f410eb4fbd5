"""Embodied carbon of a ledger by its inventory: every hour carried once, by its own devices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.core.assets import an_asset, gpus
from tests.core.kpis.builders import of, some_facts
from tests.ledger.derived import HOUR, NOON, Derived
from tests.ledger.engines import spark
from wattmark.core.facts import Embodied
from wattmark.core.figure import Missing
from wattmark.core.inventory import Asset
from wattmark.ledger.engines.duckdb import DuckDbEngine
from wattmark.ledger.engines.spark import SparkEngine
from wattmark.ledger.factors import Factors
from wattmark.ledger.rollup import Question, Rollup, roll_up

KPI = "embodied_carbon_amortisation"
H1 = frozenset({"h1"})


@pytest.fixture
def ledger(tmp_path: Path) -> Derived:
    """Two teams' subjects, one place, without any energy."""
    made = Derived(tmp_path / "ledger")
    made.subject("s1", team="a")
    made.subject("s2", team="b")
    made.place()
    made.known()
    return made


def ask(ledger: Derived, *assets: Asset, **asked: Any) -> Rollup:
    """Write what was added, and ask."""
    if not ledger.files("knowns"):
        ledger.write()
    with DuckDbEngine() as engine:
        return roll_up(ledger, Question(**asked), Factors(devices=assets), engine)


def server(**changes: Any) -> Asset:
    """10 g an hour."""
    return an_asset(**{"hosts": H1, **changes})


def four(**changes: Any) -> Asset:
    """Four GPUs of 1 g an hour each."""
    return gpus(**{"hosts": H1, **changes})


def grams(told: Embodied | Missing) -> float:
    """What the KPI makes of it."""
    return float(of(KPI, some_facts(embodied=told)).value)


def hour(ledger: Derived, record: str = "r1", start: int = NOON, **changes: Any) -> None:
    """A run of an hour with an hour of CPU energy."""
    ledger.run(record, start_us=start, seconds=3600, **changes)
    ledger.energy(record_id=record, start_us=start, end_us=start + 900_000_000, **_subject(changes))


def _subject(changes: dict[str, Any]) -> dict[str, Any]:
    return {key: changes[key] for key in ("subject_id", "host_id") if key in changes}


def gpu(ledger: Derived, number: int, record: str = "r1", **changes: Any) -> None:
    """A quarter of an hour of one GPU, four times."""
    for quarter in range(4):
        start = changes.get("start", NOON) + quarter * HOUR // 4
        ledger.energy(
            record_id=record,
            component="gpu",
            device_id=f"GPU-{number}",
            start_us=start,
            end_us=start + HOUR // 4,
            **{k: v for k, v in changes.items() if k != "start"},
        )


def test_an_hour_of_a_server_and_two_of_its_gpus(ledger: Derived) -> None:
    """10 g and twice 1 g."""
    hour(ledger)
    gpu(ledger, 0)
    gpu(ledger, 1)
    answer = ask(ledger, server(), four(), by=("team",))
    assert [grams(t.embodied) for t in answer.totals] == [pytest.approx(12)]
    assert grams(answer.whole.embodied) == pytest.approx(12)


def test_teams_side_by_side_share_their_machine_once(ledger: Derived) -> None:
    """Two runs in one hour: 5 g each, and 10 g together, whatever is asked for."""
    hour(ledger)
    hour(ledger, "r2", subject_id="s2")
    answer = ask(ledger, server(), by=("team",))
    assert [grams(t.embodied) for t in answer.totals] == [pytest.approx(5), pytest.approx(5)]
    assert grams(answer.whole.embodied) == pytest.approx(10)
    alone = ask(ledger, server(), where={"team": ("b",)})
    assert grams(alone.whole.embodied) == pytest.approx(5)


@pytest.mark.parametrize("mode", ["reserved", "utilised"])
def test_all_hours_of_a_life_in_a_ledger_carry_the_devices(ledger: Derived, mode: str) -> None:
    """Four hours in use of four GPUs and their server, by two teams: TE, and not a gram more."""
    told = {"mode": mode, "utilisation": 0.5 if mode == "utilised" else None}
    life = {"start_us": NOON, "lifespan_hours": 8.0 if mode == "utilised" else 4.0, **told}
    for n in range(4):
        start = NOON + n * HOUR
        team = "s1" if n % 2 else "s2"
        hour(ledger, f"r{n}", start, subject_id=team)
        for number in range(4):
            gpu(ledger, number, f"r{n}", start=start, subject_id=team)
    lines = server(**life), four(**life)
    answer = ask(ledger, *lines, by=("team",))
    assert grams(answer.whole.embodied) == pytest.approx(1000 + 400)
    assert sum(grams(t.embodied) for t in answer.totals) == pytest.approx(1400)
    by_hour = ask(ledger, *lines, period="hour", source="counted")
    assert [grams(t.embodied) for t in by_hour.totals] == [pytest.approx(350)] * 4


def test_what_nobody_claims_is_carried_by_the_monitor_that_saw_it(ledger: Derived) -> None:
    """A monitor's day: the run takes its hour, the rest stays with the monitor's record."""
    hour(ledger)
    ledger.run("m", start_us=NOON - 2 * HOUR, seconds=5 * 3600, subject_id="s2", source="dcgm 1")
    ledger.energy(record_id="m", subject_id="s2", start_us=NOON - HOUR, end_us=NOON - HOUR // 2)
    answer = ask(ledger, server(), by=("team",))
    assert [grams(t.embodied) for t in answer.totals] == [pytest.approx(10), pytest.approx(40)]


def test_shared_devices_tell_that_their_hours_are_not_divided(ledger: Derived) -> None:
    """Nobody knows how much of an hour was reserved for whom."""
    hour(ledger)
    gpu(ledger, 0, allocation="share")
    whole = ask(ledger, server(), four()).whole
    assert grams(whole.embodied) == pytest.approx(10)
    assert not isinstance(whole.energy, Missing)
    assert any("1 h of shared GPU-0 carry no embodied carbon" in note for note in whole.energy.notes)


def test_a_machine_that_no_line_names_makes_its_group_unknown(ledger: Derived) -> None:
    """Team a is known, team b is not, and so is not the whole."""
    hour(ledger)
    hour(ledger, "r2", subject_id="s2", host_id="h2")
    answer = ask(ledger, server(), by=("team",))
    a, b = (t.embodied for t in answer.totals)
    assert grams(a) == pytest.approx(10)
    assert "machine h2" in str(b)
    assert "machine h2" in str(answer.whole.embodied)


def test_a_machine_is_known_by_its_name(ledger: Derived) -> None:
    """The id of its name stands in the run."""
    hour(ledger, host_id="x", host_names="h-1 h1")
    assert grams(ask(ledger, server()).whole.embodied) == pytest.approx(10)


def test_a_device_by_its_id_goes_before_lines_of_its_kind(ledger: Derived) -> None:
    """2 g an hour for GPU-0, 1 g for the other; one that no line holds makes it unknown."""
    hour(ledger)
    gpu(ledger, 0)
    gpu(ledger, 1)
    own = four(name="own", device_id="GPU-0", quantity=1.0, total_grams=200.0)
    assert grams(ask(ledger, server(), own, four()).whole.embodied) == pytest.approx(13)
    assert "gpu GPU-1 of h1" in str(ask(ledger, server(), own).whole.embodied)
    whole = server(contains=frozenset({"cpu", "gpu"}))
    assert grams(ask(ledger, whole).whole.embodied) == pytest.approx(10)


def test_more_devices_than_the_inventory_names_are_unknown(ledger: Derived) -> None:
    """Two in use, one bought."""
    hour(ledger)
    gpu(ledger, 0)
    gpu(ledger, 1)
    assert isinstance(ask(ledger, server(), four(quantity=1.0)).whole.embodied, Missing)


def test_used_up_devices_carry_nothing_more_and_say_so(ledger: Derived) -> None:
    """The server's life ends after half of the hour, the GPU's before it; a younger GPU takes its place."""
    hour(ledger)
    gpu(ledger, 0)
    old = server(lifespan_hours=10.5, total_grams=105.0)
    over = four(name="old", lifespan_hours=10.0)
    told = ask(ledger, old, over).whole.embodied
    assert grams(told) == pytest.approx(5)
    assert isinstance(told, Embodied)
    assert any("server-1 (devices.csv:2) is used up" in note for note in told.notes)
    young = four(name="young", quantity=1.0)
    assert grams(ask(ledger, old, over, young).whole.embodied) == pytest.approx(6)
    nothing = ask(ledger, server(lifespan_hours=10.0), over).whole.embodied
    assert grams(nothing) == 0
    by_id = four(name="old", device_id="GPU-0", quantity=1.0, lifespan_hours=10.0)
    assert grams(ask(ledger, old, by_id).whole.embodied) == pytest.approx(5)


def test_devices_in_use_before_their_day_carry_nothing_and_say_so(ledger: Derived) -> None:
    """Server, GPUs by kind and by id: bought tomorrow, in use today."""
    hour(ledger)
    gpu(ledger, 0)
    later = {"start_us": NOON + 24 * HOUR}
    own = four(device_id="GPU-0", quantity=1.0, **later)
    told = ask(ledger, server(), own).whole.embodied
    assert grams(told) == pytest.approx(10)
    assert isinstance(told, Embodied)
    assert "was in use before it was in service" in told.notes[0]
    nothing = ask(ledger, server(**later), four(**later)).whole.embodied
    assert grams(nothing) == 0
    assert isinstance(nothing, Embodied)
    assert sum("before it was in service: mend its day" in note for note in nothing.notes) == 2


def test_hours_by_run_add_up_to_the_whole(ledger: Derived) -> None:
    """Two ranks of a job share their machine: half each."""
    hour(ledger, attempt="job")
    hour(ledger, "r2", attempt="job")
    answer = ask(ledger, server(), by=("run", "host"))
    assert [grams(t.embodied) for t in answer.totals] == [pytest.approx(5), pytest.approx(5)]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_spark_tells_the_same_hours(ledger: Derived) -> None:
    """The same queries on the other engine: 7 g and 5 g."""
    hour(ledger)
    gpu(ledger, 0)
    gpu(ledger, 1)
    hour(ledger, "r2", subject_id="s2")
    ledger.write()
    with spark("local[1]") as session, SparkEngine(session) as engine:
        answer = roll_up(ledger, Question(by=("team",)), Factors(devices=(server(), four())), engine)
    assert [grams(t.embodied) for t in answer.totals] == [pytest.approx(7), pytest.approx(5)]
