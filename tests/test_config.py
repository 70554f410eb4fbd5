"""``wattmark.toml``: found, read strictly, refused with file and place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wattmark.config import FILE_NAME, Config, MeasureConfig, PlaceConfig, find_config, load_config
from wattmark.core.errors import ConfigError


def config(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "wattmark.toml"
    path.write_text(text)
    return load_config(path)


def test_every_kind_of_value_is_read(tmp_path: Path) -> None:
    """Text, numbers whole or not, yes and no, lists, labels."""
    found = config(
        tmp_path,
        """
        [tags]
        team = "vision"
        [labels]
        purpose = "test"
        [place]
        country = "FRA"
        pue = 1
        world_average = false
        [measure]
        meters = ["rapl", "nvml"]
        period_seconds = 0.5
        gpu_expected = true
        [project]
        manual_steps = 2
        """,
    )
    assert (found.tags.team, found.labels) == ("vision", {"purpose": "test"})
    assert found.place == PlaceConfig(country="FRA", pue=1.0)
    assert isinstance(found.place.pue, float)
    assert found.measure == MeasureConfig(meters=("rapl", "nvml"), period_seconds=0.5, gpu_expected=True)
    assert found.project.manual_steps == 2
    assert found.path == str(tmp_path / "wattmark.toml")


def test_no_file_is_no_trouble() -> None:
    """The defaults."""
    assert load_config(None) == Config()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nonsense", "is not valid TOML"),
        ("[limits]\nx = 1", "[limits]: unknown section; known: labels, tags, place"),
        ("tags = 5", "[tags]: must be a table"),
        ("[tags]\ncolour = 'red'", "[tags] colour: unknown key; known: organisation"),
        ("[place]\npue = 'low'", "[place] pue: must be a number, not 'low'"),
        ("[place]\npue = true", "[place] pue: must be a number, not True"),
        ("[measure]\nmeters = 'rapl'", "[measure] meters: must be a list of strings"),
        ("[measure]\nmeters = [1]", "[measure] meters: must be a list of strings"),
        ("[project]\nmanual_steps = 1.5", "[project] manual_steps: must be a whole number, not 1.5"),
        ("[labels]\nfold = 1", "[labels]: must hold strings only"),
        ("labels = 'x'", "[labels]: must hold strings only"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, says: str) -> None:
    """File, place, and what would be right."""
    with pytest.raises(ConfigError) as caught:
        config(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'wattmark.toml'}: ")
    assert says in str(caught.value)


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """A folder, or bytes that are no text."""
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path)
    (tmp_path / "wattmark.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "wattmark.toml")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_a_folder_that_may_not_be_looked_into_holds_none(tmp_path: Path) -> None:
    """A program that gave up its rights goes on being measured below a folder that is closed to it."""
    closed = tmp_path / "closed"
    inner = closed / "inner"
    inner.mkdir(parents=True)
    closed.chmod(0o700)
    code = (
        "import os, sys; from pathlib import Path; from wattmark.config import find_config\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "assert find_config(Path(sys.argv[1])) is None"
    )
    subprocess.run([sys.executable, "-c", code, str(inner)], check=True)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("place = {pue = 0.5}", "[place] pue: must be from 1 to 1000"),
        ("place = {pue = nan}", "must be from 1 to 1000"),
        ("measure = {period_seconds = inf}", "must be from 0.001 to 86400"),
        ("measure = {rest_of_node_watts = -5}", "must be from 0 to 1e+06"),
        ("project = {manual_steps = 1.5}", "must be a whole number"),
        ("embodied = {mode = 'shared'}", "must be reserved or utilised"),
        ("project = {quality_worst = nan}", "must be from -1e+30"),
        ("place = {pue = " + "9" * 5000 + "}", "is not valid TOML"),
        ("place = {pue = 0x" + "f" * 5000 + "}", "pue: is a whole number of more than 64 bits"),
        ("tariff = [{price = 0x" + "f" * 20 + "}]", "price: is a whole number of more than 64 bits"),
        ("place = " + "[" * 5000, "is not valid TOML"),
    ],
)
def test_a_number_that_cannot_be_is_refused(tmp_path: Path, line: str, says: str) -> None:
    """With its place, before anything is counted with it."""
    (tmp_path / FILE_NAME).write_text(line)
    with pytest.raises(ConfigError) as refused:
        load_config(tmp_path / FILE_NAME)
    assert says in str(refused.value)


def test_the_nearest_file_is_found(tmp_path: Path) -> None:
    """In this folder or one above it."""
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "a" / "wattmark.toml").write_text("")
    assert find_config(deep) == tmp_path / "a" / "wattmark.toml"
    (deep / "wattmark.toml").write_text("")
    assert find_config(deep) == deep / "wattmark.toml"


def test_monitoring_is_kept_as_written(tmp_path: Path) -> None:
    """What [monitor] may say is known where rules are made, not where programs are measured."""
    file = tmp_path / "wattmark.toml"
    file.write_text('[monitor]\nwindow = "5m"\n')
    assert load_config(file).monitor == {"window": "5m"}
    file.write_text("monitor = 3\n")
    with pytest.raises(ConfigError, match=r"\[monitor\]: must be a table"):
        load_config(file)
