"""``wattmark label card``: what making a model emitted, in a card that Hugging Face's own classes read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.builders import a_run
from tests.cli.running import kept, verb
from wattmark.cli.label_card import command
from wattmark.core.errors import RefusedError, UsageError
from wattmark.core.governance.decision import Side
from wattmark.core.run import Dataset, Hardware, OutcomeGoal, Place, Quality, Run, Subject
from wattmark.reports.decision_json import decision_json
from wattmark.testing.decisions import every_standing

GRID = ("--intensity", "400", "--country", "FRA")
OTHERS = """---
license: apache-2.0   # keep me
tags:
- sorting
metrics: [accuracy]
---

# My model

It sorts.
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_CONFIG", raising=False)


def a_training(joules: float = 9e6, **changes: Any) -> Run:
    """9 MJ are 2.5 kWh: with 400 g/kWh exactly a kilogram of CO2e."""
    row = replace(a_run().energies[0], energy_joules=joules, max_watts=1e7)
    return replace(
        a_run(),
        energies=(row,),
        subject=Subject(model="lab/sorter", stage="fine_tuning", task="text-classification"),
        outcome=OutcomeGoal(condition="accuracy>=0.95", reached=True),
        quality=(Quality(name="accuracy", value=0.96),),
        dataset=Dataset(name="corpus", sha256="ab" * 32),
        place=Place(hardware=(Hardware(component="gpu", name="NVIDIA H100", count=8.0),)),
        **changes,
    )


def card_data(text: str) -> Any:
    """The front matter, as Hugging Face's library understands it."""
    hub = pytest.importorskip("huggingface_hub")
    return hub.ModelCard(text).data


def test_a_kilogram_is_a_thousand_grams(tmp_path: Path) -> None:
    """Hugging Face reads grams: 1000, and never 1."""
    kept(tmp_path, a_training(), "a")
    data = card_data(verb(command, tmp_path / "a.run.json", *GRID).stdout)
    emissions = data.co2_eq_emissions
    assert emissions["emissions"] == 1000.0
    assert emissions["training_type"] == "fine-tuning"
    assert emissions["geographical_location"] == "FRA"
    assert emissions["hardware_used"] == "8 x NVIDIA H100"
    for word in (
        "wattmark: ",
        "1.00 kgCO2e",
        "0.950",
        "1.05",
        "1 attempt",
        "400 gCO2e/kWh",
        "grade B",
        "device",
    ):
        assert word in emissions["source"], word


def test_where_it_was_is_left_out_where_nobody_said_it(tmp_path: Path) -> None:
    """A stated intensity is no place."""
    kept(tmp_path, a_training(), "a")
    data = card_data(verb(command, tmp_path / "a.run.json", "--intensity", "400").stdout)
    assert "geographical_location" not in data.co2_eq_emissions


def test_results_and_energy_are_in_the_model_index(tmp_path: Path) -> None:
    """As Hugging Face's own classes read them: quality and joules of the same run."""
    kept(tmp_path, a_training(), "a")
    data = card_data(verb(command, tmp_path / "a.run.json", *GRID).stdout)
    assert data.model_name == "lab/sorter"
    found = {r.metric_type: (r.metric_value, r.dataset_name, r.task_type) for r in data.eval_results}
    assert found == {
        "accuracy": (0.96, "corpus", "text-classification"),
        "wattmark_energy": (9e6, "corpus", "text-classification"),
        "wattmark_carbon": (1000.0, "corpus", "text-classification"),
    }


def test_a_run_that_says_neither_task_nor_data_has_no_model_index(tmp_path: Path) -> None:
    """Hugging Face asks for both; nothing is made up."""
    kept(tmp_path, replace(a_training(), subject=Subject(model="x"), dataset=None), "a")
    assert card_data(verb(command, tmp_path / "a.run.json", *GRID).stdout).eval_results is None


def test_a_card_that_is_there_keeps_everything_else(tmp_path: Path) -> None:
    """Byte for byte, comments too; again, our blocks are replaced and nothing is doubled."""
    kept(tmp_path, a_training(), "a")
    card = tmp_path / "README.md"
    card.write_text(OTHERS)
    verb(command, tmp_path / "a.run.json", "--into", card, *GRID)
    text = card.read_text()
    for line in OTHERS.splitlines():
        assert line in text.splitlines()
    kept(tmp_path, a_training(18e6), "a")
    verb(command, tmp_path / "a.run.json", "--into", card, *GRID)
    again = card.read_text()
    data = card_data(again)
    assert data.co2_eq_emissions["emissions"] == 2000.0
    assert next(r.metric_value for r in data.eval_results if r.metric_type == "wattmark_energy") == 18e6
    assert data.license == "apache-2.0"
    assert again.count("## Energy and carbon") == again.count("co2_eq_emissions:") == 1


