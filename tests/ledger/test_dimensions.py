"""Small tables: each subject, place and way of knowing once, under an id that is a hash of it."""

from __future__ import annotations

from tests.builders import a_row
from tests.ledger.counting_world import RULES
from wattmark.core.run import Place, Subject
from wattmark.core.tags import TagMode, TagRules
from wattmark.ledger.dimensions import Dimensions


def test_a_subject_is_looked_up_by_what_is_meant() -> None:
    """An alias and its meaning are one row; a stage of its own is another."""
    dimensions = Dimensions(TagRules(aliases={"team": {"cv": "vision"}}))
    meant = dimensions.whose(Subject(team="vision", labels={"b": "2", "a": "1"}))
    assert dimensions.whose(Subject(team="cv", labels={"a": "1", "b": "2"})) == meant
    assert dimensions.whose(Subject(team="vision"), "training").subject_id != meant.subject_id
    assert [row["labels"] for row in dimensions.subjects.values()] == ['{"a":"1","b":"2"}', "{}"]


def test_ids_do_not_depend_on_what_came_before() -> None:
    """Two ledgers that hold the same subject name it alike."""
    one, other = Dimensions(RULES), Dimensions(RULES)
    other.whose(Subject(team="x"))
    assert one.whose(Subject(team="y")) == other.whose(Subject(team="y"))


def test_a_place_is_the_subject_s_zone_before_the_country() -> None:
    """And the site before the region."""
    dimensions = Dimensions(RULES)
    whose = dimensions.whose(Subject(zone="FR-IDF", region="eu-west-3"))
    place = dimensions.places[dimensions.where(Place(country="FRA", pue=1.2), whose)]
    assert (place["zone"], place["country"], place["site"], place["pue"]) == (
        "FR-IDF",
        "FRA",
        "eu-west-3",
        1.2,
    )
    nowhere = dimensions.whose(Subject())
    assert dimensions.places[dimensions.where(Place(country="FRA"), nowhere)]["zone"] == "FRA"
    assert dimensions.places[dimensions.where(Place(), nowhere)]["zone"] == ""


def test_the_refresh_of_a_sensor_does_not_make_another_way_of_knowing() -> None:
    """It is another figure for each row; the gain stays."""
    dimensions = Dimensions(RULES)
    one = dimensions.how(a_row(errors={"rapl:gain": 0.05, "rapl:refresh": 0.001}))
    assert dimensions.how(a_row(errors={"rapl:gain": 0.05, "rapl:refresh": 0.1})) == one
    assert dimensions.knowns[one]["errors"] == '{"rapl:gain":0.05}'
    assert dimensions.knowns[one]["source"] == "rapl 1"


def test_what_subjects_share_is_a_subject_too() -> None:
    """Organisation, environment and zone."""
    dimensions = Dimensions(RULES)
    row = dimensions.subjects[dimensions.shared(("acme", "", "FRA"))]
    assert (row["organisation"], row["zone"], row["team"]) == ("acme", "FRA", "")


def test_the_verdict_is_that_of_the_rules() -> None:
    """Asked once per subject."""
    dimensions = Dimensions(TagRules(required=("team",), mode=TagMode.QUARANTINE))
    assert dimensions.verdict(Subject(team="x")) == ""
    assert dimensions.verdict(Subject()) == dimensions.verdict(Subject()) != ""
