"""``wattmark decision``: shows, renders and publishes what a gate said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.cli.running import verb
from tests.exporters.forge import GitHubHandler, GitLabHandler, Refusal, serving
from tests.reports.ci.decisions import hostile, tagged
from wattmark.cli.decision import group
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.governance.decision import Decision, Standing
from wattmark.reports.ci.catalog import FORMATS
from wattmark.reports.decision_json import decision_json
from wattmark.testing.decisions import every_standing
from wattmark.wiring.publishing import ROOTS, ci_of, from_root

CI = ("GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "GITHUB_TOKEN", "GH_TOKEN", "WATTMARK_GITHUB_TOKEN", *ROOTS)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder of our own, in no CI system."""
    monkeypatch.chdir(tmp_path)
    for name in CI:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A decision that failed."""
    return kept(tmp_path, every_standing())


def kept(folder: Path, decision: Decision) -> Path:
    """A decision as a file."""
    path = folder / "decision.json"
    path.write_text(decision_json(decision))
    return path


@pytest.fixture
def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """GitHub Actions with files of ours; what stood in them before stays."""
    (tmp_path / "summary").write_text("# before\n")
    told = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_TOKEN": "ghs_token",
        "GITHUB_REF": "refs/pull/5/merge",
        "GITHUB_SHA": "ab12",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GITHUB_EVENT_PATH", raising=False)
    return tmp_path


def test_shows_a_decision_in_words(file: Path) -> None:
    """The worst first; it is shown, not judged: the exit code is 0."""
    shown = verb(group, "show", file)
    assert shown.output.splitlines()[2].startswith("failed")
    assert shown.return_value in (0, None)


def test_what_is_printed_as_json_is_the_decision(file: Path) -> None:
    """Nothing lost, nothing added."""
    assert json.loads(verb(group, "show", file, "--json").stdout) == json.loads(file.read_text())


def test_lists_the_forms() -> None:
    """Every form with its usual file."""
    told = json.loads(verb(group, "formats", "--json").stdout)
    assert (told["schema"], told["schema_version"]) == ("wattmark.decision-formats", 1)
    assert all(set(row) == {"format", "file", "what"} for row in told["formats"])
    assert [row["format"] for row in told["formats"]] == list(FORMATS)
    assert "gl-code-quality-report.json" in verb(group, "formats").output


@pytest.mark.parametrize("form", FORMATS)
def test_renders_every_form(file: Path, form: str) -> None:
    """Printed, it is what the function gives."""
    assert verb(group, "render", file, "--format", form).stdout == FORMATS[form].render(every_standing())


def test_writes_several_forms_and_makes_their_folders(file: Path, tmp_path: Path) -> None:
    """FORMAT=FILE, or FORMAT with its usual name; --out for one."""
    verb(group, "render", file, "--write", "junit=out/deep/j.xml", "--write", "sarif")
    verb(group, "render", file, "--format", "tap", "--out", "t.tap")
    assert (tmp_path / "out/deep/j.xml").read_text().startswith("<?xml")
    assert json.loads((tmp_path / "wattmark.sarif").read_text())["version"] == "2.1.0"
    assert (tmp_path / "t.tap").read_text().startswith("TAP version 14")
    assert verb(group, "render", file, "--write", "tap=-").stdout == (tmp_path / "t.tap").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("render",), "say which form"),
        (("render", "--format", "juint"), "did you mean 'junit'"),
        (("render", "--write", "junti=x"), "did you mean 'junit'"),
        (("render", "--write", "junit=x", "--out", "y"), "--out belongs to --format"),
        (("render", "--format", "junit", "--out", "decision.json/x"), "cannot write decision.json/x"),
        (("publish",), "no CI system that wattmark knows"),
        (("publish", "--github", "--comment=sometimes"), "give one of update, new"),
    ],
)
def test_what_is_wrong_is_named(file: Path, arguments: tuple[str, ...], words: str) -> None:
    """Each with what to write instead."""
    with pytest.raises(UsageError, match=words):
        verb(group, arguments[0], file, *arguments[1:])


def test_another_file_is_refused(tmp_path: Path) -> None:
    """A run file is no decision; the file is named."""
    other = tmp_path / "run.json"
    other.write_text('{"schema": "wattmark.run"}')
    with pytest.raises(EvidenceError, match=r"run\.json: is no decision of wattmark"):
        verb(group, "show", other)


def test_github_gets_annotations_summary_and_outputs(file: Path, github: Path) -> None:
    """Appended to what is there; the exit code is the decision's."""
    told = verb(group, "publish", file)
    assert told.return_value == 1
    assert told.stdout.splitlines()[0].startswith("::error file=wattmark-policy.toml,line=28")
    assert (github / "summary").read_text().startswith("# before\n### ❌ wattmark gate: failed")
    assert "result=failed\n" in (github / "output").read_text()


