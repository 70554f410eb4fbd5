"""The comment on a pull or merge request: found again, kept up to date, honest about what did not work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exporters.forge import SOMEBODY, GitHubHandler, GitLabHandler, Refusal, State, serving
from wattmark.core.errors import DeliveryError, UsageError
from wattmark.exporters.github import GitHub, PullRequest, pull_request_from
from wattmark.exporters.gitlab import GitLab, MergeRequest, merge_request_from
from wattmark.exporters.sticky import OUTDATED, Behaviour, post

MARK = "<!-- wattmark:gate:sorter -->"
OLD, NEW = f"{MARK}\nold words", f"{MARK}\nnew words"
TOKEN = "ghs_secretsecretsecret"


@pytest.fixture
def hub() -> Iterator[State]:
    """A GitHub."""
    with serving(GitHubHandler) as state:
        yield state


@pytest.fixture
def lab() -> Iterator[State]:
    """A GitLab, whose token is a project's bot."""
    with serving(GitLabHandler) as state:
        state.me = {"id": 99, "username": "project_1_bot"}
        state.author = {"id": 99, "username": "project_1_bot"}
        yield state


def github(state: State, waits: list[float] | None = None, number: int | None = 5) -> GitHub:
    """Our side of it; waiting is noted, not done."""
    where = PullRequest(repository="o/r", number=number, sha="ab12", api=f"{state.url}/api/v3", token=TOKEN)
    return GitHub(where, wait=(waits if waits is not None else []).append)


def gitlab(state: State, iid: int | None = 5) -> GitLab:
    """Our side of it."""
    where = MergeRequest(
        project="group/project", iid=iid, sha="ab12", api=f"{state.url}/api/v4", token="glpat-secret"
    )
    return GitLab(where, wait=lambda seconds: None)


def test_the_first_run_writes_a_comment(hub: State) -> None:
    """Where there is none, it is made; the token is shown as GitHub wants it."""
    posted = post(github(hub), MARK, NEW)
    assert (posted.done, hub.bodies) == ("created", [NEW])
    assert posted.url.endswith("#issuecomment-1")
    assert hub.tokens == {TOKEN}


def test_a_later_run_updates_it_where_it_stands(hub: State) -> None:
    """Found by the marker on the third page of comments; nothing else is touched."""
    hub.pages_of = 2
    for words in ("hello", "looks good", f"they wrote {MARK} further on", "more"):
        hub.write(words, SOMEBODY)
    hub.write(OLD)
    assert post(github(hub), MARK, NEW).done == "updated"
    assert hub.bodies == ["hello", "looks good", f"they wrote {MARK} further on", "more", NEW]


def test_comments_of_another_gate_stay(hub: State) -> None:
    """Another tag is another comment."""
    other = f"{MARK.replace('sorter', 'vision')}\nwords"
    hub.write(other)
    post(github(hub), MARK, NEW)
    assert hub.bodies == [other, NEW]


def test_what_others_wrote_under_our_marker_is_not_ours(hub: State) -> None:
    """Somebody who types the marker gets no verdict of ours written into a comment that they can edit."""
    hub.write(OLD, SOMEBODY)
    assert post(github(hub), MARK, NEW).done == "created"
    assert hub.bodies == [OLD, NEW]


def test_a_person_s_token_finds_that_person_s_comment(hub: State) -> None:
    """Who uses a token of their own updates their own comment."""
    hub.me = SOMEBODY
    hub.write(OLD, SOMEBODY)
    assert post(github(hub), MARK, NEW).done == "updated"


@pytest.mark.parametrize(
    ("behaviour", "bodies", "removed"),
    [
        (Behaviour.UPDATE, ["first", NEW], 0),
        (Behaviour.NEW, ["first", OLD, NEW], 0),
        (Behaviour.DELETE_AND_NEW, ["first", NEW], 1),
        (Behaviour.HIDE_AND_NEW, ["first", f"{OUTDATED}\nold words", NEW], 1),
    ],
)
def test_behaviours(hub: State, behaviour: Behaviour, bodies: list[str], removed: int) -> None:
    """What becomes of the earlier comment."""
    hub.write("first", SOMEBODY)
    hub.write(OLD)
    posted = post(github(hub), MARK, NEW, behaviour)
    assert (hub.bodies, posted.removed, posted.problem) == (bodies, removed, "")
    assert hub.minimised == (["IC_2"] if behaviour is Behaviour.HIDE_AND_NEW else [])


