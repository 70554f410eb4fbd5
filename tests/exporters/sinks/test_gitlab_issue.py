"""One issue on GitLab per matter, and nothing in it is a quick action."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.exporters.sinks.forges import Gitlab
from tests.exporters.sinks.samples import MESSAGE, OVER, sink
from tests.webapi.api_server import ApiServer, api_server
from wattmark.core.errors import ConfigError, DeliveryError
from wattmark.exporters.sinks.issue import without_commands

TOKEN = {"GITLAB_TOKEN": "t0ken"}


def issues_of(server: ApiServer, **more: Any) -> Any:
    """The sink of a project on that server."""
    return sink("gitlab-issue", {"project": "group/sub/models", "api": server.url, **more}, TOKEN)


def test_a_matter_goes_through_one_issue() -> None:
    """Opened, changed, closed with a note, opened again with another: number 1 all along."""
    gitlab = Gitlab()
    with api_server(gitlab) as server:
        there = issues_of(server, labels=["energy"])
        told = [there.deliver(m).words for m in (MESSAGE, replace(MESSAGE, title="still"), OVER, MESSAGE)]
    address = "https://gitlab.com/group/sub/models/-/issues/1"
    assert told == [f"opened {address}", f"changed {address}", f"closed {address}", f"opened again {address}"]
    assert len(gitlab.issues) == 1
    assert (gitlab.issues[0]["state"], gitlab.issues[0]["labels"]) == ("opened", ["wattmark", "energy"])
    assert len(gitlab.notes[1]) == 2
    assert server.asked[0].path == "/projects/group%2Fsub%2Fmodels/issues"


def test_an_issue_is_found_on_another_page() -> None:
    """Behind three other matters."""
    gitlab = Gitlab()
    with api_server(gitlab) as server:
        there = issues_of(server)
        there.deliver(MESSAGE)
        for n in range(3):
            there.deliver(replace(MESSAGE, key=f"other {n}"))
        assert there.deliver(MESSAGE).words.endswith("/issues/1")
    assert len(gitlab.issues) == 4


def test_what_is_over_and_was_never_told_opens_nothing() -> None:
    """The first gate passes."""
    gitlab = Gitlab()
    with api_server(gitlab) as server:
        assert issues_of(server).deliver(OVER).words == "nothing to close"
    assert gitlab.issues == []


def test_no_line_is_a_quick_action() -> None:
    """GitLab would do what a line that begins with a slash says."""
    gitlab = Gitlab()
    with api_server(gitlab) as server:
        issues_of(server).deliver(replace(MESSAGE, markdown="/close\n  /assign @all\ntext"))
    lines = gitlab.issues[0]["description"].splitlines()
    assert not any(line.lstrip().startswith("/") for line in lines)
    assert without_commands("a/b\n/c") == "a/b\n&#47;c"


def test_a_wrong_token_and_a_project_that_is_not_there() -> None:
    """401 and 404, in GitLab's words."""
    with api_server(Gitlab(token="other")) as server, pytest.raises(DeliveryError, match="401 Unauthorized"):
        issues_of(server).deliver(MESSAGE)
    with (
        api_server(Gitlab(project="x")) as server,
        pytest.raises(DeliveryError, match="404 Project Not Found"),
    ):
        issues_of(server).deliver(MESSAGE)


@pytest.mark.parametrize(
    ("more", "why"),
    [({"project": "a?b"}, "write GROUP/PROJECT"), ({"labels": ["a,b"]}, "holds a comma")],
)
def test_a_table_that_cannot_be_meant_names_its_place(more: dict[str, Any], why: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigError, match=why):
        sink("gitlab-issue", {"project": "a/b", **more}, TOKEN)
