"""``wattmark ledger listen``: what it refuses before it listens, and that its page is complete."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from tests.cli.running import verb
from wattmark.cli.ledger_listen import command, journal_folder
from wattmark.core.errors import UsageError
from wattmark.server.serve import is_loopback

PAGE = Path(__file__).resolve().parents[2] / "docs" / "ledger" / "listen.md"


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A ledger that holds nothing."""
    (tmp_path / "ledger").mkdir()
    (tmp_path / "ledger" / "ledger.toml").write_text("format = 1\n")
    return tmp_path / "ledger"


def refused(ledger: Path, *options: object) -> str:
    """What the command says when it does not listen."""
    with pytest.raises(UsageError) as caught:
        verb(command, "--ledger", ledger, "--journal", ledger.parent / "journal", *options)
    return str(caught.value)


def test_others_are_let_in_only_on_purpose(ledger: Path) -> None:
    """An address beyond the loopback needs a token, or --insecure said aloud."""
    said = refused(ledger, "--host", "0.0.0.0")
    assert "others would reach the listener: give --token-file" in said
    assert "--insecure" in said


def test_a_token_must_be_one(ledger: Path, tmp_path: Path) -> None:
    """A file that is not there or empty would leave the door open."""
    assert "cannot be read" in refused(ledger, "--token-file", tmp_path / "none")
    (tmp_path / "empty").write_text("\n")
    assert "is empty; write a token into it" in refused(ledger, "--token-file", tmp_path / "empty")


def test_a_certificate_needs_its_key(ledger: Path, tmp_path: Path) -> None:
    """One of them alone is a slip."""
    assert "belong together" in refused(ledger, "--tls-cert", tmp_path / "cert.pem")


def test_an_unknown_method_is_refused(ledger: Path) -> None:
    """With the known ones."""
    assert "use one of wall_meter" in refused(ledger, "--port", 0, "--method", "guess")


def test_a_port_that_is_taken_is_named(ledger: Path) -> None:
    """With what to do."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"127.0.0.1:{port}: cannot listen there" in refused(ledger, "--port", port)


def test_a_journal_that_cannot_be_kept_is_named(ledger: Path, tmp_path: Path) -> None:
    """With the option that names another place."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"file/journal: no journal can be kept there: .*--journal"):
        verb(command, "--ledger", ledger, "--port", 0, "--journal", tmp_path / "file" / "journal")


def test_a_ledger_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Nobody wants a ledger in a folder that was mistyped."""
    assert "there is no ledger" in refused(tmp_path / "nowhere")


def test_every_option_is_on_the_page_and_no_other() -> None:
    """The option table and the command are the same list."""
    options = {o for p in command.params for o in p.opts if o.startswith("--")}
    table = "".join(line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `-"))
    assert set(re.findall(r"--[a-z-]+", table)) == options


@pytest.mark.parametrize(
    ("host", "alone"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("example.org", False)],
)
def test_what_is_loopback(host: str, alone: bool) -> None:
    """Addresses that nobody else reaches; a name might be anything."""
    assert is_loopback(host) is alone


def test_the_journal_lies_beside_the_outbox(tmp_path: Path) -> None:
    """One folder per ledger, where WATTMARK_HOME says."""
    folder = journal_folder("s3://bucket/ledger", {"WATTMARK_HOME": str(tmp_path)})
    assert folder.parent == tmp_path / "listen"
    assert folder != journal_folder("s3://bucket/other", {"WATTMARK_HOME": str(tmp_path)})