@pytest.mark.parametrize(("standing", "code"), [(Standing.PASS, 0), (Standing.INCOMPLETE, 3)])
def test_publishing_ends_as_the_gate_did(github: Path, standing: Standing, code: int) -> None:
    """0 and 3 as well."""
    file = kept(github, replace(every_standing(), standing=standing, exit_code=code))
    assert verb(group, "publish", file).return_value == code


def test_hostile_names_print_nothing_but_annotations(github: Path) -> None:
    """Every line that GitHub reads is a command of ours."""
    shown = verb(group, "publish", kept(github, _encodable(hostile())))
    assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in shown.stdout.splitlines())


def _encodable(decision: Decision) -> Decision:
    """A decision that JSON can hold: infinite and odd numbers are refused where it is written."""
    rules = tuple(replace(rule, value=None) for rule in decision.rules)
    return replace(decision, rules=rules, figures={}, score=None)


@pytest.mark.parametrize(("must", "code"), [((), 0), (("--must-deliver",), 2)])
def test_a_comment_that_fails_hides_no_verdict(github: Path, must: tuple[str, ...], code: int) -> None:
    """A pass stays 0 and the reason is told; who wants it otherwise says so."""
    file = kept(github, replace(every_standing(), standing=Standing.PASS, exit_code=0))
    with serving(GitHubHandler) as forge:
        forge.refusals.append(Refusal(401, {"message": "Bad credentials"}))
        told = _published(file, forge.url, *must)
    assert told.return_value == code
    assert "no comment: " in told.stderr
    assert "wrong or has expired" in told.stderr
    assert "ghs_token" not in told.stderr


def test_a_failed_gate_stays_failed_when_nothing_could_be_delivered(file: Path, github: Path) -> None:
    """1, not 2: the verdict is the news."""
    with serving(GitHubHandler) as forge:
        forge.refusals.append(Refusal(401, {"message": "Bad credentials"}))
        assert _published(file, forge.url, "--must-deliver").return_value == 1


def test_comment_and_status_are_told(file: Path, github: Path) -> None:
    """One comment, however often it runs; the status under the tag's name."""
    with serving(GitHubHandler) as forge:
        for _ in range(2):
            told = _published(file, forge.url, "--status", "--tag", "sorter")
        assert len(forge.bodies) == 1
        assert forge.statuses[0]["context"] == "wattmark/gate/sorter"
        assert forge.statuses[0]["state"] == "failure"
    assert "wattmark: comment updated at https://github.example/o/r/pull/5#issuecomment-1" in told.stderr


def test_gates_of_one_commit_have_a_comment_and_a_status_each(file: Path, github: Path) -> None:
    """Of the stages of one model, without a tag: a pass hides no failure, whichever ends last."""
    training = file.with_name("training.json")
    tags = {**every_standing().candidate.tags, "stage": "training"}
    training.write_text(decision_json(tagged(every_standing(), tags)))
    with serving(GitHubHandler) as forge:
        for each in (file, training, file):
            _published(each, forge.url, "--status")
        assert len(forge.bodies) == 2
        assert [s["context"] for s in forge.statuses] == [
            f"wattmark/gate/green/language/sorter/{stage}" for stage in ("inference", "training", "inference")
        ]


