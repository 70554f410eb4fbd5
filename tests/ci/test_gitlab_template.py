"""The GitLab template: its file fits the published schema, and its script does what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import yaml

from tests.ci.steps import ROOT, Step, environment, outputs, repository, run_bash
from tests.exporters.forge import GitLabHandler, serving

TEMPLATE: dict[str, Any] = yaml.safe_load((ROOT / "ci/gitlab/wattmark.gitlab-ci.yml").read_text("utf-8"))
JOB = TEMPLATE["wattmark-gate"]
REPORTS = JOB["artifacts"]["reports"]


def run_job(folder: Path, **env: str) -> Step:
    """The job's script as a runner joins it: one shell, which ends at the first command that fails."""
    variables = {key: str(value) for key, value in JOB["variables"].items()}
    (folder / "runs with blanks").rename(folder / "wattmark-runs")
    known = {"GITLAB_CI": "true", "CI_PROJECT_DIR": str(folder), "WATTMARK_INSTALL": "false"}
    env = {**environment(folder), **variables, **known, **env}
    return run_bash("\n".join(JOB["script"]), folder, env, "-e", "-o", "pipefail")


def test_it_fits_the_schema_of_gitlab() -> None:
    """GitLab's own schema of .gitlab-ci.yml."""
    schema = json.loads((ROOT / "tests/ci_schemas/gitlab-ci.json").read_text("utf-8"))
    jsonschema.Draft7Validator(schema).validate(TEMPLATE)


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "code"), [(200, 0), (80, 1), (120, 3)])
def test_the_job_ends_as_the_gate_and_leaves_its_reports(tmp_path: Path, limit: float, code: int) -> None:
    """JUnit, code quality, metrics and dotenv are where the template says, in each case."""
    repository(tmp_path, limit)
    step = run_job(tmp_path)
    assert step.code == code, step.stderr
    root = ElementTree.parse(tmp_path / REPORTS["junit"]).getroot()
    assert (root.attrib["failures"], root.attrib["errors"]) == (str(int(code == 1)), str(int(code == 3)))
    found = json.loads((tmp_path / REPORTS["codequality"]).read_text("utf-8"))
    assert [f["location"]["path"] for f in found] == ["wattmark-policy.toml"] * (code != 0)
    assert (tmp_path / REPORTS["metrics"]).read_text("utf-8").endswith("# EOF\n")
    assert outputs(tmp_path / REPORTS["dotenv"])["WATTMARK_EXIT_CODE"] == str(code)


@pytest.mark.slow
def test_a_merge_request_gets_its_note(tmp_path: Path) -> None:
    """Written once, then kept up to date; the gate's own code is the job's."""
    repository(tmp_path, 80)
    with serving(GitLabHandler) as forge:
        forge.me = {"id": 99}
        forge.author = {"id": 99}
        env = {
            "CI_API_V4_URL": f"{forge.url}/api/v4", "CI_PROJECT_ID": "group/project", "GITLAB_TOKEN": "t",
            "CI_MERGE_REQUEST_IID": "5",
        }  # fmt: skip
        assert run_job(tmp_path, **env).code == 1
        (tmp_path / "wattmark-runs").rename(tmp_path / "runs with blanks")
        assert run_job(tmp_path, **env).code == 1
        assert len(forge.bodies) == 1
        assert "wattmark gate: failed" in forge.bodies[0]


@pytest.mark.slow
def test_a_merge_request_without_a_token_is_told_so(tmp_path: Path) -> None:
    """No note, the reason on stderr, and the gate passes all the same."""
    repository(tmp_path, 200)
    step = run_job(tmp_path, CI_PROJECT_ID="42", CI_MERGE_REQUEST_IID="5")
    assert step.code == 0
    assert "CI_JOB_TOKEN may not write notes" in step.stderr


@pytest.mark.slow
def test_a_pass_that_publishing_refuses_is_no_pass(tmp_path: Path) -> None:
    """By a milder policy that was named, where that of the repository requires a log: nobody is told."""
    repository(tmp_path, 200)
    (tmp_path / "milder.toml").write_text((tmp_path / "wattmark-policy.toml").read_text())
    with (tmp_path / "wattmark-policy.toml").open("a") as policy:
        policy.write('[audit]\nrequired = true\nlog = "audit"\n')
    step = run_job(tmp_path, WATTMARK_ARGS="--policy milder.toml")
    assert step.code == 3
    assert not (tmp_path / REPORTS["junit"]).exists()


@pytest.mark.slow
def test_a_job_without_a_decision_fails(tmp_path: Path) -> None:
    """A policy that cannot be read: 2, and no report of an earlier job."""
    repository(tmp_path, 200)
    (tmp_path / "wattmark-policy.toml").write_text("limit = 3\n")
    step = run_job(tmp_path)
    assert step.code == 2
    assert "no decision was made (exit code 2)" in step.stdout
