"""Tags: what is required and allowed, and what is meant by what was written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.errors import UsageError
from wattmark.core.run import Subject
from wattmark.core.tags import TAGS, Fault, TagMode, TagRules

RULES = TagRules(
    required=("team", "model"),
    allowed={"team": ("search", "ads", "Infra"), "label.tier": ("gold", "silver")},
    aliases={"team": {"Search-Eng": "search"}, "stage": {"finetune": "fine_tuning"}},
    from_labels={"app": "model", "squad": "team"},
    lower=("environment",),
    owners={"team=search": "the search leads", "team": "the platform group", "project=ranker": "ranker"},
)


def test_without_rules_a_subject_stays_as_it_is() -> None:
    """And nothing is wrong with it."""
    subject = Subject(team="Search", labels={"a": " b "})
    assert TagRules().normalise(subject) == subject
    assert TagRules().faults(subject) == ()


def test_an_alias_is_what_it_means_whatever_the_case() -> None:
    """`SEARCH-ENG` is the team search, and blanks do not matter."""
    assert RULES.normalise(Subject(team=" SEARCH-ENG ")).team == "search"
    assert RULES.normalise(Subject(stage="finetune")).stage == "fine_tuning"


def test_an_allowed_value_gets_the_spelling_of_the_rules() -> None:
    """`infra` and `INFRA` are one team."""
    assert RULES.normalise(Subject(team="INFRA")).team == "Infra"
    assert RULES.normalise(Subject(labels={"tier": "GOLD"})).labels["tier"] == "gold"


def test_case_can_matter() -> None:
    """Then another spelling is another value, and the fix names the right one."""
    strict = TagRules(allowed={"team": ("Infra",)}, ignore_case=False)
    assert strict.normalise(Subject(team="infra")).team == "infra"
    assert strict.faults(Subject(team="infra"))[0].fix == "Infra"


def test_small_letters_can_be_asked_for() -> None:
    """For tags whose values nobody lists."""
    assert RULES.normalise(Subject(environment="CI")).environment == "ci"


def test_a_label_states_a_tag_that_is_not_there() -> None:
    """What the tag itself says goes before; the label is kept."""
    meant = RULES.normalise(Subject(labels={"app": "ranker-small", "squad": "search-eng"}))
    assert (meant.model, meant.team) == ("ranker-small", "search")
    assert meant.labels == {"app": "ranker-small", "squad": "search-eng"}
    assert RULES.normalise(Subject(model="m", labels={"app": "other"})).model == "m"


def test_an_empty_tag_is_a_missing_one() -> None:
    """Blanks are nobody's team."""
    assert RULES.normalise(Subject(team="  ")).team is None
    assert [f.tag for f in RULES.faults(Subject(team="  ", model="m"))] == ["team"]


def test_a_fault_names_the_fix_and_whom_to_ask() -> None:
    """The owner of the value that was meant comes first."""
    fault = RULES.faults(Subject(team="serch", model="m"))[0]
    assert (fault.fix, fault.owner) == ("search", "the search leads")
    assert str(fault) == "team 'serch' is not an allowed value: did you mean 'search'? (ask the search leads)"


def test_what_else_is_known_tells_whom_to_ask() -> None:
    """A run without a team is its project's; without anything it is the tag's owner's."""
    assert RULES.faults(Subject(project="ranker", model="m"))[0].owner == "ranker"
    assert RULES.faults(Subject(model="m"))[0].owner == "the platform group"
    assert RULES.faults(Subject(team="ads"))[0] == Fault("model", "", "")
    assert str(RULES.faults(Subject(team="ads"))[0]) == "model is missing: state it"


def test_a_value_like_none_of_the_allowed_ones_gets_the_list() -> None:
    """The first six, and how many there are beyond."""
    rules = TagRules(allowed={"team": tuple(f"t{i}" for i in range(8))})
    assert (
        rules.faults(Subject(team="quite different"))[0].remedy
        == "use one of t0, t1, t2, t3, t4, t5 and 2 more"
    )
    assert TagRules(allowed={"team": ("a",)}).faults(Subject(team="zzz"))[0].remedy == "use one of a"


