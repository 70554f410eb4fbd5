"""Pages on telling people: their examples can be read by those for whom they are written."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from wattmark.exporters.sinks.routing import read_routes

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
SCHEMAS = ROOT / "tests" / "ci_schemas"


def blocks(page: Path, language: str) -> list[str]:
    """Fenced examples of a language."""
    found = re.findall(r"(?ms)^```(\w*)\n(.*?)^```$", page.read_text("utf-8"))
    return [text for named, text in found if named == language]


def names(language: str, folder: str = ".") -> list[str]:
    """Pages that have such an example."""
    pages = sorted((DOCS / folder).rglob("*.md"))
    return [page.relative_to(DOCS).as_posix() for page in pages if blocks(page, language)]


def check(schema: str, document: Any) -> None:
    """Hold a document against a schema of tests/ci_schemas."""
    jsonschema.Draft7Validator(json.loads((SCHEMAS / schema).read_text("utf-8"))).validate(document)


@pytest.mark.parametrize("name", names("yaml"))
def test_every_example_in_yaml_can_be_read(name: str) -> None:
    """Of every page: pipelines, rules, manifests."""
    for text in blocks(DOCS / name, "yaml"):
        assert list(yaml.safe_load_all(text))


def test_the_digest_s_jobs_are_jobs() -> None:
    """SchemaStore's schemas of workflows and of GitLab's pipelines."""
    github, gitlab = (yaml.safe_load(text) for text in blocks(DOCS / "notify/digest.md", "yaml"))
    # YAML 1.1 takes the key `on` for a truth value.
    check("github-workflows.json", {"on" if key is True else key: value for key, value in github.items()})
    check("gitlab-ci.json", gitlab)


def test_the_job_that_opens_issues_is_one() -> None:
    """GitLab's schema."""
    (text,) = blocks(DOCS / "notify/gitlab-issues.md", "yaml")
    check("gitlab-ci.json", yaml.safe_load(text))


@pytest.mark.parametrize("name", names("toml", "notify"))
def test_every_route_of_a_page_is_one(name: str) -> None:
    """No key of it is unknown, and no word is nothing to be told of."""
    for text in blocks(DOCS / name, "toml"):
        assert read_routes(name, tomllib.loads(text)["notify"])
