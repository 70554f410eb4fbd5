"""Every built-in source runs the suite that third parties run, in its own file under ``tests/sources``."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

from wattmark.ports import Source
from wattmark.sources.catalog import SOURCES, Asked, source_module
from wattmark.testing.source_suite import SourceSuite

TESTS = Path(__file__).resolve().parents[1] / "sources"


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_runs_the_suite(name: str) -> None:
    """A file of ``tests/sources`` that opens it holds a class that inherits the rules."""
    stem = f"test_{name.replace('-', '_')}"
    opens = [
        p.stem
        for p in sorted(TESTS.glob("test_*.py"))
        if p.stem == stem or f'"{name}"' in p.read_text("utf-8")
    ]
    modules = [importlib.import_module(f"tests.sources.{stem}") for stem in opens]
    suites = [
        kind
        for module in modules
        for title, kind in vars(module).items()
        if inspect.isclass(kind) and issubclass(kind, SourceSuite) and title.startswith("Test")
    ]
    assert suites


@pytest.mark.parametrize("name", SOURCES)
def test_every_option_is_explained(name: str) -> None:
    """A setting that can be given says what it is for, in one sentence."""
    for key, text in source_module(name).OPTIONS.items():
        assert key == key.lower()
        assert len(text) > 10, key


def test_what_is_asked_has_sensible_defaults() -> None:
    """Nothing is assumed of who imports: no host, no tags, no place."""
    asked = Asked()
    assert asked.host is None
    assert dict(asked.settings) == {}
    assert not isinstance(asked, Source)
