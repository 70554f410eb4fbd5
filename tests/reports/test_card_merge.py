"""Model cards: grams, energy, and an existing card that loses nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.reports.board_results import a_key, a_published, a_rating, a_result, unrated
from tests.reports.test_label import a_label
from wattmark.core.bench.result import Result
from wattmark.core.errors import UsageError
from wattmark.core.figure import Figure
from wattmark.reports.card_merge import merged
from wattmark.reports.label_card import EMISSIONS, ENERGY, Card, CardCarbon, card_of, card_text

FRANCE = CardCarbon(
    grams=Figure(0.56, "gCO2e", errors={"grid": 0.1}, notes=("device energy only",)),
    intensity="56 gCO2e/kWh (FRA, Ember 2023)",
    location="FRA",
)
NOWHERE = CardCarbon(reason="no grid intensity is known")


def a_card(result: Result | None = None, carbon: CardCarbon = FRANCE) -> Card:
    """Of 10 Wh per 1,000 queries at 56 g/kWh: 0.56 g."""
    made = result or a_result()
    rating = unrated(made, "unrated: published") if made.origin.published else a_rating(made)
    return card_of(a_label(made, rating), carbon)


def front(text: str) -> dict[str, Any]:
    """Front matter as YAML reads it."""
    found: dict[str, Any] = (
        yaml.safe_load(text.removeprefix("\ufeff").replace("\r\n", "\n").split("---\n")[1]) or {}
    )
    return found


def test_emissions_are_grams_in_the_fields_that_the_hub_defines() -> None:
    """0.56 g, and said to be of 1,000 queries and no training."""
    told = front(card_text(a_card()))[EMISSIONS]
    assert list(told) == ["emissions", "source", "training_type", "geographical_location", "hardware_used"]
    assert told["emissions"] == 0.56
    assert told["training_type"] == "inference of 1,000 queries, no training"
    assert told["source"].startswith(
        "wattmark: inference of 1,000 queries, no training, 10.0 Wh per 1,000 queries"
    )
    assert "56 gCO2e/kWh (FRA, Ember 2023), grade B" in told["source"]
    assert (told["geographical_location"], told["hardware_used"]) == ("FRA", "1 x NVIDIA H100 80GB HBM3")


def test_training_says_that_it_is_training() -> None:
    """Where the task is one."""
    told = front(card_text(a_card(a_result(key=a_key(task="training")))))[EMISSIONS]
    assert told["training_type"] == "training"


def test_without_a_grid_there_is_no_carbon_but_a_reason() -> None:
    """Left out of the front matter, said in the section."""
    text = card_text(a_card(carbon=NOWHERE))
    assert EMISSIONS not in front(text)
    assert "| Carbon | not stated: no grid intensity is known |" in text


def test_energy_stands_in_the_manner_of_model_index() -> None:
    """Task, dataset, metrics with intervals, and how they are known."""
    (item,) = front(card_text(a_card()))[ENERGY]
    assert item["task"] == {"type": "text_generation", "name": "text generation"}
    assert item["metrics"][0]["value"] == pytest.approx(10.0)
    assert item["metrics"][0]["interval_95"] == pytest.approx([9.5, 10.5])
    assert item["metrics"][2]["type"] == "rouge_l"
    assert (item["stars"], item["stars_interval"], item["grade"]) == (3, [3, 4], "B")


def test_a_card_of_little_says_what_is_not_known() -> None:
    """No energy, no quality; published; reasons; no bundle."""
    none = a_result(energy=None, quality=None, bundle_sha256=None)
    text = card_of(a_label(none, unrated(none, "unrated: x")), NOWHERE).section
    assert "| Energy per 1,000 queries | not known |" in text
    text = a_card(a_published()).section
    assert "Published by ml.energy" in text
    assert "- no_evidence: published without evidence" in text


def test_names_break_neither_yaml_nor_tables() -> None:
    """Quotes, pipes, tags, line breaks, the end of a comment."""
    name = 'a"b: c|d<i>\n- x --> # y \u2028 z'
    text = card_text(a_card(a_result(f"lab/{name}", hardware=name)))
    told = front(text)
    assert told[EMISSIONS]["hardware_used"] == name
    assert '| Hardware | a"b: c\\|d&lt;i&gt; - x --&gt; # y z |' in text


CARD = """---
# who made it
license: apache-2.0   # permissive
language:
- en
- fr
tags: [a,
  b]