@pytest.mark.parametrize("mode", TagMode)
def test_a_verdict_says_why_energy_is_not_counted(mode: TagMode) -> None:
    """Only a mode that keeps it out has one."""
    rules = TagRules(required=("team", "model"), mode=mode)
    expected = "" if mode is TagMode.WARN else "team is missing: state it; model is missing: state it"
    assert rules.verdict(Subject()) == expected
    assert rules.verdict(Subject(team="a", model="b")) == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"required": ("taem",)}, "'taem' is no tag; did you mean 'team'"),
        ({"required": ("xyz",)}, "tags: organisation, team"),
        ({"allowed": {"label.": ("a",)}}, "'label.' is no tag"),
        ({"owners": {"squad=a": "b"}}, "'squad' is no tag"),
        ({"from_labels": {"app": "modle"}}, "did you mean 'model'"),
        ({"allowed": {"team": ("a", " b")}}, "the allowed values of team hold ' b'"),
        ({"allowed": {"team": ("a", "A")}}, "hold 'a' and 'A', which are one"),
        ({"aliases": {"team": {" ": "a"}}}, "the aliases of team hold ''"),
        ({"aliases": {"team": {"b": "a", "B ": "c"}}}, "hold 'b' and 'B', which are one"),
        ({"aliases": {"team": {"a": " b"}}}, "leads to ' b'"),
        ({"aliases": {"team": {"a": "B", "b": "c"}}}, "which is an alias itself"),
        ({"aliases": {"team": {"a": "b"}}, "allowed": {"team": ("c",)}}, "which is not allowed there"),
    ],
)
def test_rules_that_contradict_themselves_are_refused(changes: dict[str, Any], said: str) -> None:
    """With the place of the contradiction."""
    with pytest.raises(UsageError, match=said):
        TagRules(**changes)


def test_the_hash_text_holds_what_decides_and_not_whom_to_ask() -> None:
    """The order in which rules were written does not matter; owners count nothing."""
    a = TagRules(required=("team", "model"), allowed={"team": ("x", "y"), "stage": ("z",)})
    b = TagRules(
        required=("model", "team"), allowed={"stage": ("z",), "team": ("y", "x")}, owners={"team": "q"}
    )
    assert a.hash_text() == b.hash_text()
    assert a.hash_text() != TagRules(required=("team", "model")).hash_text()
    assert TagRules().hash_text() != TagRules(mode=TagMode.REFUSE).hash_text()


WORDS = st.text(st.sampled_from("aAbBsS -İßΣσς"), max_size=4)
NAMES = st.sampled_from(("team", "model", "label.k"))


@st.composite
def rules(draw: st.DrawFn) -> TagRules:
    """Rules of few letters, so that they meet."""
    fields = {
        "required": tuple(draw(st.lists(NAMES, max_size=2))),
        "allowed": draw(st.dictionaries(NAMES, st.lists(WORDS, max_size=3).map(tuple), max_size=2)),
        "aliases": draw(st.dictionaries(NAMES, st.dictionaries(WORDS, WORDS, max_size=2), max_size=2)),
        "from_labels": draw(st.dictionaries(st.sampled_from("kl"), st.sampled_from(("team", "model")))),
        "lower": tuple(draw(st.lists(NAMES, max_size=2))),
        "ignore_case": draw(st.booleans()),
    }
    for left_out in ({}, {"aliases": {}}, {"aliases": {}, "allowed": {}}):
        try:
            return TagRules(**{**fields, **left_out})
        except UsageError:
            continue
    raise AssertionError("rules without aliases and allowed values contradict nothing")


SUBJECTS = st.builds(
    Subject,
    team=st.none() | WORDS,
    model=st.none() | WORDS,
    labels=st.dictionaries(st.sampled_from("kl"), WORDS),
)


@given(rules(), SUBJECTS)
def test_normalising_twice_changes_nothing(some: TagRules, subject: Subject) -> None:
    """And never loses a label or invents a tag that no rule gives."""
    once = some.normalise(subject)
    assert some.normalise(once) == once
    assert some.faults(once) == some.faults(subject)
    assert set(once.labels) == set(subject.labels)
    assert all(getattr(once, tag) is None for tag in TAGS if tag not in ("team", "model"))
