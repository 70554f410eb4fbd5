"""Mail: a real SMTP server takes it, with and without TLS; no word of a message becomes a header."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from hypothesis import given, settings

from tests.exporters.sinks.samples import HOSTILE, MESSAGE, NASTY, OVER, messages, sink
from tests.fakes.ports import free_port
from wattmark.core.errors import ConfigError, DeliveryError
from wattmark.core.governance.message import Message
from wattmark.exporters.sinks.email import as_html, as_text


class Box:
    """Takes mails, or answers RCPT and DATA as it is told."""

    def __init__(self, *answers: str, refused: str = "") -> None:
        self.mails: list[EmailMessage] = []
        self.to: list[list[str]] = []
        self.answers = list(answers)
        self.refused = refused

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address == self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            mail = message_from_bytes(envelope.content, policy=default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
            self.to.append(envelope.rcpt_tos)
        return answer


@contextmanager
def server(box: Box, **more: Any) -> Iterator[int]:
    """A real SMTP server on a port of its own."""
    port = free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port, ready_timeout=120.0, **more)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A key and a certificate of 127.0.0.1 that nobody has signed."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, cert


def context(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    """Of the server."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate[1], certificate[0])
    return made


TO = {"recipients": ["team@example.org", "board@example.org"], "from": "wattmark@example.org"}


def plain(port: int, **more: Any) -> Any:
    """The sink of a server without TLS."""
    return sink("email", {"server": f"smtp+plain://127.0.0.1:{port}", **TO, **more})


def test_as_a_file_it_can_be_read_too() -> None:
    """A page that a digest wrote says how it is encoded, and fits a telephone."""
    head, _, body = as_html(MESSAGE).partition("<body")
    assert '<meta charset="utf-8">' in head
    assert 'name="viewport"' in head
    assert body


