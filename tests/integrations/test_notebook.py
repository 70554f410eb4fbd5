"""The notebook magics in a real IPython, and in a real notebook."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("IPython", reason="pip install 'wattmark[notebook]'")

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from tests.builders import a_row, a_run
from wattmark.core.facts import Facts
from wattmark.core.figure import Missing
from wattmark.core.given import Given
from wattmark.core.run import GapSpan, NotSeen, Run, Series
from wattmark.core.totals import facts_of
from wattmark.integrations.notebook import split_options
from wattmark.integrations.notebook_card import Card, sparkline_svg
from wattmark.ledger.runfile import read_runs

SERIES = Series(
    device_id=a_row().device_id,
    component="cpu",
    t_seconds=(0.0, 2.0, 4.0, 6.0, 8.0, 10.0),
    energy_joules=(0.0, 10.0, 40.0, 60.0, 80.0, 90.0),
)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """A shell of its own with the extension loaded, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WATTMARK_HOME", str(tmp_path / "home"))
    shell: InteractiveShell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "wattmark")
    yield shell
    shell.run_line_magic("reset", "-f")
    InteractiveShell.clear_instance()


def cards(shell: InteractiveShell, source: str) -> tuple[Any, list[Card], str]:
    """Run a cell: its result, the cards it displayed, and what it printed."""
    with capture_output() as seen:
        result = shell.run_cell(source)
    shown = [o.data.get("text/html", "") for o in seen.outputs]
    return result, [html for html in shown if "wattmark-card" in html], seen.stdout + seen.stderr


def test_a_cell_is_measured_and_shows_a_card(shell: InteractiveShell) -> None:
    """Energy, grade and coverage below the cell; its names stay in the notebook."""
    result, shown, _ = cards(shell, "%%wattmark --name training\nx = sum(range(10**6))\n")
    assert result.success
    assert len(shown) == 1
    for words in ("training", "grade", "observed", "not seen"):
        assert words in shown[0]
    assert shell.user_ns["x"] == 499999500000


def test_the_value_of_a_cell_is_its_result(shell: InteractiveShell) -> None:
    """The last expression is shown as without the magic."""
    result, _, _ = cards(shell, "%%wattmark\na = 20\na + 22\n")
    assert result.result == 42


def test_a_statement_is_measured_on_one_line(shell: InteractiveShell) -> None:
    """`%wattmark sum(...)` gives the value and a card."""
    result, shown, _ = cards(shell, "%wattmark --name one sum(range(10))")
    assert result.result == 45
    assert "one" in shown[0]


def test_an_error_in_the_cell_comes_through(shell: InteractiveShell) -> None:
    """The cell fails as it would without us, and the card says that its energy counts all the same."""
    result, shown, printed = cards(shell, "%%wattmark\n1 / 0\n")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    assert "1 / 0" in printed
    assert "ended with an error" in shown[0]


def test_a_cell_that_is_no_python_measures_nothing(shell: InteractiveShell) -> None:
    """The syntax error comes first."""
    result, shown, _ = cards(shell, "%%wattmark\nx = = 1\n")
    assert not result.success
    assert shown == []


def test_a_cell_with_await_says_what_to_do(shell: InteractiveShell) -> None:
    """There is another way."""
    _, _, printed = cards(shell, "%%wattmark\nimport asyncio\nawait asyncio.sleep(0)\n")
    assert "async with wattmark.track()" in printed


def test_the_track_can_be_kept_and_work_be_said(shell: InteractiveShell) -> None:
    """Stage, work and quality are in the evidence; wattmark.log works inside the cell."""
    cards(
        shell,
        "%%wattmark --stage inference --model 'my model' --work inferences=10 --save t --quiet\n"
        "import wattmark\nwattmark.log(quality={'accuracy': 0.9})\n",
    )
    run: Run = shell.user_ns["t"].run
    assert (run.subject.stage, run.subject.model) == ("inference", "my model")
    assert run.work[0].count == 10
    assert run.quality[0].value == 0.9


def test_quiet_shows_nothing(shell: InteractiveShell) -> None:
    """Not even a line."""
    assert cards(shell, "%%wattmark --quiet\npass\n")[1:] == ([], "")


def test_a_run_file_is_written_where_it_is_asked_for(shell: InteractiveShell, tmp_path: Path) -> None:
    """And only then."""
    cards(shell, "%%wattmark\npass\n")
    assert list(tmp_path.rglob("*.run.json")) == []
    cards(shell, "%%wattmark --out runs\npass\n")
    assert len(read_runs([tmp_path / "runs"])) == 1