def test_a_hidden_comment_is_not_hidden_again(hub: State) -> None:
    """The third run hides the second comment only."""
    for words in (OLD, NEW, f"{MARK}\nthird"):
        post(github(hub), MARK, words, Behaviour.HIDE_AND_NEW)
    assert hub.minimised == ["IC_1", "IC_2"]


def test_of_two_comments_that_two_jobs_wrote_at_once_one_stays(hub: State) -> None:
    """Both found none. The next run updates the newer one; no old verdict stands beside it."""
    hub.write(OLD)
    hub.write(f"{MARK}\nwords of the other job")
    posted = post(github(hub), MARK, NEW)
    assert hub.bodies == [f"{OUTDATED}\nold words", NEW]
    assert (posted.done, posted.removed, hub.minimised) == ("updated", 1, ["IC_1"])
    assert post(github(hub), MARK, NEW).removed == 0


def test_a_comment_deleted_in_between_is_written_anew(hub: State) -> None:
    """404 to the update: a new one."""
    hub.write(OLD)
    hub.refusals.append(Refusal(404, {"message": "Not Found"}, method="PATCH"))
    assert post(github(hub), MARK, NEW).done == "created"


def test_a_lost_answer_makes_no_second_comment(hub: State) -> None:
    """502 after GitHub took it: it is looked for before it is sent again."""
    hub.refusals.append(Refusal(502, {"message": "Server Error"}, takes=True, method="POST"))
    assert post(github(hub), MARK, NEW).done == "created"
    assert hub.bodies == [NEW]


def test_a_failure_that_took_nothing_is_tried_again(hub: State) -> None:
    """502 and nothing there: sent a second time."""
    hub.refusals.append(Refusal(502, {"message": "Server Error"}, method="POST"))
    post(github(hub), MARK, NEW)
    assert hub.bodies == [NEW]


def test_passing_failures_of_reading_are_waited_out(hub: State) -> None:
    """503 twice while listing: twice as long each time, then it works."""
    waits: list[float] = []
    hub.refusals += [Refusal(503), Refusal(503)]
    post(github(hub, waits), MARK, NEW)
    assert waits == [0.5, 1.0]


def test_a_rate_limit_is_obeyed(hub: State) -> None:
    """Retry-After of GitHub's secondary limit: 3 s, and then the comment is there once."""
    waits: list[float] = []
    said = {"message": "You have exceeded a secondary rate limit."}
    hub.refusals.append(Refusal(403, said, {"Retry-After": "3"}, method="POST"))
    post(github(hub, waits), MARK, NEW)
    assert (waits, hub.bodies) == ([3.0], [NEW])


def test_a_rate_limit_that_lasts_is_told(hub: State) -> None:
    """An hour is not waited for; and it is no matter of permissions."""
    said = {"message": "API rate limit exceeded for installation ID 1."}
    hub.refusals.append(Refusal(403, said, {"Retry-After": "3600"}))
    with pytest.raises(DeliveryError, match="limits how often it is asked") as caught:
        post(github(hub), MARK, NEW)
    assert "permissions" not in str(caught.value)


def test_a_read_only_token_is_explained(hub: State) -> None:
    """A fork's token may read and not write: what to do is said, the token is not."""
    said = {"message": "Resource not accessible by integration", "status": "403"}
    hub.refusals.append(Refusal(403, said, method="POST"))
    with pytest.raises(DeliveryError, match="from forks GitHub gives a read-only token") as caught:
        post(github(hub), MARK, NEW)
    assert "pull-requests: write" in str(caught.value)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "said", "words"),
    [
        (401, "Bad credentials", "wrong or has expired"),
        (403, "Unable to create comment because issue is locked.", "the conversation is locked"),
        (404, "Not Found", "no such repository or pull request"),
        (422, "Validation Failed", "it may be too long"),
    ],
)
def test_refusals_say_what_to_do(hub: State, status: int, said: str, words: str) -> None:
    """Each with GitHub's own words and ours."""
    hub.refusals.append(Refusal(status, {"message": said}, method="POST"))
    with pytest.raises(DeliveryError, match=words) as caught:
        post(github(hub), MARK, NEW)
    assert said in str(caught.value)


def test_what_is_too_long_is_refused_as_github_does(hub: State) -> None:
    """65,537 characters: 422 with the reason."""
    with pytest.raises(DeliveryError, match="maximum is 65536 characters"):
        post(github(hub), MARK, MARK + "x" * 65_537)


