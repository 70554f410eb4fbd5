"""The documentation is true: every command and error has its page, and every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wattmark.cli.main import VERBS, cli
from wattmark.core import errors

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


def _classes() -> list[str]:
    return [
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.WattmarkError) and name != "WattmarkError"
    ]


@pytest.mark.parametrize("verb", VERBS)
def test_every_command_has_a_page(verb: str) -> None:
    """A verb that exists is explained, under its own name."""
    page = DOCS / "commands" / f"{verb}.md"
    assert page.is_file(), f"docs/commands/{verb}.md is missing"
    assert page.read_text().startswith(f"# wattmark {verb}")


@pytest.mark.parametrize("verb", VERBS)
def test_a_page_names_only_options_that_exist(verb: str) -> None:
    """An option on a command's page is one of some command's options."""
    known = {"--help", "--version", "--slow"} | {o for v in VERBS for o in _options(v)}
    used = set(OPTION.findall((DOCS / "commands" / f"{verb}.md").read_text()))
    assert used <= known, f"unknown options {sorted(used - known)}"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_loads_and_explains_itself(verb: str) -> None:
    """The catalog of verbs leads to commands with a help text."""
    import click

    command = cli.get_command(click.Context(cli), verb)
    assert command is not None
    assert command.help


@pytest.mark.parametrize("name", _classes())
def test_every_error_has_a_page(name: str) -> None:
    """An error class is explained: when it happens and what to do."""
    slug = re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
    text = (DOCS / "errors" / f"{slug}.md").read_text()
    assert text.startswith(f"# {name}")
    assert "## What to do" in text
    assert f"[{name}]({slug}.md)" in (DOCS / "errors" / "index.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link points to a file that is there."""
    for target in LINK.findall(page.read_text()):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_index_lists_every_page() -> None:
    """Nothing is written that nobody finds: each page is reached from the index by links."""
    reached: set[Path] = set()
    todo = [DOCS / "index.md"]
    while todo:
        page = todo.pop()
        if page in reached or not page.is_file():
            continue
        reached.add(page)
        todo += [(page.parent / t).resolve() for t in LINK.findall(page.read_text()) if t.endswith(".md")]
    lost = [str(p.relative_to(DOCS)) for p in sorted(DOCS.rglob("*.md")) if p not in reached]
    assert lost == []


def _options(verb: str) -> set[str]:
    import click

    command = cli.get_command(click.Context(cli), verb)
    found: set[str] = set()
    todo: list[click.Command | None] = [command]
    while todo:
        one = todo.pop()
        if isinstance(one, click.Group):
            todo += [
                one.get_command(click.Context(one), name) for name in one.list_commands(click.Context(one))
            ]
        if one is not None:
            found |= {o for p in one.params for o in (*p.opts, *p.secondary_opts) if o.startswith("--")}
    return found