def test_a_push_has_no_comment_and_its_status_all_the_same(
    file: Path, github: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One workflow for pushes and pull requests: what cannot be is told, and the rest is done."""
    monkeypatch.setenv("GITHUB_REF", "refs/heads/main")
    with serving(GitHubHandler) as forge:
        told = _published(file, forge.url, "--status")
        assert [s["state"] for s in forge.statuses] == ["failure"]
    assert "no comment: this run belongs to no pull request" in told.stderr
    assert "wattmark: commit status wattmark/gate" in told.stderr


def test_a_comment_that_stands_is_told_where_the_commit_is_not_known(
    file: Path, github: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither hides what became of the other."""
    monkeypatch.delenv("GITHUB_SHA")
    with serving(GitHubHandler) as forge:
        told = _published(file, forge.url, "--status")
        assert len(forge.bodies) == 1
    assert "wattmark: comment created at" in told.stderr
    assert "warning: no commit status: no commit:" in told.stderr


def test_without_a_token_it_says_which_to_set(
    file: Path, github: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And annotations, summary and outputs are there all the same."""
    monkeypatch.delenv("GITHUB_TOKEN")
    told = verb(group, "publish", file, "--comment")
    assert told.return_value == 1
    assert "no token: set WATTMARK_GITHUB_TOKEN" in told.stderr
    assert "result=failed" in (github / "output").read_text()


def test_azure_gets_commands_and_its_summary(file: Path, tmp_path: Path) -> None:
    """Files below --out; the summary is uploaded from its whole path."""
    told = verb(group, "publish", file, "--azure", "--out", "reports")
    summary = tmp_path / "reports" / "wattmark-gate.md"
    assert told.stdout.splitlines()[-1] == f"##vso[task.uploadsummary]{summary}"
    assert summary.is_file()
    assert (tmp_path / "reports" / "wattmark-junit.xml").is_file()


@pytest.mark.parametrize(
    ("env", "ci"),
    [
        ({"GITHUB_ACTIONS": "true"}, "github"), ({"GITLAB_CI": "true"}, "gitlab"),
        ({"TF_BUILD": "True"}, "azure"), ({"CI": "true"}, ""),
    ],
)  # fmt: skip
def test_the_environment_says_which_ci_system(env: dict[str, str], ci: str) -> None:
    """By the variables that each documents."""
    assert ci_of(env) == ci


def test_files_are_named_from_the_root_of_the_repository(tmp_path: Path) -> None:
    """Beside the gate, or in a folder above it; what is not there, or outside, keeps its name."""
    here = tmp_path / "repository" / "models"
    here.mkdir(parents=True)
    (here / "wattmark-policy.toml").touch()
    env = {"GITHUB_WORKSPACE": str(tmp_path / "repository")}
    sample = every_standing()
    assert from_root(sample, env, here).rules[0].file == "models/wattmark-policy.toml"
    assert from_root(sample, env, here).policy.file == "models/wattmark-policy.toml"
    (here / "wattmark-policy.toml").rename(here.parent / "wattmark-policy.toml")
    assert from_root(sample, env, here).rules[0].file == "wattmark-policy.toml"
    (here.parent / "wattmark-policy.toml").rename(tmp_path / "wattmark-policy.toml")
    assert from_root(sample, env, here) == sample
    assert from_root(sample, {}, here) is sample
    assert from_root(hostile(), env, here).rules[8].file == hostile().rules[8].file


def _published(file: Path, url: str, *more: str) -> Result:

    return CliRunner(env={"GITHUB_API_URL": f"{url}/api/v3"}).invoke(
        group,
        ["publish", str(file), "--comment=update", *more],
        catch_exceptions=False,
        standalone_mode=False,
    )


def test_gitlab_gets_its_reports_and_a_note(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files by the names that the template uses, text in the job's log, a note on the merge request."""
    told = {
        "GITLAB_CI": "true",
        "CI_PROJECT_ID": "group/project",
        "CI_COMMIT_SHA": "ab12",
        "GITLAB_TOKEN": "t",
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    with serving(GitLabHandler) as forge:
        forge.me = {"id": 99}
        monkeypatch.setenv("CI_API_V4_URL", f"{forge.url}/api/v4")
        asked = ("--comment=delete-and-new", "--status", "--pull-request", 5, "--out", "out")
        shown = verb(group, "publish", file, *asked)
        assert "wattmark gate: failed" in forge.bodies[0]
        assert forge.statuses[0]["state"] == "failed"
    assert shown.return_value == 1
    assert shown.stdout.splitlines()[2].startswith("failed")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "gl-code-quality-report.json", "metrics.txt", "wattmark-junit.xml", "wattmark.env",
    ]  # fmt: skip


def test_a_status_that_is_refused_is_told(file: Path, github: Path) -> None:
    """And the comment, which was not, is there."""
    with serving(GitHubHandler) as forge:
        refused = {"message": "Resource not accessible by integration"}
        forge.refusals += [
            Refusal(201, {"id": 1}, takes=True, method="POST"),
            Refusal(403, refused, method="POST"),
        ]
        told = _published(file, forge.url, "--status")
        assert len(forge.bodies) == 1
    assert told.return_value == 1
    assert "no commit status: " in told.stderr


def test_azure_has_no_comments_of_ours(file: Path) -> None:
    """Said, not silently left out."""
    told = verb(group, "publish", file, "--azure", "--comment")
    assert "comments and commit statuses go to GitHub and GitLab" in told.stderr


def test_an_output_file_that_cannot_be_written_is_named(
    file: Path, github: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its variable, without folders of the machine."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(github))
    with pytest.raises(UsageError, match=r"the file of \$GITHUB_OUTPUT cannot be written: Is a directory"):
        verb(group, "publish", file)