def test_an_old_comment_that_cannot_be_hidden_is_told_and_the_new_one_stands(hub: State) -> None:
    """GraphQL answers 200 with errors."""
    hub.write(OLD, node_id="unknown")
    refused = {"data": None, "errors": [{"message": "Could not resolve to a node"}]}
    hub.refusals += [
        Refusal(201, hub.write(NEW), method="POST"),
        Refusal(200, refused, method="POST"),
    ]
    hub.comments.pop()
    posted = post(github(hub), MARK, NEW, Behaviour.HIDE_AND_NEW)
    assert posted.done == "created"
    assert "Could not resolve to a node" in posted.problem


def test_a_commit_status_says_what_the_gate_said(hub: State) -> None:
    """0 is success, 1 failure, 3 error; descriptions are cut at 140 characters."""
    for code in (0, 1, 3):
        github(hub).status(code, "x" * 200, "wattmark/gate")
    assert [s["state"] for s in hub.statuses] == ["success", "failure", "error"]
    assert {len(s["description"]) for s in hub.statuses} == {140}
    assert hub.statuses[0]["sha"] == "ab12"


def test_a_status_that_the_token_may_not_set_says_which_permission_lacks(hub: State) -> None:
    """That of statuses, not that of comments."""
    hub.refusals.append(Refusal(403, {"message": "Resource not accessible by integration"}))
    with pytest.raises(DeliveryError, match="`permissions: statuses: write`"):
        github(hub).status(0, "1 passed", "wattmark/gate")


def test_a_run_without_a_pull_request_says_so(hub: State) -> None:
    """A push has no place for a comment."""
    with pytest.raises(UsageError, match="belongs to no pull request"):
        post(github(hub, number=None), MARK, NEW)


ENV = {"GITHUB_REPOSITORY": "o/r", "GITHUB_TOKEN": TOKEN, "GITHUB_SHA": "merge"}


def _event(folder: Path, event: object) -> dict[str, str]:
    file = folder / "event.json"
    file.write_text(json.dumps(event))
    return {**ENV, "GITHUB_EVENT_PATH": str(file)}


def test_the_environment_says_where(tmp_path: Path) -> None:
    """Number and head commit of the pull request, not the merge that is tested; Enterprise addresses."""
    event = {"pull_request": {"number": 12, "head": {"sha": "head"}}}
    env = _event(tmp_path, event) | {"GITHUB_API_URL": "https://ghe.example/api/v3"}
    where = pull_request_from(env)
    assert (where.number, where.sha, where.api) == (12, "head", "https://ghe.example/api/v3")
    assert TOKEN not in repr(where)


@pytest.mark.parametrize(
    ("event", "sha"),
    [
        ({"pull_request": {"number": 1, "head": {"sha": "head"}}}, "head"),
        ({"pull_request": {"number": 1, "head": None}}, "merge"),
        ({"workflow_run": {"head_sha": "theirs"}}, "theirs"),
        ({"workflow_run": {"head_sha": None}}, ""),
        ({"issue": {"number": 1, "pull_request": {}}}, ""),
        ({"head_commit": {}}, "merge"),
    ],
)
def test_which_commit(tmp_path: Path, event: object, sha: str) -> None:
    """Never the newest of the default branch, which GitHub names where something else began it."""
    assert pull_request_from(_event(tmp_path, event), 1).sha == sha


@pytest.mark.parametrize(
    ("event", "ref", "number"),
    [
        ({"issue": {"number": 3, "pull_request": {}}}, "refs/heads/main", 3),
        ({"issue": {"number": 3}}, "refs/heads/main", None),
        ({}, "refs/pull/8/merge", 8),
        ({"head_commit": {}}, "refs/heads/main", None),
    ],
)
def test_which_pull_request(tmp_path: Path, event: object, ref: str, number: int | None) -> None:
    """Of a comment on one, of its ref; an issue or a push is none."""
    assert pull_request_from(_event(tmp_path, event) | {"GITHUB_REF": ref}).number == number


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"GITHUB_REPOSITORY": "../x"}, "OWNER/NAME"),
        ({"GITHUB_TOKEN": ""}, "no token: set WATTMARK_GITHUB_TOKEN or GITHUB_TOKEN"),
        ({"GITHUB_EVENT_PATH": "/nowhere/event.json"}, "event.json"),
    ],
)
def test_what_is_lacking_is_named(change: dict[str, str], words: str) -> None:
    """Each with what to set."""
    with pytest.raises(UsageError, match=words):
        pull_request_from({**ENV, **change})


