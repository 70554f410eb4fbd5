"""The page of a leaderboard, its JSON and its CSV, without a browser."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from tests.reports.board_results import (
    INVALID,
    a_key,
    a_published,
    a_rating,
    a_result,
    unrated,
)
from wattmark.core.bench.board import Board, board_of
from wattmark.core.bench.result import Origin, QualityScore, Result
from wattmark.core.figure import Figure
from wattmark.core.known import Grade
from wattmark.core.stars.rating import Rating
from wattmark.reports import leaderboard_charts as charts
from wattmark.reports.as_json import document
from wattmark.reports.leaderboard_html import COLUMNS, Site, leaderboard_html, link_of, pages
from wattmark.reports.leaderboard_json import SCHEMA, SCHEMA_VERSION, leaderboard_body
from wattmark.reports.leaderboard_rows import CSV_HEADS, csv_board, shortened, wh


def a_board(*results: Result, mode: str = "anchored") -> Board:
    """Each with three to four stars, published ones with none."""
    return board_of([(r, _rated(r)) for r in results], mode)


def _rated(result: Result) -> Rating:
    if result.origin.published:
        return unrated(result, "unrated: published without evidence (grade E)")
    return a_rating(result)


def page(*results: Result, **site: Any) -> str:
    """The page of these."""
    return leaderboard_html(a_board(*results), Site(**site))


def test_the_page_holds_every_column_and_loads_nothing() -> None:
    """Heads in their order; nothing with a source; scripts by their hash only."""
    html = page(a_result(), a_published())
    for column in COLUMNS:
        assert f'data-name="{column.name}">{column.title}</th>' in html
    assert not re.search(r"<[a-z][^>]*\s(src|srcset|action)\s*=", html)
    assert "script-src 'sha256-" in html
    for word in (
        "10.0",
        "9.50 to 10.5",
        "3-4",
        "3.60 J/output token",
        "0.420",
        "100 ms / 200 ms",
        "device (gpu)",
    ):
        assert word in html
    for word in (
        "batch 1",
        "float16",
        "3 · CV 1 %",
        "valid",
        "wattmark 0.1.0",
        "2026-11-20",
        "bbbbbbbbbbbb…",
    ):
        assert word in html


def test_a_group_names_its_key_and_what_differs() -> None:
    """The key in words in the head, and the differing field of its neighbour."""
    html = page(a_result("a"), a_result("b", key=a_key(batch_policy="concurrency 32")))
    assert "<li><span>batch policy</span> <bdi>concurrency 32</bdi></li>" in html
    assert "What differs: batch policy: batch 1 there, concurrency 32 here" in html


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "\"><img src=x onerror='alert(1)'>",
        "{{ 7*7 }}",
        "a & b",
        "x" * 5000,
        "שלום/דגם",
    ],
)
def test_hostile_names_stay_text(name: str) -> None:
    """In every field that comes from outside; long ones are cut, with the whole name as a title."""
    said = (a_key(device_class=name, batch_policy=name, precision=name), Origin(tool=name, source=name))
    result = a_result(name, key=said[0], origin=said[1], hardware=name, notes=(name,))
    html = leaderboard_html(board_of([(result, unrated(result, name))]), Site(title=name))
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "7*7" not in name or "{{ 7*7 }}" in html
    json_ids = re.findall(r'data-key="([^"]*)"', html)
    assert len(json_ids) == 1
    if len(name) > 160:
        assert f'<bdi title="{name}">' in html


def test_names_in_other_directions_are_set_apart() -> None:
    """A right-to-left name turns nothing else round."""
    assert "<bdi>שלום/דגם</bdi>" in page(a_result("שלום/דגם"))


def test_reasons_against_a_result_are_told() -> None:
    """Codes and words, and no rank."""
    html = page(a_result(validity=INVALID))
    assert "quick: profile quick is for tries" in html
    assert '<td class="rank un" data-v="">invalid</td>' in html
    assert "1 reason" in html


def test_published_figures_have_no_rank_and_grade_e() -> None:
    """Whatever grade they state of themselves."""
    html = page(a_published(grade=Grade.B))
    assert '<span class="grade E">E</span>' in html
    assert "published, evidence not checked" in html
    assert '<a href="https://ml.energy/leaderboard" rel="noopener noreferrer nofollow">published</a>' in html
    assert "published without evidence (grade E)" in html


@pytest.mark.parametrize(
    ("source", "bundles", "link"),
    [
        ("https://a.example/b", "", "https://a.example/b"),
        ("javascript:alert(1)", "bundles", "bundles/javascript%3Aalert%281%29"),
        ("javascript://x", "bundles", ""),
        ("file:///etc/passwd", "bundles", ""),
        ("one.wattmark", "https://b.example/all/", "https://b.example/all/one.wattmark"),
        ("one.wattmark", "bundles", "bundles/one.wattmark"),
        ("../one", "bundles", ""),
        ("one.wattmark", "", ""),
        ("", "bundles", ""),
    ],
)
def test_links_lead_to_evidence_only(source: str, bundles: str, link: str) -> None:
    """Addresses of the web, and what lies below the folder of bundles."""
    assert link_of(source, bundles) == link


def test_what_is_not_known_is_an_empty_cell() -> None:
    """No energy, quality, latency, class, date: nothing, never 0; sorting puts it last."""
    result = a_result(
        energy=None,
        quality=None,
        latency=None,
        repeats=(),
        repeat_cv=None,
        date="",
        cohort="",
        bundle_sha256=None,
    )
    html = page(result)
    assert '<td class="energy" data-v=""></td>' in html
    assert "no energy is known" in html
    assert "no bundle" in html


def test_a_board_of_nothing_but_unknown_energy_draws_nothing() -> None:
    """No scale, no marks, no plots."""
    board = a_board(a_result("a", None), a_result("b", 0.0, 0.0))
    groups = [g for t in board.tasks for g in t.groups]
    assert [charts.scale_of_group(g) for g in groups] == [None]
    assert 'class="scatter"' not in leaderboard_html(board, Site())


def test_equal_energies_still_have_a_scale() -> None:
    """A single exact value stands in the middle of a scale of 10 % either way."""
    group = a_board(a_result("a", 36.0, 0.0)).tasks[0].groups[0]
    span = wh(group.rows[0])
    assert charts.scale_of_group(group) == pytest.approx((10 / 1.1, 11.0))
    assert span is not None
    assert 'cx="50.0%"' in charts.interval_mark(span, (5.0, 20.0))
    assert charts.interval_mark(span, None) == ""


def test_energy_is_drawn_against_quality_with_both_intervals() -> None:
    """A point for each result that has both, open for what is not ranked; names where there are few."""
    html = page(a_result("lab/a"), a_result("lab/b", 72, validity=INVALID), a_result("lab/c", quality=None))
    assert html.count("<g><title>") == 2
    assert 'class="dot open"' in html
    assert "lab/a: 10.0 Wh per 1,000 queries (9.50 to 10.5), quality 0.420 (0.400 to 0.440)" in html


def test_qualities_that_mean_different_things_share_no_plot() -> None:
    """rouge_l and accuracy in one group: no drawing."""
    other = QualityScore(name="accuracy", value=0.9)
    group = a_board(a_result("a"), a_result("b", quality=other)).tasks[0].groups[0]
    assert charts.points_of(group) == []


def test_many_groups_are_not_all_drawn() -> None:
    """Eight groups of two: six drawings, and the rest is said."""
    keys = [a_key(batch_policy=f"batch {i}") for i in range(8)]
    html = page(*(a_result(f"{name}{i}", key=key) for i, key in enumerate(keys) for name in "ab"))
    assert html.count('class="scatter"') == 6
    assert "2 smaller groups with quality not drawn." in html


def test_stars_show_what_is_sure_and_what_is_left_open() -> None:
    """Three full, one pale, one empty."""
    drawn = charts.star_symbols([(3, 4)])
    assert [drawn.count(f'class="{c}"') for c in ("sure", "perhaps", "not")] == [3, 1, 1]
    assert 'href="#st34"' in page(a_result())


def test_stars_of_published_figures_say_that_nobody_checked_them() -> None:
    """The formula gives them in mode aies; the page says what they rest on."""
    told = a_published()
    rating = a_rating(told, mode="aies", interval=None, evidence="recomputed, evidence not checked")
    html = leaderboard_html(board_of([(told, rating)], "aies"), Site(mode="aies"))
    assert '<small class="why">recomputed, evidence not checked</small>' in html
    assert "evidence not checked</small>" not in page(a_result())


def test_the_lead_counts() -> None:
    """Results, groups, ranked, published, doubles."""
    html = page(a_result("a"), a_result("a"), a_published())
    assert "2 results in 2 groups" in html
    assert "1 ranked; 1 published by others, unranked; 1 result came twice and shown once." in html


def test_the_document_is_frozen() -> None:
    """Schema, version, and the fields of each level."""
    board = a_board(a_result(), a_published())
    told = json.loads(document(SCHEMA, SCHEMA_VERSION, leaderboard_body(board, title="T", mode="anchored")))
    assert (told["schema"], told["schema_version"]) == ("wattmark.leaderboard", 1)
    assert list(told) == [
        *("schema", "schema_version", "title", "mode", "results", "doubles_left_out", "tasks"),
    ]
    group = told["tasks"][0]["groups"][0]
    assert list(group) == ["key_id", "key", "ranked", "differs_from_the_group_before", "rows"]
    assert group["key"]["batch_policy"] == "batch 1"
    row = group["rows"][0]
    assert list(row) == [
        *(
            "rank",
            "unranked",
            "model",
            "model_version",
            "model_class",
            "random_weights",
            "parameters",
            "cohort",
        ),
        *("stars", "stars_interval", "stars_reason", "stars_mode", "stars_evidence", "index", "thresholds"),
        *("wh_per_1000_queries", "joules_per_query", "joules_per_output", "output_unit", "quality"),
        *("latency_seconds", "grade", "hardware", "repeats", "repeat_cv", "validity", "origin", "date"),
        *("result_id", "notes"),
    ]
    assert row["rank"] == {"first": 1, "last": 1}
    assert row["wh_per_1000_queries"]["value"] == pytest.approx(10.0)
    assert row["wh_per_1000_queries"]["interval_95"] == pytest.approx([9.5, 10.5])
    assert (row["stars"], row["stars_interval"]) == (3, [3, 4])
    published = told["tasks"][0]["groups"][1]["rows"][0]
    assert (published["rank"], published["grade"], published["stars"]) == (None, "E", None)
    assert published["wh_per_1000_queries"]["interval_95"] is None


def test_numbers_that_json_lacks_are_null() -> None:
    """An interval without an end, from an error of many times the value."""
    wild = replace(a_result(), energy=Figure(36.0, "J/query", errors={"x": 1e9}, grades={Grade.B: 36.0}))
    told = leaderboard_body(a_board(wild), title="T", mode="anchored")
    json.loads(document(SCHEMA, SCHEMA_VERSION, told))
    assert told["tasks"][0]["groups"][0]["rows"][0]["joules_per_query"]["interval_95"][1] is None


def test_the_table_for_spreadsheets_has_every_row_and_no_formula() -> None:
    """Names that begin a formula are quoted; what is not known is empty."""
    board = a_board(a_result("=cmd|' /C calc'!A0"), a_published(), a_result("none", None))
    rows = list(csv.DictReader(io.StringIO(csv_board(board))))
    assert len(rows) == 3
    assert list(rows[0]) == list(CSV_HEADS)
    assert all(None not in row and None not in row.values() for row in rows)
    by_model = {row["model"]: row for row in rows}
    first = by_model["'=cmd|' /C calc'!A0"]
    assert (first["rank_first"], first["stars_low"], first["stars_high"]) == ("1", "3", "4")
    assert float(first["wh_per_1000_queries"]) == pytest.approx(10.0)
    assert (by_model["none"]["wh_per_1000_queries"], by_model["none"]["grade"]) == ("", "")
    assert by_model["lab/told"]["published"] == "true"


def test_results_without_ratings_say_so() -> None:
    """In JSON and CSV."""
    board = board_of([(a_result(), None)])
    row = leaderboard_body(board, title="T", mode="anchored")["tasks"][0]["groups"][0]["rows"][0]
    assert (row["stars"], row["stars_reason"]) == (None, "not rated")
    assert "not rated" in csv_board(board)
    assert "unrated" in leaderboard_html(board, Site())


def test_a_site_has_three_files() -> None:
    """The page, its document, its table."""
    board = a_board(a_result())
    files = pages(board, Site(), leaderboard_body(board, title="T", mode="anchored"))
    assert list(files) == ["index.html", "leaderboard.json", "leaderboard.csv"]


def test_hashes_are_shortened_and_nothing_else() -> None:
    """64 hexadecimal digits, with or without their prefix."""
    assert shortened("a" * 64) == "aaaaaaaaaaaa…"
    assert shortened("sha256:" + "a" * 64) == "aaaaaaaaaaaa…"
    assert shortened("published: mlenergy") == "published: mlenergy"


def test_a_task_nobody_knows_keeps_its_name() -> None:
    """Imported results may have tasks of their own."""
    html = page(a_result(key=a_key(task="video chat/éa")))
    assert 'id="t-video-chat--a"' in html
    assert "Video chat/éa" in html
