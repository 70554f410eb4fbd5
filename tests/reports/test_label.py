"""Labels: what they hold, what they show, and that both are the same."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reports.board_results import INVALID, a_published, a_rating, a_result, joules, unrated
from tests.reports.browser import browser, needs_chromium
from wattmark.core.bench.result import Result
from wattmark.core.known import Grade
from wattmark.core.stars.rating import Rating
from wattmark.reports.as_json import document
from wattmark.reports.fitting import cut, fitted, width_of, wrapped
from wattmark.reports.label_badge import badge_json, badge_svg, badge_words
from wattmark.reports.label_facts import SCHEMA, SCHEMA_VERSION, label_body, named, scored, stars_words
from wattmark.reports.label_png import png_of, png_twin, with_twin
from wattmark.reports.label_svg import (
    EMPTY,
    HEIGHT,
    PERHAPS,
    STARS_X,
    STARS_Y,
    SURE,
    WIDTH,
    as_text,
    label_svg,
    twin_of,
)

SVG = "{http://www.w3.org/2000/svg}"


def a_label(result: Result | None = None, rating: Rating | None = None, **options: str) -> dict[str, Any]:
    """The document of a label, as it is written and read again."""
    made = result or a_result()
    body = label_body(made, rating or a_rating(made), version="0.1.0", **options)
    found: dict[str, Any] = json.loads(document(SCHEMA, SCHEMA_VERSION, body))
    return found


def words(svg: str) -> str:
    """All that is drawn as text."""
    return " ".join("".join(t.itertext()) for t in ET.fromstring(svg).iter(f"{SVG}text"))


def fills(label: Mapping[str, Any]) -> list[str]:
    """Fill of each star."""
    paths = ET.fromstring(label_svg(label)).iter(f"{SVG}path")
    return [p.attrib["fill"] for p in paths if p.attrib.get("fill") in (SURE, PERHAPS, EMPTY)]


def test_the_document_is_frozen() -> None:
    """Schema, version, fields; the fields of the original label among them."""
    label = a_label(link="https://example.org/x")
    assert (label["schema"], label["schema_version"]) == ("wattmark.label", 1)
    assert list(label)[2:] == [
        *(
            "provider",
            "model",
            "model_id",
            "model_version",
            "model_class",
            "random_weights",
            "scored",
            "date",
        ),
        *("task", "task_title", "hardware", "wh_per_1000_queries", "joules_per_query", "joules_per_output"),
        *("output_unit", "stars", "stars_interval", "stars_reason", "stars_mode", "stars_evidence", "index"),
        *("thresholds", "grade", "boundary", "coverage", "quality", "validity", "profile", "key_id", "key"),
        *("origin", "result_id", "bundle_sha256", "link", "made_by"),
    ]
    assert (label["provider"], label["model"], label["scored"]) == ("lab", "one", "November 2026")
    assert label["wh_per_1000_queries"]["value"] == pytest.approx(10.0)


def test_a_label_shows_the_fields_of_the_original_and_how_they_are_known() -> None:
    """Provider, model, month, task, hardware, energy, stars, link; and how they are known."""
    label = a_label(link="https://example.org/x")
    said = words(label_svg(label))
    for word in (
        "lab",
        "one",
        "November 2026",
        "text generation, class A",
        "1 x NVIDIA H100 80GB HBM3",
        "10.0Wh",
    ):
        assert word in said
    for word in ("3 to 4 stars", "95 %: 9.50 to 10.5", "grade: hardware counter", "device (gpu)", "valid"):
        assert word in said
    assert "example.org/x" in said
    assert label["key_id"] in said


def test_the_drawing_carries_its_document() -> None:
    """In metadata, equal to what --json writes; size as the original's; words for screen readers."""
    label = a_label()
    svg = label_svg(label)
    assert twin_of(svg) == label
    root = ET.fromstring(svg)
    assert (root.attrib["width"], root.attrib["height"]) == (str(WIDTH), str(HEIGHT)) == ("260", "364")
    assert root.attrib["role"] == "img"
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert title.text == "Energy label of lab/one: 3 to 4 of 5 stars"
    assert desc is not None
    assert "10.0 Wh per 1,000 queries (9.50 to 10.5)" in str(desc.text)


