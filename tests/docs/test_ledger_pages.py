"""The pages of the ledger say what its commands and settings are."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from pathlib import Path

import click
import pytest

from wattmark.cli.ledger import COMMANDS, group
from wattmark.ledger.settingsfile import GRID_KEYS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "commands" / "ledger.md").read_text(encoding="utf-8")
SHARED = {"--ledger", "--no-fold", "--as-of", "--json", "--csv"}
ELSEWHERE = {"listen", "simulate"}
"""Commands with a page of their own."""


def command_of(name: str) -> click.Command:
    """A command of the group."""
    command = group.get_command(click.Context(group), name)
    assert command is not None
    return command


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ELSEWHERE])
def test_every_command_is_listed(name: str) -> None:
    """In the table at the top of the page."""
    assert re.search(rf"^\|.*\[{name}\]\(", PAGE, re.MULTILINE), name


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ELSEWHERE])
def test_every_option_is_explained_in_its_section(name: str) -> None:
    """Those that all share stand at the top; `show` has those of `wattmark show`."""
    section = PAGE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    assert section, name
    options = {o for p in command_of(name).params for o in p.opts if o.startswith("--")} - SHARED
    if name == "show":
        options &= {"--raw"}
    if name in ("totals", "lost", "overhead"):
        options -= {"--where", "--from", "--to", "--in"}
    assert options <= set(re.findall(r"--[a-z-]+", section)), name


def test_every_setting_is_on_its_page() -> None:
    """Also those that the template only shows as comments."""
    page = (DOCS / "ledger" / "settings.md").read_text(encoding="utf-8")
    tags = (DOCS / "ledger" / "tags.md").read_text(encoding="utf-8")
    text = (resources.files("wattmark") / "data" / "ledger_default.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["format"] == 1
    for key in (*GRID_KEYS, "name", "time_zone", "manual_steps", "priority", "valid_from", "lifespan_years"):
        assert f"`{key}`" in page or f"{key}`" in page, key
    for key in ("required", "allowed", "aliases", "from_labels", "lower", "ignore_case", "owners", "mode"):
        assert key in tags, key