def test_emissions_and_results_of_others_stay(tmp_path: Path) -> None:
    """Said, and replaced only where that is asked for; results of others never are."""
    kept(tmp_path, a_training(), "a")
    card = tmp_path / "README.md"
    theirs = (
        "co2_eq_emissions: 0.5\nmodel-index:\n- name: x\n  results:\n  - task:\n      type: a\n"
        "    dataset:\n      type: b\n      name: b\n    metrics:\n    - type: f1\n      value: 0.5\n"
    )
    card.write_text(OTHERS.replace("metrics:", theirs + "metrics:", 1))
    done = verb(command, tmp_path / "a.run.json", "--into", card, *GRID)
    assert "`co2_eq_emissions` was there already and stays" in done.stderr
    assert "`model-index` has results of others and stays" in done.stderr
    assert card_data(card.read_text()).co2_eq_emissions == 0.5
    verb(command, tmp_path / "a.run.json", "--into", card, "--replace-emissions", *GRID)
    data = card_data(card.read_text())
    assert data.co2_eq_emissions["emissions"] == 1000.0
    assert [r.metric_type for r in data.eval_results] == ["f1"]


def test_attempts_at_one_solution_add_up(tmp_path: Path) -> None:
    """A failed attempt emitted too: two times a kilogram."""
    first = a_training(solution_id="s")
    second = replace(
        first, record_id="other", started_at="2026-11-02T12:00:00Z", started_monotonic_seconds=9e4
    )
    kept(tmp_path, replace(first, failed=True), "a")
    kept(tmp_path, second, "b")
    data = card_data(verb(command, tmp_path / "a.run.json", tmp_path / "b.run.json", *GRID).stdout)
    assert data.co2_eq_emissions["emissions"] == 2000.0
    assert "2 attempts" in data.co2_eq_emissions["source"]


def test_repeats_are_refused(tmp_path: Path) -> None:
    """A model was made once: the mean of two trainings is the emission of neither."""
    kept(tmp_path, a_training(), "a")
    kept(tmp_path, replace(a_training(), record_id="other"), "b")
    with pytest.raises(UsageError, match="2 repeats"):
        verb(command, tmp_path / "a.run.json", tmp_path / "b.run.json", *GRID)


def test_without_a_grid_nothing_is_written(tmp_path: Path) -> None:
    """No card says 0 g, or nothing at all, of what is not known."""
    kept(tmp_path, a_training(), "a")
    card = tmp_path / "README.md"
    card.write_text(OTHERS)
    with pytest.raises(RefusedError, match="no grid intensity is known"):
        verb(command, tmp_path / "a.run.json", "--into", card)
    kept(tmp_path, replace(a_training(), energies=()), "a")
    with pytest.raises(RefusedError, match="missing: energy"):
        verb(command, tmp_path / "a.run.json", "--into", card, *GRID)
    assert card.read_text() == OTHERS


def test_inference_made_no_model(tmp_path: Path) -> None:
    """The field is read as what training emitted."""
    served = a_training()
    kept(tmp_path, replace(served, subject=replace(served.subject, stage="inference")), "a")
    with pytest.raises(RefusedError, match="are inference"):
        verb(command, tmp_path / "a.run.json", *GRID)


def test_the_decision_stands_in_the_section(tmp_path: Path) -> None:
    """Gate, score, stars and what was waived; that of other runs is refused."""
    run = a_training()
    kept(tmp_path, run, "a")
    side = Side(name="sorter", repeats=1, record_ids=(run.record_id,))
    Path("decision.json").write_text(decision_json(replace(every_standing(), candidate=side)))
    text = verb(command, tmp_path / "a.run.json", "--decision", "decision.json", *GRID).stdout
    assert "| Gate | failed, green |" in text
    assert "| Score | 92 against a baseline of 100 |" in text
    assert "| Waived | Carbon per Inference at most 1 gCO2e/inference |" in text
    Path("decision.json").write_text(decision_json(every_standing()))
    with pytest.raises(UsageError, match="decision of other runs"):
        verb(command, tmp_path / "a.run.json", "--decision", "decision.json", *GRID)
