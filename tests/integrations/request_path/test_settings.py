"""Settings of the request path: what they may be, and how the environment says them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wattmark.core.errors import UsageError
from wattmark.integrations.request_path.exchange import teller_of
from wattmark.integrations.request_path.settings import (
    INFERENCE_PATHS,
    SYSTEM_SOCKET,
    Settings,
    settings_from,
    usual_socket,
)
from wattmark.integrations.request_path.telling import FileTeller, Silent, SocketTeller


def test_the_environment_says_all_that_has_no_structure() -> None:
    """For servers that take a middleware by its name."""
    said = {
        "WATTMARK_MODEL": "chat",
        "WATTMARK_MODEL_VERSION": "v2",
        "WATTMARK_RELEASE_HEADER": "x-release",
        "WATTMARK_TENANT": "blue",
        "WATTMARK_TENANT_HEADER": "x-tenant",
        "WATTMARK_TARGET": "a",
        "WATTMARK_PATHS": "/predict, /score,",
        "WATTMARK_AGENT_SOCKET": "",
        "WATTMARK_REQUEST_LOG": "log.jsonl",
        "WATTMARK_AGENT": "http://127.0.0.1:1",
    }
    assert settings_from(said) == Settings(
        model="chat",
        model_version="v2",
        release_header="x-release",
        tenant="blue",
        tenant_header="x-tenant",
        target="a",
        paths=("/predict", "/score"),
        socket="",
        log="log.jsonl",
        agent="http://127.0.0.1:1",
    )
    assert settings_from({}) == Settings()
    assert settings_from({}).paths == INFERENCE_PATHS


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"paths": ()}, "paths"),
        ({"paths": ("predict",)}, "paths"),
        ({"every_seconds": 0.1}, "every_seconds"),
        ({"tenants": {"sk-secret": "blue"}}, "tenants"),
        ({"tenants": {"0" * 64: "sk-secret"}}, "tenant"),
        ({"tenant": "Bearer secret"}, "tenant"),
        ({"model": "x" * 300}, "model"),
        ({"model_version": "a\nb"}, "model_version"),
        ({"target": "\x00"}, "target"),
    ],
)
def test_what_cannot_be_is_refused_by_name(said: dict[str, Any], field: str) -> None:
    """And a secret is not repeated."""
    with pytest.raises(UsageError, match=f"^{field}: ") as error:
        Settings(**said)
    assert "sk-secret" not in str(error.value)


def test_the_users_own_agent_comes_first(tmp_path: Path) -> None:
    """Where there is none of the two, the user's own is waited for."""
    own = tmp_path / "wattmark" / "agent.sock"
    assert usual_socket({}) == SYSTEM_SOCKET
    own.parent.mkdir()
    own.touch()
    assert usual_socket({"XDG_RUNTIME_DIR": str(tmp_path)}) == str(own)


def test_lines_go_where_the_settings_say(tmp_path: Path) -> None:
    """Into a file, to an agent, nowhere."""
    assert isinstance(teller_of(Settings(log=str(tmp_path / "log"))), FileTeller)
    assert isinstance(teller_of(Settings()), SocketTeller)
    assert isinstance(teller_of(Settings(socket="")), Silent)
