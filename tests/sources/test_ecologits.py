"""EcoLogits: answers as the clients of model APIs write them, with the impacts of ecologits 0.11.3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.text_world import FILES, TextWorld, notes_of, read
from wattmark.core.errors import EvidenceError, UsageError, WattmarkError
from wattmark.core.given import Given
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.run import Run
from wattmark.core.totals import facts_of
from wattmark.testing.source_suite import SourceSuite, SourceWorld

ANSWERS = FILES / "ecologits" / "answers.jsonl"
KWH = 3.6e6


class TestEcoLogits(SourceSuite):
    """The rules that every source keeps."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        lines = ANSWERS.read_text().splitlines()
        again = lines[0].replace("chatcmpl-0001", "chatcmpl-0004")
        return TextWorld(
            tmp_path / "answers.jsonl", "ecologits", lines, more=[again], spoil=(2, lines[1][:-20])
        )


def runs_of(path: Path, **settings: str) -> list[Run]:
    return [r for p in read("ecologits", path, **settings) for r in p.runs]


def impact(value: Any, unit: str = "kWh") -> dict[str, Any]:
    return {"type": "x", "name": "X", "value": value, "unit": unit}


def answer(**changes: Any) -> dict[str, Any]:
    base = {
        "id": "a1",
        "created": 1793534400,
        "model": "m",
        "usage": {"completion_tokens": 10, "prompt_tokens": 3},
        "impacts": {"energy": impact(1e-6)},
    }
    return {**base, **changes}


def written(tmp_path: Path, *answers: dict[str, Any]) -> Path:
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps(a) + "\n" for a in answers))
    return path


def test_an_answer_is_a_run() -> None:
    """The middle of the published range, with its tokens; the boundary is the site, for PUE is in it."""
    run = runs_of(ANSWERS)[0]
    (row,) = run.energies
    least, most = 5.416099662358332e-6, 6.78269299133452e-6
    assert row.energy_joules == pytest.approx((least + most) / 2 * KWH)
    assert (row.boundary, row.method, row.grade) == (Boundary.FACILITY, Method.MODELLED, Grade.E)
    assert {w.unit: w.count for w in run.work} == {
        "requests": 1.0,
        "output_tokens": 100.0,
        "input_tokens": 20.0,
    }
    assert (run.subject.model, run.subject.stage) == ("gpt-4o-mini", "inference")
    assert run.started_at == "2026-11-01T12:00:10.000000Z"


def test_the_range_is_an_error_beside_that_of_a_declared_figure() -> None:
    """EcoLogits' interval is about parameters only; the regression itself may be wrong by as much again."""
    (row,) = runs_of(ANSWERS)[1].energies
    least, most = 0.0002518581621945057, 0.00044427450291435305
    assert row.errors["ecologits:gpt-4o:parameters"] == pytest.approx((most - least) / (most + least))
    assert row.errors["ecologits:gpt-4o:gain"] == 1.0


def test_an_unknown_model_has_no_energy() -> None:
    """Not zero: the request is counted, and the reason is told."""
    run = runs_of(ANSWERS)[2]
    assert run.energies == ()
    assert run.not_seen[0].reason.startswith("Could not find model")
    assert f"{ANSWERS}:3: no energy" in notes_of(read("ecologits", ANSWERS))


def test_carbon_and_water_are_statements() -> None:
    """As stated, with their range; the joules are EcoLogits' own and not made of carbon."""
    emissions, water = runs_of(ANSWERS)[0].statements
    assert (emissions.quantity, emissions.unit, emissions.scopes) == ("emissions", "kgCO2e", ("3.1",))
    assert emissions.value == pytest.approx((2.256824522345984e-7 + 2.8231407978737167e-7) / 2)
    assert "usage and embodied; from" in (emissions.basis or "")
    assert (water.quantity, water.unit) == ("water", "L")


def test_the_texts_are_left_where_they_are() -> None:
    """Neither question nor answer is in a record."""
    assert "PRIVATE" in ANSWERS.read_text()
    assert "PRIVATE" not in repr(runs_of(ANSWERS))