@pytest.mark.parametrize(("worst", "best"), [(1, 1), (3, 3), (3, 4), (2, 5), (5, 5)])
def test_stars_are_full_where_sure_and_pale_where_open(worst: int, best: int) -> None:
    """As many of each as the rating says."""
    result = a_result()
    label = a_label(result, a_rating(result, stars=worst, interval=(worst, best)))
    assert fills(label) == [SURE] * worst + [PERHAPS] * (best - worst) + [EMPTY] * (5 - best)


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (a_published(), "published without evidence (grade E)"),
        (a_result(validity=INVALID), "invalid: quick"),
        (a_result(energy=None), "no energy is known"),
    ],
)
def test_there_are_never_stars_for_what_is_unrated(result: Result, reason: str) -> None:
    """No star is drawn; the reason is."""
    label = a_label(result, unrated(result, f"unrated: {reason}"))
    said = words(label_svg(label))
    assert fills(label) == []
    assert "unrated" in said
    assert reason in said
    assert ("energy not known" in said) is (result.energy is None)


def test_stars_that_were_recomputed_say_so() -> None:
    """Five stars of a published figure: the formula's, evidence not checked."""
    result = a_published()
    label = a_label(result, a_rating(result, mode="aies", stars=5, interval=None))
    assert "5 of 5 stars, evidence not checked" in words(label_svg(label))
    assert label["grade"] == "E"


def test_mode_aies_labels_the_energy_of_the_gpus() -> None:
    """36 J of the GPU of 72 J of the node: 10 Wh, boundary device (gpu)."""
    result = a_result("lab/one", 72.0, gpu_energy=joules(36.0, 1.0))
    label = a_label(result, a_rating(result, mode="aies"))
    assert label["wh_per_1000_queries"]["value"] == pytest.approx(10.0)
    assert label["boundary"] == "device (gpu)"


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80), st.text(max_size=40))
def test_any_name_makes_a_sound_drawing_with_a_true_twin(model: str, hardware: str) -> None:
    """Control characters, tags, other scripts: it is XML, and the document inside is unharmed."""
    label = a_label(a_result(model, hardware=hardware))
    svg = label_svg(label)
    ET.fromstring(svg.encode("utf-8", "replace"))
    assert twin_of(svg) == label


def test_what_is_no_label_has_no_twin() -> None:
    """No metadata, no JSON, no object."""
    svg = label_svg(a_label())
    assert twin_of("<svg/>") is None
    assert twin_of(svg.replace("&quot;schema&quot;", "&quot;", 1)) is None
    assert twin_of('<metadata id="wattmark-label">[1]</metadata>') is None


@pytest.mark.parametrize(
    ("date", "cohort", "said"),
    [("2026-01-31", "x", "January 2026"), ("", "Dec 25", "Dec 25"), ("soon", "", None)],
)
def test_the_month_of_the_test(date: str, cohort: str, said: str | None) -> None:
    """By its day, else by its cohort, else not known."""
    assert scored(a_result(date=date, cohort=cohort)) == said


@pytest.mark.parametrize(
    ("model", "parts"),
    [("a/b", ("a", "b")), ("a/b/c", ("a", "b/c")), ("b", ("", "b")), ("/b", ("", "/b")), ("a/", ("", "a/"))],
)
def test_provider_and_model(model: str, parts: tuple[str, str]) -> None:
    """Before and after the first slash."""
    assert named(model) == parts


def test_long_texts_are_set_smaller_then_cut() -> None:
    """Nothing is wider than its room."""
    assert fitted("short", (20, 10), 200) == ("short", 20)
    text, size = fitted("m" * 500, (20, 10), 200)
    assert size == 10
    assert text.endswith("…")
    assert width_of(text, size) <= 200
    assert cut("short", 10, 200) == "short"
    lines = wrapped("some words that go on and on for long " * 5, 10, 120, 3)
    assert len(lines) == 3
    assert all(width_of(line, 10) <= 120 for line in lines)
    assert lines[-1].endswith("…")
    assert wrapped("two words", 10, 500, 3) == ["two words"]
    assert width_of("é", 10) == width_of("e", 10)
    assert width_of("五", 10) == 10.0
    assert width_of("A", 10) == 7.0


def test_badges_tell_stars_or_energy() -> None:
    """With the interval; unrated is grey and says so."""
    label = a_label()
    assert badge_words(label)[1] == "3-4 stars"
    assert badge_words(label, "energy")[1] == "10.0 Wh / 1k (grade B)"
    one = a_result()
    assert badge_words(a_label(one, a_rating(one, stars=1, interval=(1, 1))))[1] == "1 star"
    none = a_result(energy=None)
    blank = a_label(none, unrated(none, "unrated: no energy is known"))
    assert badge_words(blank) == ("energy", "unrated", "#5b6468")
    assert badge_words(blank, "energy")[1] == "not known"
    root = ET.fromstring(badge_svg(label))
    assert root.attrib["aria-label"] == "energy: 3-4 stars"
    assert float(root.attrib["width"]) > 80