def test_gitlab_keeps_one_note_up_to_date(lab: State) -> None:
    """Found by marker and author on a later page; system notes and others' are left alone."""
    lab.pages_of = 2
    lab.write("hello", {"id": 1})
    lab.write(OLD, {"id": 1})
    lab.write(OLD, system=True)
    lab.write(OLD, system=False)
    assert post(gitlab(lab), MARK, NEW).done == "updated"
    assert lab.bodies == ["hello", OLD, OLD, NEW]


def test_gitlab_folds_what_it_cannot_hide(lab: State) -> None:
    """The earlier note is folded and loses its marker."""
    lab.write(OLD, system=False)
    posted = post(gitlab(lab), MARK, NEW, Behaviour.HIDE_AND_NEW)
    assert posted.removed == 1
    assert lab.bodies[0].startswith(f"{OUTDATED}\n<details>")
    assert "old words" in lab.bodies[0]
    assert lab.bodies[1] == NEW


def test_gitlab_deletes_and_writes_anew(lab: State) -> None:
    """The new one stands last."""
    lab.write(OLD, system=False)
    post(gitlab(lab), MARK, NEW, Behaviour.DELETE_AND_NEW)
    assert lab.bodies == [NEW]


def test_gitlab_says_what_a_refusal_means(lab: State) -> None:
    """403: scope and role."""
    lab.refusals.append(Refusal(403, {"message": "403 Forbidden"}, method="POST"))
    with pytest.raises(DeliveryError, match="scope `api`") as caught:
        post(gitlab(lab), MARK, NEW)
    assert "glpat-secret" not in str(caught.value)


def test_gitlab_sets_the_status_of_the_commit(lab: State) -> None:
    """Success or failed."""
    for code in (0, 3):
        gitlab(lab).status(code, "words", "wattmark/gate")
    assert [(s["state"], s["name"]) for s in lab.statuses] == [
        ("success", "wattmark/gate"), ("failed", "wattmark/gate"),
    ]  # fmt: skip


def test_gitlab_s_status_belongs_to_the_pipeline_that_runs_the_gate(lab: State) -> None:
    """A push and its merge request have one each, of one commit; without a number none is named."""
    env = {
        "CI_PROJECT_PATH": "group/project", "CI_COMMIT_SHA": "ab12", "CI_PIPELINE_ID": "1234",
        "CI_API_V4_URL": f"{lab.url}/api/v4", "GITLAB_TOKEN": "glpat-secret",
    }  # fmt: skip
    for told in (env, {**env, "CI_PIPELINE_ID": ""}):
        GitLab(merge_request_from(told), wait=lambda seconds: None).status(0, "words", "wattmark/gate")
    assert [s.get("pipeline_id") for s in lab.statuses] == [1234, None]


def test_gitlab_says_which_role_a_status_takes(lab: State) -> None:
    """More than a note: Developer."""
    lab.refusals.append(Refusal(403, {"message": "403 Forbidden"}, method="POST"))
    with pytest.raises(DeliveryError, match="role Developer or more"):
        gitlab(lab).status(0, "words", "wattmark/gate")


def test_gitlab_s_environment() -> None:
    """Project, merge request, commit, address and token by their predefined names."""
    env = {
        "CI_PROJECT_ID": "42", "CI_MERGE_REQUEST_IID": "5", "CI_COMMIT_SHA": "ab12",
        "CI_API_V4_URL": "https://git.example/api/v4", "GITLAB_TOKEN": "t",
    }  # fmt: skip
    where = merge_request_from(env)
    assert (where.project, where.iid, where.sha, where.api) == ("42", 5, "ab12", "https://git.example/api/v4")
    with pytest.raises(UsageError, match="CI_JOB_TOKEN may not write notes"):
        merge_request_from({**env, "GITLAB_TOKEN": ""})
    with pytest.raises(UsageError, match="belongs to no merge request"):
        GitLab(merge_request_from({**env, "CI_MERGE_REQUEST_IID": ""})).create(NEW)


@pytest.mark.parametrize(("answer", "words"), [({}, "than a list"), ("<html>", "than a list")])
def test_an_answer_of_another_shape_is_refused(hub: State, answer: object, words: str) -> None:
    """A proxy's page is not taken for a list without comments, which would make a second one."""
    hub.refusals.append(Refusal(200, answer))
    with pytest.raises(DeliveryError, match=words):
        post(github(hub), MARK, NEW)
    assert hub.bodies == []


def test_a_new_comment_that_is_no_object_is_refused(hub: State) -> None:
    """What was written cannot be told, so it is not told as done."""
    hub.refusals.append(Refusal(201, [], method="POST"))
    with pytest.raises(DeliveryError, match="than an object"):
        post(github(hub), MARK, NEW)
