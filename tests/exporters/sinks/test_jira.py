"""One issue of Jira per matter, on Cloud and on servers; documents as the published schema has them."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from tests.exporters.sinks.forges import JiraSite
from tests.exporters.sinks.samples import MESSAGE, NASTY, OVER, check, messages, sink
from tests.webapi.api_server import ApiServer, api_server
from wattmark.core.errors import ConfigError, DeliveryError
from wattmark.core.governance.message import Message
from wattmark.exporters.sinks import adf

SECRETS = {"JIRA_TOKEN": "t0ken", "JIRA_USER": "bot@example.org"}
BASIC = f"Basic {b64encode(b'bot@example.org:t0ken').decode()}"


def project(server: ApiServer, cloud: bool, **more: Any) -> Any:
    """The sink of the project GREEN."""
    kind = "cloud" if cloud else "server"
    return sink("jira", {"url": server.url, "project": "GREEN", "kind": kind, **more}, SECRETS)


@pytest.mark.parametrize(("cloud", "credentials"), [(True, BASIC), (False, "Bearer t0ken")])
def test_a_matter_goes_through_one_issue(cloud: bool, credentials: str) -> None:
    """Created, changed, moved to done, moved back: GREEN-1 all along."""
    site = JiraSite(credentials, cloud)
    with api_server(site) as server:
        there = project(server, cloud, labels=["energy"])
        told = [there.deliver(m).words for m in (MESSAGE, replace(MESSAGE, title="still"))]
        told.append(there.deliver(OVER).words)
        done = site.issues["GREEN-1"]["status"]["name"]
        told.append(there.deliver(MESSAGE).words)
    address = f"{server.url}/browse/GREEN-1"
    assert told == [f"opened {address}", f"changed {address}", f"closed {address}", f"opened again {address}"]
    assert done == "Done"
    issue = site.issues["GREEN-1"]
    assert (issue["status"]["name"], issue["summary"], len(site.issues)) == ("To Do", MESSAGE.title, 1)
    assert issue["issuetype"] == {"name": "Task"}
    assert issue["labels"][0] == "wattmark"
    assert issue["labels"][2] == "energy"
    assert len(site.comments["GREEN-1"]) == 2


def test_another_matter_is_another_issue() -> None:
    """By the label that its key makes."""
    site = JiraSite(BASIC)
    with api_server(site) as server:
        project(server, True).deliver(MESSAGE)
        project(server, True).deliver(replace(MESSAGE, key="other"))
    assert list(site.issues) == ["GREEN-1", "GREEN-2"]


def test_a_workflow_without_a_way_to_done_is_told() -> None:
    """The issue is changed and commented, and stays where it is."""
    site = JiraSite(BASIC, may_finish=False)
    with api_server(site) as server:
        project(server, True).deliver(MESSAGE)
        delivered = project(server, True).deliver(OVER)
    assert delivered.problem == "no transition leads from 'To Do' to 'done': the issue stays as it is"
    assert site.issues["GREEN-1"]["summary"] == OVER.title


def test_a_transition_can_be_named() -> None:
    """By its own name or that of the status it leads to; one that is not there is told."""
    site = JiraSite(BASIC)
    with api_server(site) as server:
        there = project(server, True, done="finish", reopen="in progress")
        there.deliver(MESSAGE)
        there.deliver(OVER)
        there.deliver(MESSAGE)
        assert site.issues["GREEN-1"]["status"]["name"] == "In Progress"
        odd = project(server, True, done="Shipped").deliver(OVER)
    assert "to 'Shipped'" in odd.problem


@pytest.mark.parametrize(
    "message", [MESSAGE, OVER, NASTY, replace(MESSAGE, facts=(), tables=(), notes=(), link="")]
)
def test_a_document_is_what_the_schema_asks_for(message: Message) -> None:
    """Atlassian's own."""
    check("adf-full.json", adf.document(message))
    check("adf-full.json", adf.comment(message.title))


@settings(max_examples=15)
@given(messages)
def test_any_message_makes_a_document(message: Message) -> None:
    """No text of no letters. A row is like the next: the schema is slow, so it is asked for two of each."""
    tables = tuple(replace(table, rows=table.rows[:2], notes=table.notes[:1]) for table in message.tables[:1])
    few = replace(message, facts=message.facts[:2], tables=tables, notes=message.notes[:1])
    check("adf-full.json", adf.document(few))


@given(messages)
def test_any_message_makes_wiki_text(message: Message) -> None:
    """No more than a field takes."""
    assert len(adf.wiki(message)) <= 32_767


def test_nothing_in_wiki_text_formats_or_mentions() -> None:
    """Braces are macros, square brackets are links and mentions."""
    assert adf.wiki_text("{code} [~admin] *b*\n|x") == r"\{code\} \[\~admin\] \*b\* \|x"


def test_a_wrong_token_is_told_without_it() -> None:
    """401 in plain text."""
    with (
        api_server(JiraSite("other")) as server,
        pytest.raises(DeliveryError, match="must be authenticated") as error,
    ):
        project(server, True).deliver(MESSAGE)
    assert "t0ken" not in str(error.value)
    assert BASIC.split()[1] not in str(error.value)


def test_a_site_of_atlassian_is_cloud() -> None:
    """Anything else is a server, unless it is said."""
    there: Any = sink("jira", {"url": "https://example.atlassian.net", "project": "GREEN"}, SECRETS)
    other: Any = sink("jira", {"url": "https://jira.example.org", "project": "GREEN"}, SECRETS)
    assert (there.cloud, other.cloud) == (True, False)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"project": 'X" OR 1=1'}, "is no key of a project"),
        ({"labels": ["a b"]}, "hold no spaces"),
        ({"kind": "clowd"}, "must be one of cloud, server"),
    ],
)
def test_a_table_that_cannot_be_meant_names_its_place(more: dict[str, Any], why: str) -> None:
    """Nothing of it gets into a query."""
    with pytest.raises(ConfigError, match=why):
        sink("jira", {"url": "https://example.atlassian.net", "project": "GREEN", **more}, SECRETS)
