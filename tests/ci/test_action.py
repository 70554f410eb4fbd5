"""The composite action: its file fits the published schema, and its steps do what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.ci.steps import ROOT, Step, environment, outputs, repository, run_bash
from tests.exporters.forge import GitHubHandler, Refusal, serving

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}


def run_step(name: str, folder: Path, env: dict[str, str], **inputs: str) -> Step:
    """Run a step with its expressions filled in as GitHub does; ``inputs`` with _ for -."""
    step = STEPS[name]
    given = {key: str(row.get("default", "")) for key, row in ACTION["inputs"].items()}
    given |= {key.replace("_", "-"): value for key, value in inputs.items()}
    given["token"] = inputs.get("token", "ghs_token")
    known = {f"inputs.{key}": value for key, value in given.items()} | {"github.action_path": str(ROOT)}

    def filled(text: str) -> str:
        return re.sub(r"\$\{\{ *([\w.-]+) *\}\}", lambda m: known[m[1]], text)

    own = {key: filled(str(value)) for key, value in step["env"].items()}
    at = folder / filled(step.get("working-directory", "."))
    return run_bash(step["run"], at, {**environment(folder), **env, **own}, "-e", "-o", "pipefail")


@pytest.fixture
def github(tmp_path: Path) -> dict[str, str]:
    """What GitHub Actions sets, with files of our own."""
    for name in ("output", "summary"):
        (tmp_path / name).write_text("")
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 5, "head": {"sha": "ab12"}}}))
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_WORKSPACE": str(tmp_path / "repository"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "GITHUB_EVENT_PATH": str(event),
    }


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A folder for the repository."""
    (tmp_path / "repository").mkdir()
    return tmp_path / "repository"


def test_it_fits_the_schema_of_actions() -> None:
    """SchemaStore's schema of action.yml."""
    schema = json.loads((ROOT / "tests/ci_schemas/github-actions.json").read_text("utf-8"))
    jsonschema.Draft7Validator(schema).validate(ACTION)


def test_no_input_is_ever_text_of_a_script() -> None:
    """Expressions in scripts are how workflows are taken over: they stand in ``env`` only."""
    for step in STEPS.values():
        assert "${{" not in step["run"]


def test_every_output_is_one_that_a_step_sets() -> None:
    """Names of outputs are names of the decision's values, or of the step's own."""
    from wattmark.reports.ci.outputs import output_values
    from wattmark.testing.decisions import every_standing

    known = {*output_values(every_standing()), "gate_exit_code", "decision"}
    for row in ACTION["outputs"].values():
        found = re.fullmatch(r"\$\{\{ steps\.gate\.outputs\.(\w+) \}\}", row["value"])
        assert found is not None
        assert found[1] in known


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "code", "result"), [(200, 0, "pass"), (80, 1, "failed"), (120, 3, "incomplete")]
)
def test_a_gate_passes_fails_or_stays_open(
    scratch: Path, github: dict[str, str], limit: float, code: int, result: str
) -> None:
    """The exit code is the step's; outputs and summary are always there, annotations where needed."""
    repository(scratch, limit)
    step = run_step("Gate", scratch, github, runs="runs with blanks\n\n")
    assert step.code == code, step.stderr
    told = outputs(Path(github["GITHUB_OUTPUT"]))
    assert (told["result"], told["exit_code"], told["gate_exit_code"]) == (result, str(code), str(code))
    assert told["decision"] == "wattmark-decision.json"
    assert Path(github["GITHUB_STEP_SUMMARY"]).read_text("utf-8").startswith("### ")
    begin = re.search(r"(?m)^::stop-commands::(wattmark-[0-9a-f]{32})$", step.stdout)
    assert begin is not None
    assert begin.end() < step.stdout.index(f"\n::{begin[1]}::\n")
    shown = "::error file=wattmark-policy.toml,line=1,title=wattmark" in step.stdout
    assert shown is (code != 0)


