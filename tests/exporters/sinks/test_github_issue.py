"""One issue on GitHub per matter: opened, changed, closed, opened again; never a second one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.exporters.sinks.forges import Github
from tests.exporters.sinks.samples import MESSAGE, NASTY, OVER, sink
from tests.webapi.api_server import ApiServer, Reply, api_server
from wattmark.core.errors import ConfigError, DeliveryError
from wattmark.exporters.sinks.issue import draft_of

TOKEN = {"GITHUB_TOKEN": "t0ken"}


def issues_of(server: ApiServer, **more: Any) -> Any:
    """The sink of a repository on that server."""
    return sink("github-issue", {"repository": "example/models", "api": server.url, **more}, TOKEN)


def test_a_matter_goes_through_one_issue() -> None:
    """Opened, changed, closed with a comment, opened again with another: number 1 all along."""
    github = Github()
    with api_server(github) as server:
        there = issues_of(server, labels=["energy"])
        told = [there.deliver(m).words for m in (MESSAGE, replace(MESSAGE, title="still"), OVER, MESSAGE)]
    address = "https://github.com/example/models/issues/1"
    assert told == [f"opened {address}", f"changed {address}", f"closed {address}", f"opened again {address}"]
    issue = github.issues[0]
    assert len(github.issues) == 1
    assert (issue["title"], issue["state"]) == (MESSAGE.title, "open")
    assert [label["name"] for label in issue["labels"]] == ["wattmark", "energy"]
    assert "<!-- wattmark:" in issue["body"]
    assert MESSAGE.markdown.strip() in issue["body"]
    assert github.comments[1] == [
        "Over: sorter 2.2.0: passed (3 passed) (2026-11-20T09:30:00Z)",
        "sorter 2.1.0: failed (1 failed, 2 passed) (2026-11-20T09:30:00Z)",
    ]


def test_the_call_is_the_documented_one() -> None:
    """Version and media type in headers; the reason of closing."""
    with api_server(Github()) as server:
        issues_of(server).deliver(MESSAGE)
        issues_of(server).deliver(OVER)
    first = server.asked[0]
    assert first.headers["x-github-api-version"] == "2022-11-28"
    assert first.headers["accept"] == "application/vnd.github+json"
    closing = next(asked for asked in server.asked if asked.method == "PATCH")
    assert (closing.json()["state"], closing.json()["state_reason"]) == ("closed", "completed")


def test_an_issue_is_found_on_the_third_page() -> None:
    """Behind five other matters; a pull request with the same mark is none."""
    github = Github()
    with api_server(github) as server:
        there = issues_of(server)
        there.deliver(MESSAGE)
        for n in range(5):
            there.deliver(replace(MESSAGE, key=f"other {n}"))
        github.issues[-1] |= {"pull_request": {}, "body": github.issues[0]["body"]}
        assert there.deliver(MESSAGE).words.endswith("/issues/1")
    assert len(github.issues) == 6


def test_what_is_over_and_was_never_told_opens_nothing() -> None:
    """The first gate passes."""
    github = Github()
    with api_server(github) as server:
        assert issues_of(server).deliver(OVER).words == "nothing to close"
    assert github.issues == []


def test_a_token_that_may_not_label_is_told() -> None:
    """GitHub drops labels in silence; the next message would open a second issue."""
    with api_server(Github(may_label=False)) as server:
        delivered = issues_of(server).deliver(MESSAGE)
    assert "may not set the label 'wattmark'" in delivered.problem


def test_a_body_is_cut_where_github_would_refuse_it() -> None:
    """65 536 characters; the mark stays, or it would not be found again."""
    github = Github()
    with api_server(github) as server:
        issues_of(server).deliver(replace(MESSAGE, markdown="x" * 100_000))
    assert len(github.issues[0]["body"]) <= 65_536
    assert "… (cut)" in github.issues[0]["body"]
    assert "<!-- wattmark:" in github.issues[0]["body"]


def test_a_comment_calls_nobody() -> None:
    """`@all` and links are text, also in what is said below."""
    github = Github()
    with api_server(github) as server:
        there = issues_of(server)
        there.deliver(NASTY)
        there.deliver(replace(NASTY, resolved=True))
    assert "@all" not in github.comments[1][0]
    assert "[link](" not in github.comments[1][0]


def test_a_title_mentions_nobody_and_links_nowhere_below_an_issue() -> None:
    """A forge looks for both in the finished page, where an escaped @ is one again."""
    said = draft_of(replace(NASTY, title="@team at https://evil.example and WWW.evil.example"), 1000).comment
    assert said.startswith("&#64;&#8203;team at https&#58;//evil.example and WWW&#46;evil.example")


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(401, {"message": "Bad credentials"}), "HTTP 401 Bad credentials"),
        (
            Reply(403, {"message": "Resource not accessible by integration"}),
            "HTTP 403 Resource not accessible",
        ),
        (Reply(404, {"message": "Not Found"}), "HTTP 404 Not Found"),
        (Reply(410, {"message": "Issues are disabled for this repo"}), "Issues are disabled"),
        (Reply(422, {"message": "Validation Failed"}), "HTTP 422 Validation Failed"),
        (Reply(502, b"<html>"), "HTTP 502; tried 4 times"),
        (Reply(200, {"items": []}), "something else than a list of issues"),
    ],
)
def test_a_refusal_is_told_with_its_address(reply: Reply, why: str) -> None:
    """And without the token."""
    with api_server(Github(refusal=reply)) as server, pytest.raises(DeliveryError, match=why) as error:
        issues_of(server).deliver(MESSAGE)
    assert str(error.value).startswith(f"{server.url}/repos/example/models/issues: ")
    assert "t0ken" not in str(error.value)


@pytest.mark.parametrize("name", ["models", "a/b/c", "a b/c", "../x"])
def test_a_repository_is_owner_and_name(name: str) -> None:
    """Nothing that would lead elsewhere in the API."""
    with pytest.raises(ConfigError, match="write OWNER/REPOSITORY"):
        sink("github-issue", {"repository": name}, TOKEN)


def test_without_a_token_it_says_which() -> None:
    """GITHUB_TOKEN, unless another is named."""
    with pytest.raises(ConfigError, match="there is no secret GITHUB_TOKEN"):
        sink("github-issue", {"repository": "a/b"})