model-index:
  - name: one
    results: []
description: >-
  folded
  text
---

# One

Some words.  \n\ttabs, and --- dashes
"""


def test_an_existing_card_keeps_all_that_is_its_own() -> None:
    """Front matter byte for byte, ours at its end; the body byte for byte, our section after it."""
    new = merged(CARD, a_card(), "README.md")
    assert new.kept == ()
    head, _, body = CARD.partition("---\n\n# One")
    assert new.text.startswith(head)
    assert f"---\n\n# One{body}" in new.text
    told = front(new.text)
    assert {k: v for k, v in told.items() if k not in (EMISSIONS, ENERGY)} == front(CARD)
    assert told[EMISSIONS]["emissions"] == 0.56


def test_the_same_label_twice_changes_nothing() -> None:
    """The second time finds everything in its place."""
    once = merged(CARD, a_card(), "README.md").text
    assert merged(once, a_card(), "README.md").text == once


def test_a_new_label_of_the_same_key_takes_the_place_of_the_old() -> None:
    """And one of another task stands beside it."""
    once = merged(CARD, a_card(), "README.md").text
    twice = merged(once, a_card(a_result(energy=72.0)), "README.md").text
    assert [i["metrics"][0]["value"] for i in front(twice)[ENERGY]] == [pytest.approx(20.0)]
    assert twice.count("## Energy of text generation") == 1
    both = merged(once, a_card(a_result(key=a_key(task="summarization"))), "README.md").text
    assert [i["task"]["type"] for i in front(both)[ENERGY]] == ["text_generation", "summarization"]
    assert both.count("## Energy of") == 2
    assert both.startswith(once.partition('    source: "wattmark')[0])


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_marks_stay(ends: str, mark: str) -> None:
    """Windows or not."""
    old = mark + CARD.replace("\n", ends)
    new = merged(old, a_card(), "README.md").text
    assert new.startswith(mark + "---" + ends)
    assert new.count("\r\n") == (new.count("\n") if ends == "\r\n" else 0)
    assert merged(new, a_card(), "README.md").text == new


@pytest.mark.parametrize("old", ["", "# One\n", "\n# One\n", "---\n---\n# One\n", "---\n\n---\n"])
def test_a_card_without_front_matter_gets_one(old: str) -> None:
    """The body stays."""
    new = merged(old, a_card(), "README.md").text
    assert front(new)[EMISSIONS]["emissions"] == 0.56
    assert ("# One" in new) is ("# One" in old)


TRAINED = "---\nco2_eq_emissions:\n  emissions: 1200\n  source: CodeCarbon\n# after\nlicense: mit\n---\n"


def test_emissions_of_others_stay_unless_they_are_to_be_replaced() -> None:
    """1,200 g of training are no 0.56 g of 1,000 queries."""
    new = merged(TRAINED, a_card(), "README.md")
    assert front(new.text)[EMISSIONS] == {"emissions": 1200, "source": "CodeCarbon"}
    assert new.kept == ("`co2_eq_emissions` was there already and stays as it is",)
    forced = merged(TRAINED, a_card(), "README.md", replace=True)
    assert front(forced.text)[EMISSIONS]["emissions"] == 0.56
    assert "# after\nlicense: mit\n" in forced.text
    assert forced.kept == ()


@pytest.mark.parametrize("block", ["co2_eq_emissions: 12.5\n", '"co2_eq_emissions": {emissions: 12}\n'])
def test_other_spellings_of_emissions_are_found_too(block: str) -> None:
    """A bare number, a quoted key in flow style."""
    new = merged(f"---\n{block}---\n", a_card(), "README.md")
    assert block in new.text
    assert len(new.kept) == 1


def test_old_grams_beside_new_energy_are_told() -> None:
    """Ours from before, or somebody else's: they stay, and it is said."""
    once = merged(CARD, a_card(), "README.md").text
    assert "an earlier label's" in merged(once, a_card(carbon=NOWHERE), "README.md").kept[0]
    assert "somebody else's" in merged(TRAINED, a_card(carbon=NOWHERE), "README.md").kept[0]
    assert merged(CARD, a_card(carbon=NOWHERE), "README.md").kept == ()


