"""What people read: summary, comment, badge, text. Long ones lose rows, never the verdict."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from tests.reports.ci.decisions import HOSTILE, gates_side_by_side, hostile, many, tagged
from wattmark.core.governance.decision import Shown, Standing
from wattmark.reports.ci.badge import badge_endpoint, badge_svg
from wattmark.reports.ci.comment import GITHUB_MOST, GITLAB_MOST, comment_markdown, marker
from wattmark.reports.ci.markdown import gate_markdown
from wattmark.reports.ci.naming import MOST_NAME, gate_name
from wattmark.reports.ci.summary import MOST_BYTES, step_summary
from wattmark.reports.ci.text import decision_text
from wattmark.reports.ci.words import caught_words, found_words
from wattmark.testing.decisions import every_standing


def test_the_head_says_everything_at_a_glance() -> None:
    """Verdict, candidate, how many rules stand how, score with its interval and grade, stars."""
    lines = step_summary(every_standing()).splitlines()
    assert lines[0] == "### ❌ wattmark gate: failed"
    assert "1 failed, 1 not enough evidence, 2 warnings, 1 waived, 1 passed, 1 not applicable" in lines[2]
    assert lines[4] == r"**Score 92.0 points \[88.0 .. 96.0\], grade B** · rubric default · stars 3-4"


def test_headings_begin_at_the_third_level() -> None:
    """A summary stands below headings of its own page."""
    levels = [len(m[1]) for m in re.finditer(r"(?m)^(#+) ", step_summary(hostile()))]
    assert levels == [3]


def test_what_needs_a_look_is_open_and_the_rest_is_folded() -> None:
    """Failed, incomplete, warned and waived rules stand before the first fold; passes behind it."""
    before, _, folded = step_summary(every_standing()).partition("<details>")
    assert before.count("| ") > 5
    assert "(carbon, line 12)" in before
    assert "(energy, line 4)" in folded
    assert "board&#64;&#8203;example.org (ssh signature)" in folded


def test_no_name_formats_links_or_notifies() -> None:
    """Every table keeps its columns; no HTML, mention or marker of a name is left alive."""
    text = comment_markdown(hostile())
    body = text.partition("\n")[2]
    assert "<script" not in text
    assert "<img" not in text
    assert "@everyone" not in text
    assert "<!--" not in body
    assert not re.search(r"(?<!\\)\]\(", text)
    for line in (line for line in body.splitlines() if line.startswith("| ")):
        columns = len(re.findall(r"(?<!\\)\|", line)) - 1
        assert columns in (4, 7), line


@pytest.mark.parametrize("most", [GITHUB_MOST, GITLAB_MOST, 5000])
def test_ten_thousand_rules_fit_a_comment_with_the_failed_one(most: int) -> None:
    """Verdict, counts and the worst rule are there; what is left out is counted."""
    text = comment_markdown(many(), most=most)
    assert len(text) <= most
    marked = "<!-- wattmark:gate:green.language.sorter.inference -->"
    assert text.startswith(f"{marked}\n### ❌ wattmark gate: failed\n")
    assert "1 failed, 2000 not enough evidence, 2000 warnings, 2000 waived, 2000 passed" in text
    assert "the-one-that-fails" in text
    assert re.search(r"_\d+ more rules are left out here", text)


def test_a_summary_stays_below_its_limit_and_says_what_it_leaves_out() -> None:
    """1 MiB is refused whole: rows go, in bytes, not characters."""
    wide = replace(many(), notes=("ü" * 5000,) * 50)
    text = step_summary(wide)
    assert len(text.encode()) <= MOST_BYTES
    assert "the-one-that-fails" in text
    assert "left out here" in text


def test_the_shortest_form_still_has_the_verdict() -> None:
    """Without any row: the head and the counts, in a few thousand characters."""
    text = gate_markdown(many(), rows=0)
    assert len(text) < 3000
    assert "1 failed" in text
    assert "failed" in text.splitlines()[0]


@pytest.mark.parametrize(
    ("tag", "made"),
    [
        ("sorter", "sorter"), ("team/Model A", "team.model.a"), ("a-->b", "a.b"), ("x--y", "x__y"),
        ("é", "e"), ("", "default"), ("模型", "default"), ("../..", "default"),
    ],
)  # fmt: skip
def test_markers_end_only_where_they_should(tag: str, made: str) -> None:
    """No tag ends its own HTML comment, or holds two lines in a row."""
    assert marker(tag).replace("__", ".").replace("..", ".") == f"<!-- wattmark:gate:{made} -->".replace(
        "__", "."
    )
    assert "--" not in marker(tag).removeprefix("<!--").removesuffix("-->")


@pytest.mark.parametrize("text", HOSTILE)
def test_any_tag_makes_one_line(text: str) -> None:
    """Whatever a model is called."""
    assert re.fullmatch(r"<!-- wattmark:gate:[a-z0-9_.]+ -->", marker(text))


def test_two_tags_have_two_markers() -> None:
    """Gates of two models update two comments."""
    assert comment_markdown(every_standing(), "a").partition("\n")[0] != marker("b")


def test_gates_side_by_side_keep_a_comment_each() -> None:
    """Of one model by two policies, of two stages, of two teams: none writes over what another one said."""
    markers = [comment_markdown(gate).partition("\n")[0] for gate in gates_side_by_side()]
    assert markers[0] == "<!-- wattmark:gate:green.language.sorter.inference -->"
    assert len(set(markers)) == len(markers)


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        ({"model": "sorter", "model_version": "2.1"}, "green/sorter"),
        ({"model": "Llama-3.1_8B", "stage": "training"}, "green/Llama-3.1_8B/training"),
        ({"model": "meta-llama/Llama-3.1-8B"}, "green/meta-llama.Llama-3.1-8B.087e94c6"),
        ({"model": "模型"}, "green.c6d812a4"),
        ({}, "green"),
    ],
)
def test_a_gate_has_a_name_for_people(tags: dict[str, str], name: str) -> None:
    """Policy and tags; where signs had to go, a hash keeps it apart from its likes."""
    assert gate_name(tagged(every_standing(), tags)) == name


def test_names_that_are_cut_or_look_alike_stay_apart() -> None:
    """Long ones differ in their hash, and so do two in which different signs went."""
    models = ("x" * 90 + "a", "x" * 90 + "b", "a b", "a/b", "a:b")
    names = [gate_name(tagged(every_standing(), {"model": model})) for model in models]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= MOST_NAME


def test_a_policy_is_named_by_its_file_where_it_has_no_id() -> None:
    """But for the usual one; a whole path shows no folder of the machine."""
    sample = tagged(every_standing(), {"model": "sorter"})
    files = ("wattmark-policy.toml", "ci/wattmark-policy.toml", "/home/somebody/energy.toml", "")
    named = [gate_name(replace(sample, policy=replace(sample.policy, id="", file=file))) for file in files]
    assert named[0] == named[3] == "sorter"
    assert named[1].startswith("ci.wattmark-policy.toml/sorter.")
    assert named[2] == "energy.toml/sorter"


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (Shown(value=1.2, unit="J"), "1.20 J [interval not known]"),
        (Shown(value=1500.0, unit="J", low=1400.0), "1.50 kJ [1.40 .. not known]"),
        (Shown(value=1.0, unit="J", low=0.5, high=2.0, grade="C"), "1.00 J [0.500 .. 2.00], grade C"),
    ],
)
def test_a_figure_says_how_it_is_known(shown: Shown, words: str) -> None:
    """An end that is not known is said, never left away."""
    assert found_words(replace(every_standing().rules[0], value=shown)) == words


@pytest.mark.parametrize(
    ("kind", "detectable", "words"),
    [
        ("max_increase", 0.08, "an increase would have been caught from 8 % on"),
        ("max_decrease", 0.451, "a fall would have been caught from 45 % on"),
        ("max_increase", 1e290, ""),
        ("max", None, ""),
    ],
)
def test_what_would_have_been_caught_is_told_in_its_direction(
    kind: str, detectable: float | None, words: str
) -> None:
    """A fall is never more than all there is; what is beyond sense is left out."""
    rule = replace(every_standing().rules[0], bound_kind=kind, detectable=detectable)
    assert caught_words(rule) == words


def test_a_relative_limit_shows_the_change_beside_the_value() -> None:
    """The change as a percentage, with its interval."""
    rule = replace(
        every_standing().rules[0],
        value=Shown(value=2.0, unit="J", low=1.9, high=2.1),
        compared=Shown(value=0.08, unit="1", low=0.05, high=0.11),
        bound=0.05,
        bound_kind="max_increase",
    )
    assert found_words(rule) == "2.00 J [1.90 .. 2.10], change +8 % [+5 % .. +11 %]"


def test_a_badge_shows_verdict_score_and_how_well_it_is_known() -> None:
    """For shields.io it is an error badge, whose colour nobody can override."""
    told = json.loads(badge_endpoint(every_standing()))
    assert told["message"] == "failed · score 92.0 (88.0-96.0, grade B) · 3-4 stars"
    assert told["isError"] is True
    assert badge_svg(every_standing()).startswith("<svg ")


def test_a_badge_that_passes_with_a_waiver_says_so() -> None:
    """A pass that needed a waiver does not look like one that did not."""
    sample = every_standing()
    kept = tuple(r for r in sample.rules if r.standing in (Standing.PASS, Standing.WAIVED))
    passed = replace(sample, rules=kept, standing=Standing.PASS, exit_code=0, score=None, stars="")
    assert json.loads(badge_endpoint(passed))["message"] == "passed (waived)"


def test_text_for_a_terminal_begins_with_the_worst() -> None:
    """And ends with what decided, and the head of the log."""
    lines = decision_text(every_standing()).splitlines()
    assert lines[2].startswith("failed")
    assert lines[-1].endswith("head " + "23" * 32)
