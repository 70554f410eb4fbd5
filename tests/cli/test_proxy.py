"""``wattmark proxy``: it hands on, tells, and ends in order; what cannot be is refused with its place."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.fakes.processes import started
from tests.integrations.request_path.world import CHAT
from tests.integrations.test_openai import server
from wattmark.cli.proxy import tenants_in
from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.serving.line import told
from wattmark.core.serving.request import Request

DIGEST = hashlib.sha256(b"sk-secret").hexdigest()


def refused(*arguments: str) -> str:
    from wattmark.cli.main import cli

    found = CliRunner().invoke(cli, ["proxy", *arguments])
    assert isinstance(found.exception, UsageError)
    return str(found.exception)


@pytest.mark.slow
def test_it_hands_on_and_tells(tmp_path: Path) -> None:
    """Started as users start it; SIGTERM ends it with 0, and the log is whole."""
    keys, log = tmp_path / "keys.csv", tmp_path / "requests.jsonl"
    keys.write_text(f"key_sha256,tenant\n{DIGEST},blue\n\n")
    with server(CHAT) as fake:
        upstream = f"http://127.0.0.1:{fake.server_port}"
        how = ["--upstream", upstream, "--listen", "127.0.0.1:0", "--tenants", str(keys), "--log", str(log)]
        how.append("--ask-usage")
        command = [sys.executable, "-m", "wattmark", "proxy", *how, "--model-version", "v2", "--agent", ""]
        with started(command, stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            said = process.stderr.readline()
            port = int(said.partition(" on to ")[0].rpartition(":")[2])
            connection = HTTPConnection("127.0.0.1", port, timeout=250)
            headers = {"authorization": "Bearer sk-secret"}
            connection.request("POST", "/v1/chat/completions", json.dumps({"model": "m"}), headers)
            answer = connection.getresponse()
            assert json.loads(answer.read()) == CHAT
            assert answer.headers["wattmark-energy"] == "known=missing;reason=no_agent"
            streams = json.dumps({"model": "m", "stream": True})
            connection.request("POST", "/v1/chat/completions", streams, headers)
            connection.getresponse().read()
            connection.close()
            assert ["stream_options" in asked for asked in fake.asked] == [False, True]
            process.send_signal(signal.SIGTERM)
            rest = process.communicate(timeout=250)[1]
    assert (process.returncode, rest) == (0, "")
    lines = log.read_text().splitlines()
    assert "secret" not in log.read_text()
    request, _ = [r for r in map(told, map(json.loads, lines)) if isinstance(r, Request)]
    assert (request.service.tenant, request.service.model_version, request.output_tokens) == ("blue", "v2", 4)


@pytest.mark.parametrize("listen", ["8080", ":8080", "localhost:", "localhost:http", "127.0.0.1:70000"])
def test_where_to_listen_is_host_and_port(listen: str) -> None:
    """With an example."""
    assert "write HOST:PORT" in refused("--upstream", "http://127.0.0.1:1", "--listen", listen)


def test_an_upstream_is_an_address() -> None:
    """Nothing is started otherwise."""
    assert "write http://HOST:PORT" in refused("--upstream", "localhost")


def test_a_certificate_needs_its_key() -> None:
    """As of the listener."""
    assert "give both" in refused("--upstream", "http://127.0.0.1:1", "--tls-cert", "a.pem")


def test_a_tenant_is_no_key() -> None:
    """A secret in the wrong place is refused, and not repeated."""
    said = refused("--upstream", "http://127.0.0.1:1", "--tenant", "sk-secret")
    assert said.startswith("tenant: ")
    assert "secret" not in said.removeprefix(
        "tenant: looks like a key: name the tenant, never give its secret"
    )


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "line 1"),
        ("key,tenant\n", "line 1"),
        ("key_sha256,tenant\nsk-secret,blue\n", "line 2"),
        (f"key_sha256,tenant\n{DIGEST},blue\n{DIGEST},green\n", "line 3"),
        (f"key_sha256,tenant\n{DIGEST},blue,more\n", "line 2"),
    ],
)
def test_a_file_of_keys_is_read_strictly(tmp_path: Path, text: str, place: str) -> None:
    """File and line; never the value, which might be a key."""
    file = tmp_path / "keys.csv"
    file.write_text(text)
    with pytest.raises(ConfigError, match=place) as error:
        tenants_in(file)
    assert str(file) in str(error.value)
    assert "secret" not in str(error.value)


def test_a_file_of_keys_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With the reason."""
    with pytest.raises(ConfigError, match="cannot be read"):
        tenants_in(tmp_path / "keys.csv")