def test_a_badge_for_shields_has_its_fields() -> None:
    """schemaVersion 1, label, message, color, labelColor (shields.io, Endpoint Badge)."""
    told = json.loads(badge_json(a_label()))
    assert list(told) == ["schemaVersion", "label", "message", "color", "labelColor"]
    assert (told["schemaVersion"], told["message"]) == (1, "3-4 stars")


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize("stars", [None, 1, 2, 3, 4, 5])
def test_white_words_stand_out_on_every_badge(stars: int | None) -> None:
    """4.5 to 1."""
    result = a_result()
    rating = unrated(result, "unrated: x") if stars is None else a_rating(result, stars=stars, interval=None)
    colour = badge_words(a_label(result, rating))[2]
    assert 1.05 / (luminance(colour) + 0.05) >= 4.5


def test_words_for_stars() -> None:
    """One number, two numbers, none with a reason, none without."""
    result = a_result()
    assert stars_words(a_label(result, a_rating(result, stars=4, interval=None))) == "4 of 5 stars"
    assert stars_words(a_label(result, unrated(result, ""))) == "unrated: no reason is stated"


def pixels(png: bytes) -> Any:
    """The picture as RGB."""
    image = pytest.importorskip("PIL.Image", reason="needs pillow to look at pixels")
    return image.open(io.BytesIO(png)).convert("RGB")


def star_colours(png: bytes) -> list[str]:
    """The colour in the middle of each star's place."""
    picture = pixels(png)
    scale = picture.width / WIDTH
    return ["#%02x%02x%02x" % picture.getpixel((int(x * scale), int(STARS_Y * scale))) for x in STARS_X]  # noqa: UP031


@pytest.mark.parametrize(("worst", "best"), [(1, 1), (3, 4), (5, 5)])
def test_a_png_shows_the_stars_by_their_colour(worst: int, best: int) -> None:
    """520 x 728 pixels; the middle of each star has its colour; dark pixels of words are there."""
    pytest.importorskip("resvg_py", reason="needs the extra `label`")
    result = a_result()
    label = a_label(result, a_rating(result, stars=worst, interval=(worst, best)))
    png = png_of(label_svg(label))
    picture = pixels(png)
    assert picture.size == (520, 728)
    assert star_colours(png) == [SURE] * worst + [PERHAPS] * (best - worst) + [EMPTY] * (5 - best)
    dark = sum(count for count, colour in picture.getcolors(1 << 20) if max(colour) < 80)
    assert dark > 3000


def test_an_unrated_png_has_no_star() -> None:
    """Not a pixel of their colour."""
    pytest.importorskip("resvg_py", reason="needs the extra `label`")
    result = a_published()
    png = png_of(label_svg(a_label(result, unrated(result, "unrated: published"))))
    sure = tuple(int(SURE[i : i + 2], 16) for i in (1, 3, 5))
    assert sure not in {colour for _, colour in pixels(png).getcolors(1 << 20)}


def test_a_png_carries_its_document_too() -> None:
    """In a chunk before its end; every reader still takes it."""
    pytest.importorskip("resvg_py", reason="needs the extra `label`")
    label = a_label(a_result("lab/ü", grade=Grade.C))
    plain = png_of(label_svg(label))
    assert png_twin(plain) is None
    whole = with_twin(plain, as_text(label))
    assert png_twin(whole) == label
    assert pixels(whole).tobytes() == pixels(plain).tobytes()
    assert png_twin(with_twin(plain, "{no json")) is None
    assert png_twin(with_twin(plain, "[]")) is None
    assert png_twin(whole[:40]) is None


@pytest.mark.slow
@needs_chromium
def test_resvg_and_chromium_draw_the_same(tmp_path: Path) -> None:
    """Stars of the same colours, and 97 % of all pixels alike: only the edges of letters differ."""
    pytest.importorskip("resvg_py", reason="needs the extra `label`")
    svg = label_svg(a_label())
    page = tmp_path / "label.html"
    page.write_text(f"<!doctype html><body style='margin:0;background:#fff'>{svg}", encoding="utf-8")
    with browser(tmp_path) as shown:
        shown.width(700)
        shown.open(page)
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": HEIGHT, "scale": 2}
        drawn = shown.picture(clip=clip)
        assert shown.said == []
    ours = png_of(svg)
    assert star_colours(drawn) == star_colours(ours)
    a, b = pixels(drawn), pixels(ours)
    assert a.size == b.size
    corner = 26  # outside of the round corners a PNG is clear, a page is white
    box = (corner, corner, a.width - corner, a.height - corner)
    bytes_a, bytes_b = a.crop(box).convert("L").tobytes(), b.crop(box).convert("L").tobytes()
    alike = sum(abs(x - y) < 64 for x, y in zip(bytes_a, bytes_b, strict=True)) / len(bytes_a)
    assert alike > 0.97
