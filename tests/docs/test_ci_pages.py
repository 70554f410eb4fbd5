"""Pages on CI systems: their examples fit the published schemas, and name what exists."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import yaml

from wattmark.reports.ci.catalog import FORMATS

ROOT = Path(__file__).resolve().parents[2]
CI = ROOT / "docs" / "ci"
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))


def blocks(page: str, language: str) -> list[str]:
    """Fenced examples of a language."""
    found = re.findall(r"(?ms)^```(\w*)\n(.*?)^```$", (CI / page).read_text("utf-8"))
    return [text for named, text in found if named == language]


def check(name: str, document: Any) -> None:
    """Hold a document against a schema of tests/ci_schemas."""
    schema = json.loads((ROOT / "tests/ci_schemas" / name).read_text("utf-8"))
    jsonschema.Draft7Validator(schema).validate(document)


def test_the_workflow_is_one_and_gives_only_inputs_that_exist() -> None:
    """SchemaStore's schema of workflows; inputs and outputs of our action by its own file."""
    (text,) = blocks("github.md", "yaml")
    # YAML 1.1 takes the key `on` for a truth value.
    workflow = {"on" if key is True else key: value for key, value in yaml.safe_load(text).items()}
    check("github-workflows.json", workflow)
    (ours,) = (s for s in workflow["jobs"]["gate"]["steps"] if s.get("id") == "gate")
    assert set(ours["with"]) <= set(ACTION["inputs"])
    assert set(re.findall(r"steps\.gate\.outputs\.(\w+)", text)) <= set(ACTION["outputs"])
    for line in ours["with"]["formats"].split():
        assert line.partition("=")[0] in FORMATS


def test_the_workflow_of_the_sample_repository_is_one_and_calls_what_there_is() -> None:
    """SchemaStore's schema; every verb and option of wattmark in its steps exists."""
    from wattmark.cli.main import cli

    text = (ROOT / "examples/governed/.github/workflows/energy.yml").read_text("utf-8")
    workflow = {"on" if key is True else key: value for key, value in yaml.safe_load(text).items()}
    check("github-workflows.json", workflow)
    scripts = [str(step.get("run", "")) for step in workflow["jobs"]["gate"]["steps"]]
    scripts.append((ROOT / "examples/governed/pipeline.sh").read_text("utf-8").replace("\\\n", " "))
    calls = [line for script in scripts for line in re.findall(r"(?m)^\s*wattmark (.*)$", script)]
    assert len(calls) >= 7
    for call in calls:
        words = shlex.split(call.partition("||")[0].partition(" -- ")[0], comments=True)
        command: Any = cli
        while words and hasattr(command, "get_command"):
            name = words.pop(0)
            command = command.get_command(click.Context(command), name)
            assert command is not None, (call, name)
        options = {option for p in command.params for option in p.opts}
        assert {w.partition("=")[0] for w in words if w.startswith("--")} <= options, call


def test_the_pipeline_of_gitlab_is_one() -> None:
    """GitLab's own schema; its variables are those of the template."""
    (text,) = blocks("gitlab.md", "yaml")
    check("gitlab-ci.json", yaml.safe_load(text))
    job = yaml.safe_load((ROOT / "ci/gitlab/wattmark.gitlab-ci.yml").read_text("utf-8"))["wattmark-gate"]
    page = (CI / "gitlab.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(WATTMARK_[A-Z]+)`", page, re.MULTILINE)) == set(job["variables"])
    for report, file in job["artifacts"]["reports"].items():
        assert f"| `{report}` | `{file}` |" in page


def test_the_hooks_of_pre_commit_are_ours() -> None:
    """Each hook of the example is in the manifest, and each of the manifest is on the page."""
    hooks = {h["id"] for h in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))}
    (text,) = blocks("pre-commit.md", "yaml")
    assert {h["id"] for h in yaml.safe_load(text)["repos"][0]["hooks"]} == hooks


@pytest.mark.parametrize("text", blocks("others.md", "yaml"))
def test_other_pipelines_are_yaml(text: str) -> None:
    """They can be read, and run wattmark."""
    assert "wattmark gate" in str(yaml.safe_load(text))


@pytest.mark.parametrize("page", sorted(p.name for p in CI.glob("*.md")))
def test_every_form_that_a_page_asks_for_exists(page: str) -> None:
    """``--write FORM``, ``--format FORM``."""
    text = (CI / page).read_text("utf-8")
    for form in re.findall(r"--(?:write|format)[ =]([a-z][a-z-]*)", text):
        assert form in FORMATS, f"{page}: {form}"


@pytest.mark.parametrize("page", sorted(p.name for p in CI.glob("*.md")))
def test_every_option_that_a_page_names_exists(page: str) -> None:
    """Of the commands in its plain examples."""
    from click.testing import CliRunner

    from wattmark.cli.main import cli

    for line in "".join(blocks(page, "")).splitlines():
        words = shlex.split(line.partition("|")[0])
        if words[:1] != ["wattmark"]:
            continue
        verb = words[1:3] if words[1] == "decision" else words[1:2]
        told = CliRunner().invoke(cli, [*verb, "--help"]).output
        for option in (word.partition("=")[0] for word in words if word.startswith("--")):
            assert option in told, f"{page}: {line}"