def test_a_list_that_another_program_wrote_again_is_still_known() -> None:
    """Dumped by PyYAML, items at the margin: ours is replaced, not doubled."""
    once = merged(CARD, a_card(), "README.md").text
    told = front(once)
    again = "---\n" + yaml.safe_dump(told, sort_keys=False) + "---\nbody\n"
    new = merged(again, a_card(a_result(energy=72.0)), "README.md").text
    assert [i["metrics"][0]["value"] for i in front(new)[ENERGY]] == [pytest.approx(20.0)]
    assert {k: v for k, v in front(new).items() if k not in (EMISSIONS, ENERGY)} == front(CARD)


def test_energy_in_another_style_stays() -> None:
    """A flow list, a mapping: nothing is lost, and it is said."""
    for block in ("energy_benchmarks: [{task: x}]\n", "energy_benchmarks:\n  a: 1\n"):
        new = merged(f"---\n{block}---\n", a_card(), "README.md")
        assert block in new.text
        assert "no list in block style" in new.kept[0]
    empty = merged("---\nenergy_benchmarks: []\n---\n", a_card(), "README.md")
    assert len(front(empty.text)[ENERGY]) == 1


@pytest.mark.parametrize(
    ("old", "said"),
    [("---\nlicense: mit\n", "has no end"), ("---\n{a: 1}\n---\n", "no block of `key: value` lines")],
)
def test_front_matter_of_other_shapes_is_refused_by_name(old: str, said: str) -> None:
    """The file is named, and nothing is written."""
    with pytest.raises(UsageError, match=said) as caught:
        merged(old, a_card(), "cards/README.md")
    assert "cards/README.md" in str(caught.value)


def test_a_section_without_its_end_is_not_taken_for_ours() -> None:
    """Somebody cut the closing comment away: a new section is added, nothing is swallowed."""
    card = a_card()
    old = f"---\na: 1\n---\n{card.marks[0]}\nwords of others\n"
    new = merged(old, card, "README.md").text
    assert "words of others" in new
    assert new.count("## Energy of") == 1


KEYS = st.text("abcdefgh_-", min_size=1, max_size=8).filter(lambda k: k[0].isalpha())
SCALARS = st.one_of(st.integers(), st.booleans(), st.none(), st.text(max_size=20), st.floats(allow_nan=False))
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(KEYS, SCALARS, max_size=3))


@given(st.dictionaries(KEYS, VALUES, max_size=6), st.text(max_size=60), st.booleans())
def test_any_front_matter_keeps_its_meaning(data: dict[str, Any], body: str, flow: bool) -> None:
    """What YAML read before it reads after, ours aside; the body is there; twice is as once."""
    text = yaml.safe_dump(data, sort_keys=False, default_flow_style=flow or None) if data else "# nothing\n"
    if text.startswith("{"):
        text = json.dumps(data)[1:-1] and yaml.safe_dump(data, sort_keys=False, default_flow_style=False)
    old = f"---\n{text}---\n{body}"
    new = merged(old, a_card(), "README.md").text
    told = yaml.safe_load(new[4 : new.index("\n---\n", 4) + 1])
    assert {k: v for k, v in told.items() if k not in (EMISSIONS, ENERGY)} == (yaml.safe_load(text) or {})
    assert body.rstrip("\n") in new.replace("\r\n", "\n") or body.rstrip() in new
    assert merged(new, a_card(), "README.md").text == new