def test_requests_of_one_second_add_up(tmp_path: Path) -> None:
    """They do not compete for a device: two of 3.6 J are 7.2 J."""
    facts = facts_of(runs_of(written(tmp_path, answer(), answer(id="a2"))), Given())
    assert facts.energy.value == pytest.approx(7.2)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("counted", "tokens"),
    [
        ({"usage": {"output_tokens": 7, "input_tokens": 2}}, 7),
        ({"usage": None, "usage_metadata": {"candidates_token_count": 8}}, 8),
        ({"usage": None, "meta": {"tokens": {"output_tokens": 9.0}}}, 9),
        ({"usage": None}, None),
    ],
)
def test_every_client_counts_elsewhere(tmp_path: Path, counted: dict[str, Any], tokens: int | None) -> None:
    """Anthropic, Google, Cohere; what is not counted is not 0."""
    (run,) = runs_of(written(tmp_path, answer(**counted)))
    assert next((w.count for w in run.work if w.unit == "output_tokens"), None) == tokens


def test_an_answer_without_a_time_needs_one(tmp_path: Path) -> None:
    """Anthropic states none; whoever imports gives one for all."""
    path = written(tmp_path, {k: v for k, v in answer().items() if k != "created"}, answer(id="a2"))
    bad = [b for p in read("ecologits", path) for b in p.bad]
    assert [b.place for b in bad] == [f"{path}:1"]
    assert "-o at=" in bad[0].reason
    runs = runs_of(path, at="2026-11-02T08:00:00", time_zone="Europe/Paris")
    assert runs[0].started_at == "2026-11-02T07:00:00.000000Z"
    with pytest.raises(UsageError, match="at is a time"):
        read("ecologits", path, at="noon")


def test_impacts_alone_are_energy_without_tokens(tmp_path: Path) -> None:
    """``json.dumps(response.impacts)``: the phase `usage` is no count of tokens."""
    impacts = json.loads(ANSWERS.read_text().splitlines()[0])["impacts"]
    path = tmp_path / "impacts.json"
    path.write_text(json.dumps(impacts, indent=2))
    (run,) = runs_of(path, at="2026-11-02T08:00:00Z")
    assert len(run.energies) == 1
    assert [w.unit for w in run.work] == ["requests"]


def test_a_list_and_a_single_document_are_read(tmp_path: Path) -> None:
    """Whatever JSON somebody keeps."""
    path = tmp_path / "answers.json"
    path.write_text(json.dumps([answer(), answer(id="a2"), 5], indent=1))
    portions = read("ecologits", path)
    assert sum(p.taken for p in portions) == 2
    assert [b.place for p in portions for b in p.bad] == [f"{path}:$[2]"]


def test_the_chunks_of_a_stream_are_one_request(tmp_path: Path) -> None:
    """Each holds the impacts so far; the last has the highest seq."""
    chunks = [answer(impacts={"energy": impact(n * 1e-7)}) for n in (1, 2, 3)]
    runs = runs_of(written(tmp_path, *chunks, chunks[2]))
    assert len({r.record_id for r in runs}) == 1
    assert [r.seq for r in runs] == [360_000, 720_000, 1_080_000]


@pytest.mark.parametrize(
    "spoilt",
    [
        {"impacts": {"energy": impact(-1.0)}},
        {"impacts": {"energy": impact({"min": 2.0, "max": 1.0})}},
        {"impacts": {"energy": impact(1.0, "tokens")}},
        {"impacts": {"energy": 5}},
        {"impacts": None},
        {"created": -5},
        {"created": "noon"},
        {"usage": {"completion_tokens": -1}},
    ],
)
def test_an_impossible_answer_is_bad(tmp_path: Path, spoilt: dict[str, Any]) -> None:
    """Named by its line; the other stays."""
    path = written(tmp_path, answer(id="good"), answer(**spoilt))
    portions = read("ecologits", path)
    assert [b.place for p in portions for b in p.bad] == [f"{path}:2"]
    assert sum(p.taken for p in portions) == 1


def test_answers_without_impacts_are_refused(tmp_path: Path) -> None:
    """EcoLogits was not at work."""
    path = written(tmp_path, {"id": "x", "model": "m"})
    with pytest.raises(EvidenceError, match="no answer with the `impacts`"):
        read("ecologits", path)
    path.write_text("")
    with pytest.raises(EvidenceError, match="is empty"):
        read("ecologits", path)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["energy", "value", "unit", "min", "max", "usage", "id", "created", "model", "errors"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(JSON, JSON, JSON)
def test_garbage_is_named_and_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, impacts: Any, created: Any, usage: Any
) -> None:
    """Any JSON is a run or a bad row."""
    path = written(
        tmp_path_factory.mktemp("eco"),
        answer(),
        answer(id="b", impacts=impacts, created=created, usage=usage),
    )
    try:
        portions = read("ecologits", path)
    except WattmarkError:
        return
    assert sum(p.taken + len(p.bad) + p.ignored for p in portions) == 2