def test_a_mail_has_a_plain_and_an_html_part() -> None:
    """The same figures in both; a thread per matter; no machine answers it."""
    box = Box()
    with server(box) as port:
        assert plain(port).deliver(MESSAGE).words == "sent to 2"
        plain(port).deliver(OVER)
    first, second = box.mails
    assert first["Subject"] == MESSAGE.title
    assert second["Subject"] == f"Over: {OVER.title}"
    assert (first["From"], first["To"]) == ("wattmark@example.org", "team@example.org, board@example.org")
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["References"] == second["References"]
    assert first["Message-ID"] != second["Message-ID"]
    assert box.to == [["team@example.org", "board@example.org"]] * 2
    text, html = (first.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    for part in (text.get_content(), html.get_content()):
        assert "92.0 points [88.0 .. 96.0], grade B" in part
        assert "Audit log, entry 41: abc" in part
    assert 'href="https://ci.example/jobs/1?a=1&amp;b=2"' in html.get_content()


def test_long_words_break_on_a_phone() -> None:
    """A hash of 64 letters is wider than a telephone; cells keep their width."""
    assert '<body style="' in as_html(MESSAGE)
    assert "overflow-wrap:break-word" in as_html(MESSAGE)


def test_no_word_of_a_message_becomes_a_header_or_a_tag() -> None:
    """Line breaks are gone from the subject, and angle brackets are text."""
    box = Box()
    with server(box) as port:
        plain(port).deliver(NASTY)
    mail = box.mails[0]
    assert mail["Subject"] == " ".join(HOSTILE.split())
    assert set(mail.keys()) == {
        "Subject", "From", "To", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
        "MIME-Version", "Content-Type", "X-Peer", "X-MailFrom", "X-RcptTo",
    } & set(mail.keys())  # fmt: skip
    html = mail.get_body(("html",))
    assert html is not None
    assert "<b>" not in html.get_content()


@settings(max_examples=60, deadline=None)
@given(messages)
def test_any_message_makes_a_mail(message: Message) -> None:
    """Whatever letters are in it; the sketch is the mail."""
    sketch = sink("email", {"server": "smtp+plain://127.0.0.1:1", **TO}).sketch(message)
    assert sketch.content.count("\nSubject:") + sketch.content.startswith("Subject:") == 1
    assert "<script" not in as_html(message).lower().replace("&lt;script", "")
    assert as_text(message).endswith("\n")


def test_starttls_and_a_password(certificate: tuple[Path, Path]) -> None:
    """The password goes after TLS has begun; its variable is named in the file, not its text."""
    seen: list[LoginPassword] = []

    def allowed(server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
        seen.append(data)
        return AuthResult(success=data.password == b"s3cret", handled=False)

    box = Box()
    tls = {"tls_context": context(certificate), "require_starttls": True}
    with server(box, authenticator=allowed, auth_required=True, **tls) as port:
        values = {"server": f"smtp://127.0.0.1:{port}", "user": "green", "password_env": "PW", **TO}
        values["ca"] = str(certificate[1])
        assert sink("email", values, {"PW": "s3cret"}).deliver(MESSAGE).words == "sent to 2"
        with pytest.raises(DeliveryError, match="535") as error:
            sink("email", values, {"PW": "wr0ng"}).deliver(MESSAGE)
    assert "wr0ng" not in str(error.value)
    assert {data.login for data in seen} == {b"green"}
    assert len(box.mails) == 1


def test_a_certificate_that_nobody_signed_is_refused(certificate: tuple[Path, Path]) -> None:
    """Nothing is sent, and it is tried once."""
    box = Box()
    with server(box, tls_context=context(certificate)) as port:
        values = {"server": f"smtp://127.0.0.1:{port}", **TO}
        with pytest.raises(DeliveryError, match="certificate verify failed"):
            sink("email", values).deliver(MESSAGE)
    assert box.mails == []


def test_tls_from_the_start(certificate: tuple[Path, Path]) -> None:
    """smtps, as on port 465."""
    box = Box()
    with server(box, ssl_context=context(certificate)) as port:
        values = {"server": f"smtps://127.0.0.1:{port}", "ca": str(certificate[1]), **TO}
        assert sink("email", values).deliver(MESSAGE).words == "sent to 2"
    assert len(box.mails) == 1


def test_a_server_without_tls_gets_nothing_by_smtp() -> None:
    """STARTTLS is always asked for: a mail never falls back to clear text."""
    box = Box()
    with server(box) as port, pytest.raises(DeliveryError, match="STARTTLS"):
        sink("email", {"server": f"smtp://127.0.0.1:{port}", **TO}).deliver(MESSAGE)
    assert box.mails == []


def test_what_is_refused_for_now_is_tried_again() -> None:
    """451, then taken (greylisting)."""
    box = Box("451 come back")
    with server(box) as port:
        plain(port).deliver(MESSAGE)
    assert len(box.mails) == 1


def test_what_is_refused_for_good_is_told() -> None:
    """554: once, in the server's words."""
    box = Box("554 looks like spam")
    with server(box) as port, pytest.raises(DeliveryError, match="554 looks like spam") as error:
        plain(port).deliver(MESSAGE)
    assert not error.value.unsure


def test_a_recipient_that_is_refused_is_named_and_the_others_have_their_mail() -> None:
    """One of two."""
    box = Box(refused="board@example.org")
    with server(box) as port:
        delivered = plain(port).deliver(MESSAGE)
    assert (delivered.words, delivered.problem) == (
        "sent to 1",
        "refused for board@example.org: 550 no such mailbox",
    )
    assert box.to == [["team@example.org"]]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"recipients": []}, "recipients: names nobody"),
        ({"recipients": ["a@b\r\nBcc: c@d"]}, "is no mail address"),
        ({"recipients": ["Board <b@example.org>"]}, "without a name before"),
        ({"from": "x"}, "from: 'x' is no mail address"),
        ({"server": "mail.example.org"}, "write smtp://HOST:587"),
        ({"server": "smtp://me:s3cret@mail.example.org"}, "holds a password"),
        ({"server": "smtp+plain://mail.example.org", "user": "u", "password_env": "PW"}, "in clear"),
        ({"server": "smtp://mail.example.org", "user": "u"}, "password_env: is missing"),
        ({"server": "smtp://mail.example.org", "ca": "/nowhere.pem"}, "ca: cannot be used"),
    ],
)
def test_a_table_that_cannot_be_meant_names_its_place(more: dict[str, Any], why: str) -> None:
    """And no secret."""
    with pytest.raises(ConfigError, match=why) as error:
        sink("email", {"server": "smtp://mail.example.org", **TO, **more}, {"PW": "s3cret"})
    assert "s3cret" not in str(error.value)
