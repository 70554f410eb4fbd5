"""``wattmark label``: files of a label, a card, and the check."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner, Result

from tests.cli.running import verb
from tests.reports.board_results import INVALID, a_result
from tests.reports.test_label import SVG
from wattmark.bench.results import write_results
from wattmark.cli.label import group
from wattmark.core.errors import EvidenceError, UsageError


@pytest.fixture
def result(tmp_path: Path) -> Path:
    """One result of 10 Wh per 1,000 queries."""
    file = tmp_path / "one.json"
    write_results([a_result("lab/one")], file)
    return file


@pytest.fixture
def several(tmp_path: Path) -> Path:
    """Two models."""
    file = tmp_path / "two.json"
    write_results([a_result("lab/one"), a_result("lab/two", 72.0)], file)
    return file


def label(*arguments: object) -> Result:
    """Run the verb."""
    return verb(group, *arguments)


def test_a_label_in_words(result: Path) -> None:
    """Without any file: stars or why not, and the figures."""
    said = label(result).output
    assert said.startswith("lab/one: unrated: no reference for this key")
    assert "10.0 Wh per 1,000 queries (9.50 to 10.5); boundary device (gpu); grade B" in said


def test_drawing_and_document_are_the_same(result: Path, tmp_path: Path) -> None:
    """SVG and JSON; options may stand before the result, and `make` may be written."""
    svg, document = tmp_path / "l.svg", tmp_path / "l.json"
    label("--svg", svg, "--json", document, result)
    from wattmark.reports.label_svg import twin_of

    assert twin_of(svg.read_text("utf-8")) == json.loads(document.read_text("utf-8"))
    told = json.loads(label("make", result, "--json").stdout)
    assert (told["schema"], told["schema_version"]) == ("wattmark.label", 1)
    assert SVG[1:-1] in label(result, "--svg", "-").stdout


def test_a_png_where_resvg_is_installed(result: Path, tmp_path: Path) -> None:
    """A picture that the check takes."""
    pytest.importorskip("resvg_py", reason="needs the extra `label`")
    label(result, "--png", tmp_path / "l.png")
    assert (tmp_path / "l.png").read_bytes().startswith(b"\x89PNG")
    assert label("check", tmp_path / "l.png", result).return_value == 0


def test_badges_by_their_name(result: Path, tmp_path: Path) -> None:
    """Drawn or for shields.io; another ending is refused."""
    label(result, "--badge", tmp_path / "b.svg", "--badge-shows", "energy")
    assert "10.0 Wh / 1k (grade B)" in (tmp_path / "b.svg").read_text("utf-8")
    label(result, "--badge", tmp_path / "b.json")
    assert json.loads((tmp_path / "b.json").read_text("utf-8"))["message"] == "unrated"
    with pytest.raises(UsageError, match=r"\.svg \(drawn\) or \.json"):
        label(result, "--badge", tmp_path / "b.png")


def test_a_card_states_grams_where_the_grid_is_known(
    result: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """10 Wh per 1,000 queries x 56 g/kWh: 0.56 g; without a grid none, with the reason."""
    monkeypatch.chdir(tmp_path)
    done = label(result, "--card", tmp_path / "card.md", "--intensity", "56")
    assert "no co2" not in done.stderr
    text = (tmp_path / "card.md").read_text("utf-8")
    told = yaml.safe_load(text.split("---\n")[1])
    assert told["co2_eq_emissions"]["emissions"] == pytest.approx(0.56)
    assert "Of the carbon: device energy only" in text
    done = label(result, "--card", tmp_path / "card.md")
    assert "no co2_eq_emissions: no grid intensity is known (--country FRA" in done.stderr
    assert "co2_eq_emissions" not in (tmp_path / "card.md").read_text("utf-8")
    label(result, "--card", tmp_path / "card.md", "--country", "FRA")
    told = yaml.safe_load((tmp_path / "card.md").read_text("utf-8").split("---\n")[1])
    assert told["co2_eq_emissions"]["geographical_location"] == "FRA"


def test_a_card_of_somebody_is_not_written_over(result: Path, tmp_path: Path) -> None:
    """`--card README.md` would lose the whole model card; its own file it writes again."""
    card = tmp_path / "README.md"
    for old in ("# Mine\n", "---\nlicense: mit\n---\n# Mine\n", "---\nlicense: mit\n---\n"):
        card.write_text(old, encoding="utf-8")
        with pytest.raises(
            UsageError, match=r"README.md: is there already; --into .*README.md puts the block"
        ):
            label(result, "--card", card)
        assert card.read_text("utf-8") == old
    label(result, "--into", card)
    with pytest.raises(UsageError, match="is there already"):
        label(result, "--card", card)
    for _ in range(2):
        label(result, "--card", tmp_path / "own.md", "--intensity", "56")


def test_a_card_that_is_there_keeps_what_it_has(
    result: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its licence, its words, and emissions that others wrote; bytes that are no UTF-8 are refused."""
    monkeypatch.chdir(tmp_path)
    card = tmp_path / "README.md"
    old = "---\nlicense: mit\nco2_eq_emissions: 1200\n---\n# One\n"
    card.write_text(old, encoding="utf-8")
    done = label(result, "--into", card, "--intensity", "56")
    assert "`co2_eq_emissions` was there already" in done.stderr
    assert card.read_text("utf-8").startswith("---\nlicense: mit\nco2_eq_emissions: 1200\n")
    label(result, "--into", card, "--intensity", "56", "--replace-emissions")
    assert "co2_eq_emissions: 1200" not in card.read_text("utf-8")
    card.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not UTF-8"):
        label(result, "--into", card)
    with pytest.raises(UsageError, match="make the model's card first, an empty file"):
        label(result, "--into", tmp_path / "none.md")
    with pytest.raises(UsageError, match="cannot read"):
        label(result, "--into", tmp_path)