@pytest.mark.slow
def test_a_failed_gate_comments_and_writes_what_was_asked_for(scratch: Path, github: dict[str, str]) -> None:
    """Files are named from the repository's root; comment and status are there; 1 stays 1."""
    (scratch / "models").mkdir()
    repository(scratch / "models", 80)
    with serving(GitHubHandler) as forge:
        step = run_step(
            "Gate", scratch, {**github, "GITHUB_API_URL": f"{forge.url}/api/v3"},
            runs="runs with blanks", working_directory="models", comment="update", status="true",
            formats="sarif=out/gate.sarif\njunit", args="--country=FRA\n--pue=1.2", tag="a tag; $(false)",
        )  # fmt: skip
        assert step.code == 1, step.stderr
        assert forge.bodies[0].startswith("<!-- wattmark:gate:a.tag.false -->\n### ❌ wattmark gate: failed")
        assert forge.statuses[0]["state"] == "failure"
    assert "::error file=models/wattmark-policy.toml,line=1" in step.stdout
    assert json.loads((scratch / "models/out/gate.sarif").read_text())["version"] == "2.1.0"
    assert (scratch / "models/wattmark-junit.xml").is_file()


@pytest.mark.slow
def test_a_read_only_token_hides_no_verdict(scratch: Path, github: dict[str, str]) -> None:
    """A fork's pull request: the comment is refused, that is explained, the gate passes all the same."""
    repository(scratch, 200)
    with serving(GitHubHandler) as forge:
        refused = {"message": "Resource not accessible by integration"}
        forge.refusals.append(Refusal(403, refused, method="POST"))
        env = {**github, "GITHUB_API_URL": f"{forge.url}/api/v3"}
        step = run_step("Gate", scratch, env, runs="runs with blanks", comment="update")
    assert step.code == 0, step.stderr
    assert "forks GitHub gives a read-only token" in step.stderr


@pytest.mark.slow
def test_a_gate_that_cannot_judge_says_so(scratch: Path, github: dict[str, str]) -> None:
    """A policy with a typo: 2, an error of its own, no output of an earlier decision."""
    repository(scratch, 200)
    (scratch / "wattmark-policy.toml").write_text('[[limit]]\nkpi = "pue"\nmaks = 1.0\n')
    (scratch / "wattmark-decision.json").write_text("{}")
    step = run_step("Gate", scratch, github, runs="runs with blanks")
    assert step.code == 2
    assert "::error title=wattmark gate::no decision was made (exit code 2)" in step.stdout
    assert "decision" not in outputs(Path(github["GITHUB_OUTPUT"]))


@pytest.mark.slow
def test_a_pass_that_publishing_refuses_is_no_pass(scratch: Path, github: dict[str, str]) -> None:
    """By a milder policy that was named, where that of the repository requires a log: nobody is told."""
    repository(scratch, 200)
    (scratch / "milder.toml").write_text((scratch / "wattmark-policy.toml").read_text())
    with (scratch / "wattmark-policy.toml").open("a") as policy:
        policy.write('[audit]\nrequired = true\nlog = "audit"\n')
    step = run_step("Gate", scratch, github, runs="runs with blanks", policy="milder.toml")
    assert step.code == 3
    assert re.search(r"(?m)^refused ", step.stdout)
    assert "result" not in outputs(Path(github["GITHUB_OUTPUT"]))


@pytest.mark.slow
def test_it_can_tell_without_failing(scratch: Path, github: dict[str, str]) -> None:
    """fail: false leaves the job green; the output says 1."""
    repository(scratch, 80)
    step = run_step("Gate", scratch, github, runs="runs with blanks", fail="false")
    assert step.code == 0
    assert outputs(Path(github["GITHUB_OUTPUT"]))["gate_exit_code"] == "1"


@pytest.mark.parametrize(("version", "what"), [("", str(ROOT)), ("1.2.3", "wattmark==1.2.3")])
def test_it_installs_itself_or_the_version_asked_for(tmp_path: Path, version: str, what: str) -> None:
    """What pip is asked for, shown by a pip that only says it."""
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin/python3"
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    path = f"{tmp_path / 'bin'}:{environment(tmp_path)['PATH']}"
    step = run_step("Install wattmark", tmp_path, {"PATH": path}, version=version)
    assert step.stdout.splitlines()[-1] == what
