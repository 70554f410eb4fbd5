"""The HTML page."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

from tests.reports.sample import a_bare_report, a_real_run, a_report
from wattmark.core.facts import Facts
from wattmark.core.figure import Figure, Missing
from wattmark.core.run import MeterChoice, NotSeen, Subject, Window
from wattmark.reports.as_html import html_report
from wattmark.reports.selfcontained import ticks
from wattmark.reports.view import ReportData, SourceFile

VOID = {"meta", "link", "br", "hr", "img", "input"}
HOSTILE = "</script><script>alert('x')</script>"


class Page(HTMLParser):
    """Collects tags, ids and attributes, and checks that every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag


def visible(html: str) -> str:
    """The text a reader sees: no styles, scripts or tags."""
    body = re.sub(r"<(style|script)\b.*?</\1>", "", html, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_the_page_is_well_formed_with_unique_ids_and_one_heading() -> None:
    """Every tag closes, no id occurs twice, one h1."""
    for data in (a_report(), a_bare_report()):
        page = Page(html_report(data))
        assert page.stack == []
        assert len(page.ids) == len(set(page.ids))
        assert page.tags.count("h1") == 1


def test_the_page_loads_nothing() -> None:
    """No attribute points outside the page, and the security policy forbids what is not inline."""
    html = html_report(a_report())
    page = Page(html)
    loading = [
        (name, value)
        for name, value in page.attributes
        if name in ("src", "href", "srcset", "action", "data", "poster") or "url(" in (value or "")
    ]
    assert all(value == "url(#hatch)" for _, value in loading)
    assert "link" not in page.tags
    assert "img" not in page.tags
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", re.sub(r"<script>.*?</script>", "", html, flags=re.S))
    assert "default-src 'none'" in html


def test_the_one_script_is_pinned_by_its_hash() -> None:
    """The policy names the very script of the page, so an injected one would not run."""
    html = html_report(a_report())
    scripts = re.findall(r"<script>(.*?)</script>", html, flags=re.S)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html.replace("&#39;", "'")


def test_hostile_names_are_text() -> None:
    """A model, stage, meter, file and KPI text with markup in them never become markup."""
    run = a_real_run(
        subject=Subject(model=HOSTILE, task=HOSTILE, team="<b>t</b>"),
        windows=(Window(id=1, name=HOSTILE, stage=HOSTILE, t0_seconds=0, duration_seconds=60),),
        not_seen=(NotSeen(what=HOSTILE, reason=HOSTILE),),
        meters=(MeterChoice(meter=HOSTILE, chosen=False, reason=HOSTILE),),
        notes=(HOSTILE,),
        environment={HOSTILE: HOSTILE},
    )
    data = replace(
        a_report(),
        title=HOSTILE,
        runs=(run,),
        answers={"pue": Missing(HOSTILE, HOSTILE)},
        files=(SourceFile(name=HOSTILE, sha256="0" * 64, record_id="r"),),
    )
    html = html_report(data)
    assert "alert(" in visible(html).replace("&#39;", "'")
    assert "<script>alert" not in html
    assert "</script><script" not in html
    assert html.count("<script") == 2  # the data of one chart and the one script
    assert Page(html).stack == []


def test_the_data_of_the_chart_survives_its_escaping() -> None:
    """A stage that is named like the end of a script comes back as it was."""
    run = a_real_run(windows=(Window(id=1, name="w", stage=HOSTILE, t0_seconds=0, duration_seconds=60),))
    html = html_report(replace(a_report(), runs=(run,)))
    found = re.search(r'<script type="application/json" id="power-1">(.*?)</script>', html, flags=re.S)
    assert found is not None
    data = json.loads(found.group(1))
    assert data["bands"][0]["name"] == HOSTILE
    assert [s["name"] for s in data["series"]] == ["cpu", "dram", "gpu", "rest of node"]
    assert data["series"][2]["watts"][31] is None
    assert data["gaps"] == [{"component": "gpu", "t0": 30.0, "t1": 34.0, "reason": "the driver was reloaded"}]


def test_the_page_says_how_every_figure_is_known() -> None:
    """Value, interval, grade, coverage, terms, sources, gap, blind spots, meters, cost, record, hash."""
    text = visible(html_report(a_report()))
    for words in (
        "160",
        "13.7 kJ",
        "12.1 to 15.3 kJ",
        "93 %",
        "not seen: gpu for 4.00 s (the driver was reloaded)",
        "network switches",
        "/dev/ipmi0 is not readable",
        "21.0 ms of CPU time for 61 looks",
        "boundary",
        "rapl 1",
        "3f6d1c8e-0000-4000-8000-00000000000a",
        "sha256:" + "ab" * 32,
        "Energy-to-Solution: at most 5.00 Wh",
        "missing: embodied carbon",
    ):
        assert words in text, words


def test_what_is_missing_is_never_shown_as_zero() -> None:
    """A run without readings shows no energy of 0 and no empty chart."""
    html = html_report(a_bare_report())
    text = visible(html)
    assert "missing: energy" in text
    assert "<canvas" not in html
    assert "data-power" not in re.sub(r"<script>.*?</script>", "", html, flags=re.S)
    assert not re.search(r"\b0 (J|Wh|gCO2e|W)\b", text)


def test_a_score_that_cannot_be_made_says_what_it_lacks() -> None:
    """No number, but each KPI that keeps it from being made."""
    data = a_report()
    assert data.score is not None
    lines = tuple(
        replace(line, ratio=Missing("energy", "measure it"), used=None) for line in data.score.lines
    )
    none = Missing("energy")
    score = replace(data.score, lines=lines, arithmetic=none, geometric=none, unclipped=none)
    text = visible(html_report(replace(data, score=score)))
    assert "No score: something it needs is missing" in text
    assert "missing: energy (measure it)" in text


def test_many_runs_draw_six_charts_and_say_so() -> None:
    """Nine runs: six drawings and a sentence about the other three."""
    runs = tuple(a_real_run(record_id=f"{i:08d}-0000-4000-8000-000000000000") for i in range(9))
    html = html_report(replace(a_report(), runs=runs))
    assert html.count('<figure class="plot"') == 6
    assert "3 more runs are not drawn" in html


def test_text_between_backticks_is_code_and_nothing_else_changes() -> None:
    """A command stands out; a lonely backtick is a character."""
    assert ticks("run `wattmark doctor` <now>") == "run <code>wattmark doctor</code> &lt;now&gt;"
    assert ticks("it`s") == "it`s"


def test_a_value_of_zero_and_an_exact_value_draw_no_interval() -> None:
    """Neither divides by zero, and what states no uncertainty is not called exact."""
    answers = {"pue": Figure(0.0, "1", errors={"x": 1.0}), "energy_to_solution": Figure(1.0, "kWh")}
    data = ReportData(title="t", runs=(), facts=Facts(energy=Missing("energy")), answers=answers)
    assert "none stated" in visible(html_report(data))