def test_energy_of_a_node_meets_the_pue_and_unknown_energy_no_carbon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """10 Wh at the node x 1.5 x 56 g/kWh: 0.84 g; without energy the reason."""
    from tests.reports.board_results import a_key

    monkeypatch.chdir(tmp_path)
    file = tmp_path / "node.json"
    write_results([a_result(key=a_key(boundary="node"))], file)
    label(file, "--card", tmp_path / "card.md", "--intensity", "56", "--pue", "1.5")
    told = yaml.safe_load((tmp_path / "card.md").read_text("utf-8").split("---\n")[1])
    assert told["co2_eq_emissions"]["emissions"] == pytest.approx(0.84)
    write_results([a_result(energy=None, validity=INVALID)], file)
    done = label(file, "--card", tmp_path / "card.md", "--intensity", "56")
    assert "no co2_eq_emissions: no energy is known" in done.stderr


def test_one_of_several_results_is_named(several: Path) -> None:
    """By model or task; otherwise they are listed."""
    assert label(several, "--model", "lab/two").output.startswith("lab/two: ")
    with pytest.raises(UsageError, match="here are 2: lab/one at text_generation, batch 1; lab/two"):
        label(several)
    with pytest.raises(UsageError, match="here are 2"):
        label(several, "--task", "text generation")
    with pytest.raises(UsageError, match="none of 2 results"):
        label(several, "--model", "lab/three")


def test_a_link_is_an_address_of_the_web(result: Path) -> None:
    """It stands on the label."""
    assert json.loads(label(result, "--json", "-", "--link", "https://a.example").stdout)["link"]
    with pytest.raises(UsageError, match="http or https"):
        label(result, "--link", "javascript:alert(1)")


def test_the_check_finds_edits_and_says_what_it_held_it_against(
    result: Path, several: Path, tmp_path: Path
) -> None:
    """0 where it agrees; 1 for an edited drawing, and for another result; JSON tells the same."""
    svg = tmp_path / "l.svg"
    label(result, "--svg", svg)
    done = label("check", svg, result)
    assert (done.return_value, "agrees (held against its result)" in done.output) == (0, True)
    assert label("check", svg, several).return_value == 0
    assert "itself alone" in label("check", svg).output
    svg.write_text(svg.read_text("utf-8").replace(">10.0<", ">9.0<"), encoding="utf-8")
    done = label("check", svg, "--json")
    told = json.loads(done.stdout)
    assert (done.return_value, told["schema"], told["schema_version"]) == (1, "wattmark.label_check", 1)
    assert list(told)[2:] == ["file", "agrees", "held_against_result", "faults"]
    assert told["faults"] == ["it shows '9.0', its document says '10.0'"]
    other = tmp_path / "other.json"
    write_results([a_result("lab/one", 40.0)], other)
    label(result, "--json", tmp_path / "l.json")
    done = label("check", tmp_path / "l.json", other)
    assert done.return_value == 1
    assert "joules_per_query.value: the label says 36.0, the result gives 40.0" in done.output


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"<svg/>", b"\xff\xfe", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_label_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    """Nothing in it to check."""
    file = tmp_path / "x.svg"
    file.write_bytes(content)
    with pytest.raises(EvidenceError, match=r"x\.svg"):
        label("check", file)
    with pytest.raises(EvidenceError, match="cannot be read"):
        label("check", tmp_path / "none.svg")


def test_what_cannot_be_written_is_named(result: Path, tmp_path: Path) -> None:
    """A folder in the place of a file."""
    with pytest.raises(UsageError, match="cannot write"):
        label(result, "--svg", tmp_path)


def test_help_lists_both_ways() -> None:
    """make and check."""
    said = CliRunner().invoke(group, ["--help"]).output
    assert "make" in said
    assert "check" in said
    assert isinstance(group, click.Group)


@pytest.mark.slow
def test_from_a_simulated_benchmark_to_a_board_and_a_label(tmp_path: Path) -> None:
    """Its bundle is read, shown unranked, labelled unrated with the reason, and the label agrees with it."""
    pytest.importorskip("torch", reason="needs the extra `bench`")
    pytest.importorskip("transformers", reason="needs the extra `bench`")
    from wattmark.cli.bench import group as bench
    from wattmark.cli.leaderboard import command as leaderboard

    verb(
        bench,
        *("text_generation", "--model", "tiny", "--profile", "quick", "--simulated", 1, "--out", tmp_path),
    )
    (bundle,) = tmp_path.glob("*.wattmark")
    told = json.loads(verb(leaderboard, bundle, "--json").stdout)
    (row,) = told["tasks"][0]["groups"][0]["rows"]
    assert (row["rank"], row["unranked"], row["stars"]) == (None, "simulated: nothing was measured", None)
    assert "simulated" in [reason["code"] for reason in row["validity"]["reasons"]]
    svg = tmp_path / "l.svg"
    label(bundle, "--svg", svg)
    assert "unrated" in svg.read_text("utf-8")
    assert label("check", svg, bundle).return_value == 0


def test_without_its_extra_a_png_says_what_to_install(result: Path, tmp_path: Path) -> None:
    """The pip command; the other files need nothing."""
    code = (
        "import sys; sys.modules['resvg_py'] = None\n"
        "from wattmark.cli.main import main\n"
        "sys.argv = ['wattmark', *sys.argv[1:]]\n"
        "main()"
    )
    command = [sys.executable, "-c", code, "label", str(result), "--png", str(tmp_path / "l.png")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)
    assert (done.returncode, "pip install 'wattmark[label]'" in done.stderr) == (2, True)