def test_several_cells_are_measured_from_start_to_stop(shell: InteractiveShell) -> None:
    """A measured cell inside is a window of the whole, with one card at the end."""
    assert cards(shell, "%wattmark start --name ignored")[0].success is False
    _, shown, _ = cards(shell, "%wattmark --name whole --save t start")
    assert shown == []
    _, shown, printed = cards(shell, "%%wattmark --name inner\ny = 1\n")
    assert shown == []
    assert "inner: a window of the run" in printed
    _, shown, _ = cards(shell, "%wattmark")
    assert "whole, so far" in shown[0]
    _, shown, _ = cards(shell, "%wattmark stop")
    assert "whole" in shown[0]
    assert [w.name for w in shell.user_ns["t"].run.windows] == ["inner"]
    assert "whole" in cards(shell, "%wattmark")[1][0]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("%wattmark stop", "nothing is being measured"),
        ("%wattmark start\n%wattmark start", "already measuring"),
        ("%%wattmark --colour red\npass", "--colour"),
        ("%%wattmark --stage\npass", "expected one argument"),
        ("%%wattmark x = 1\npass", "options only"),
        ("%%wattmark --work ten\npass", "is not UNIT=N"),
    ],
)
def test_a_mistake_is_told_in_one_line(shell: InteractiveShell, source: str, words: str) -> None:
    """No traceback of ours."""
    result, _, printed = cards(shell, source)
    assert not result.success
    assert words in printed
    assert "Traceback" not in printed
    cards(shell, "%wattmark stop")


def test_a_configuration_that_is_wrong_is_told(shell: InteractiveShell, tmp_path: Path) -> None:
    """The message of our error, with its file and place."""
    (tmp_path / "wattmark.toml").write_text("[measure]\nperiod_seconds = -1\n")
    _, _, printed = cards(shell, "%%wattmark\npass\n")
    assert "period" in printed
    assert "Traceback" not in printed


def test_nothing_measured_yet_says_how(shell: InteractiveShell) -> None:
    """The first thing a newcomer may type."""
    assert "put %%wattmark above a cell" in cards(shell, "%wattmark")[2]


@pytest.mark.parametrize(
    ("line", "words", "rest"),
    [
        ("", [], ""),
        ("f(a, --b)", [], "f(a, --b)"),
        ("--quiet f(x='a b')", ["--quiet"], "f(x='a b')"),
        (
            "--stage=training --name 'two words' x = 1",
            ["--stage", "training", "--name", "two words"],
            "x = 1",
        ),
        ("--stage", ["--stage"], ""),
    ],
)
def test_options_stand_in_front_of_a_statement(line: str, words: list[str], rest: str) -> None:
    """The statement is left as it was written."""
    assert split_options(line) == (words, rest)


def a_card(**changes: Any) -> Card:
    """The card of a run of 90 J in 10 s."""
    run = a_run(**{"series": (SERIES,), **changes})
    return Card("cell", run, facts_of([run], Given()))


def test_the_card_is_well_formed_and_complete() -> None:
    """90 J in 10 s are 9 W; grade B; the drawing has the power's highest value in its label."""
    html = a_card(not_seen=(NotSeen(what="fans", reason="no sensor"),))._repr_html_()
    page = ET.fromstring(html)
    told = "".join(page.itertext())
    for words in ("90.0 J", "mean 9.00 W", "grade B", "100 % observed", "fans: no sensor", "at most 15.0 W"):
        assert words in told


def test_what_comes_from_the_run_is_escaped() -> None:
    """A name or a reason cannot put a script into the page."""
    evil = "<script>alert(1)</script>"
    card = a_card(not_seen=(NotSeen(what=evil, reason=evil),), notes=(evil,))
    card.name = evil
    assert "<script" not in card._repr_html_()


def test_unknown_energy_is_said_not_zero() -> None:
    """No meter gave a reading."""
    card = Card("cell", a_run(energies=()), Facts(energy=Missing("energy", "no meter")))
    assert "missing: energy" in card._repr_html_()
    assert "missing: energy" in repr(card)


def test_a_gap_is_a_band_never_a_low() -> None:
    """One value was not seen: a band, and two lines beside it."""
    svg = sparkline_svg([5.0, 5.0, None, 10.0])
    assert svg.count("<rect") == 1
    assert svg.count("<polyline") == 2


@pytest.mark.parametrize("values", [[], [5.0], [None, None], [0.0, 0.0]])
def test_nothing_to_draw_draws_nothing(values: list[float | None]) -> None:
    """No empty picture."""
    assert sparkline_svg(values) == ""


def test_gaps_are_listed_with_their_reasons() -> None:
    """Coverage below 100 % has its why on the card."""
    gap = GapSpan(t0_seconds=2.0, duration_seconds=3.0, reason="driver gone")
    card = a_card(energies=(a_row(observed_seconds=7.0, gaps=(gap,)),))
    assert "gap in cpu: driver gone" in card._repr_html_()
    assert "70 % observed" in card._repr_html_()


def test_the_text_says_the_same() -> None:
    """Where no HTML can be shown."""
    out = io.StringIO()
    with redirect_stdout(out):
        print(repr(a_card()))  # noqa: T201
    assert "90.0 J" in out.getvalue()


@pytest.mark.slow
def test_a_real_notebook_is_executed(tmp_path: Path) -> None:
    """Jupyter's own kernel: a card below the cell, and start and stop over several cells."""
    nbclient = pytest.importorskip("nbclient", reason="pip install nbclient ipykernel")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    cells = [
        "%load_ext wattmark",
        "%%wattmark --stage training\nsum(range(10**6))",
        "%wattmark --name all --save t start",
        "import wattmark\nwattmark.log(work={'inferences': 5})",
        "%wattmark stop",
        "t.run.work[0].count",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    nbclient.NotebookClient(book, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    html = [o["data"].get("text/html", "") for c in book.cells for o in c.outputs if "data" in o]
    assert sum("wattmark-card" in h for h in html) == 2
    assert book.cells[-1].outputs[0]["data"]["text/plain"] == "5.0"
