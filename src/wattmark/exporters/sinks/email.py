"""Mail through an SMTP server: plain text and HTML, in a thread per matter.

No word of a message can add a header, for the library refuses line breaks there and they are gone before.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import Any
from urllib.parse import unquote, urlsplit

from wattmark.core.errors import DeliveryError
from wattmark.core.governance.message import Listing, Message
from wattmark.exporters.sinks.sink import (
    Delivered,
    Sketch,
    World,
    cut,
    mark_of,
    one_line,
    secret_if_named,
    secret_of,
)
from wattmark.fields import Fields
from wattmark.webapi.addresses import is_loopback
from wattmark.webapi.api import Patience

KEYS = ("server_env", "server", "user", "password_env", "from", "recipients", "ca")
USUAL = "WATTMARK_SMTP"
PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
"""``smtp``: STARTTLS, always (RFC 3207); ``smtps``: TLS from the start (RFC 8314); ``smtp+plain``: none."""
MOST_SUBJECT = 200
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
PASSING = range(400, 500)
"""SMTP codes that may be over by the next try (RFC 5321, section 4.2.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """Some recipients, by one server."""

    kind: str
    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    user: str = ""
    password: str = ""
    context: ssl.SSLContext | None = None
    patience: Patience
    wait: Callable[[float], None]
    now: Callable[[], float]
    keeps: bool = False

    @property
    def place(self) -> str:
        """The server as it is shown."""
        return f"{self.kind}://{self.host}:{self.port}"

    def sketch(self, message: Message) -> Sketch:
        """The mail, as it would be written; the date is that of the moment."""
        return Sketch(place=self.place, content=self._mail(message).as_string())

    def deliver(self, message: Message) -> Delivered:
        """Send it. What a server refuses for now is tried again; recipients that it refuses are told."""
        mail, pause = self._mail(message), self.patience.first_wait
        for attempt in range(1, self.patience.attempts + 1):
            try:
                return self._once(mail)
            except (OSError, smtplib.SMTPException) as error:
                if not _may_pass(error) or attempt == self.patience.attempts:
                    raise DeliveryError(self.place, self._words(error)) from None
            self.wait(pause)
            pause *= 2
        raise AssertionError("the loop ends by itself")

    def _once(self, mail: EmailMessage) -> Delivered:
        connect: Any = smtplib.SMTP_SSL if self.kind == "smtps" else smtplib.SMTP
        extra = {"context": self.context} if self.kind == "smtps" else {}
        with connect(self.host, self.port, timeout=self.patience.timeout, **extra) as server:
            if self.kind == "smtp":
                server.starttls(context=self.context)
            if self.user:
                server.login(self.user, self.password)
            try:
                refused = server.send_message(mail, self.sender, list(self.recipients))
            except (smtplib.SMTPServerDisconnected, TimeoutError) as error:
                raise DeliveryError(self.place, self._words(error), unsure=True) from None
        if refused:
            words = "; ".join(f"{who}: {_reply(*reply)}" for who, reply in refused.items())
            return Delivered(f"sent to {len(self.recipients) - len(refused)}", f"refused for {words}")
        return Delivered(f"sent to {len(self.recipients)}")

    def _words(self, error: Exception) -> str:
        match error:
            case smtplib.SMTPResponseException():
                words = _reply(error.smtp_code, error.smtp_error)
            case smtplib.SMTPRecipientsRefused():
                words = "; ".join(f"{who}: {_reply(*reply)}" for who, reply in error.recipients.items())
            case _:
                words = str(error) or type(error).__name__
        return words.replace(self.password, "***") if self.password else words

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage(policy=SMTP)
        word = "Over: " if message.resolved else ""
        mail["Subject"] = cut(one_line(word + message.title), MOST_SUBJECT)
        mail["From"] = self.sender
        mail["To"] = ", ".join(self.recipients)
        mail["Date"] = format_datetime(datetime.fromtimestamp(self.now(), UTC))
        domain = self.sender.rpartition("@")[2]
        thread = f"<{mark_of(message.key)}.wattmark@{domain}>"
        mail["Message-ID"] = f"<{mark_of(f'{message.key} {message.at} {message.title}')}.wattmark@{domain}>"
        mail["In-Reply-To"] = thread
        mail["References"] = thread
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(as_text(message))
        mail.add_alternative(as_html(message), subtype="html")
        return mail


def as_text(message: Message) -> str:
    """The plain part."""
    parts = [one_line(message.title)]
    if message.facts:
        width = max(len(name) for name, _ in message.facts)
        parts.append("\n".join(f"{name:<{width}}  {one_line(value)}" for name, value in message.facts))
    for table in message.tables:
        lines = [table.title, "-" * len(table.title)]
        for row in table.rows:
            first, *rest = (one_line(cell) for cell in row)
            lines.append(f"* {first}: " + " | ".join(cell for cell in rest if cell))
        parts.append("\n".join([*lines, *map(one_line, table.notes)]))
    parts += [one_line(note) for note in message.notes]
    return "\n\n".join([*parts, *([message.link] if message.link else [])]) + "\n"


_HEAD = (
    '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"></head>'
)
_BODY = "font:14px/1.45 system-ui,sans-serif;color:#1b1f24;background:#ffffff;overflow-wrap:break-word"
_CELL = "padding:4px 10px 4px 0;border-bottom:1px solid #d0d7de;text-align:left;vertical-align:top"


def as_html(message: Message) -> str:
    """The HTML part: tables with their style on every cell, because mail programs drop style sheets."""
    facts = "".join(
        f'<tr><th style="{_CELL}">{escape(n)}</th><td style="{_CELL}">{escape(v)}</td></tr>'
        for n, v in message.facts
    )
    parts = [f'<h2 style="font-size:18px">{escape(one_line(message.title))}</h2>']
    parts += [f'<table style="border-collapse:collapse">{facts}</table>'] if facts else []
    parts += [_html_table(table) for table in message.tables]
    parts += [f"<p>{escape(note)}</p>" for note in message.notes]
    if message.link.startswith(("https://", "http://")):
        parts.append(f'<p><a href="{escape(message.link, quote=True)}">Show everything</a></p>')
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en">{_HEAD}<body style="{_BODY}">\n{body}\n</body></html>\n'


def _html_table(table: Listing) -> str:
    head = "".join(f'<th style="{_CELL}">{escape(name)}</th>' for name in table.columns)
    rows = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{escape(one_line(cell))}</td>' for cell in row) + "</tr>\n"
        for row in table.rows
    )
    notes = "".join(f"<p>{escape(note)}</p>" for note in table.notes)
    title = f'<h3 style="font-size:15px">{escape(table.title)}</h3>'
    return f'{title}\n<table style="border-collapse:collapse"><tr>{head}</tr>\n{rows}</table>{notes}'


def _may_pass(error: Exception) -> bool:
    """Whether another try may do better: not after a refusal for good, a wrong account or certificate."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code in PASSING for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code in PASSING
    # Anything else is no connection, or one that ended before the mail was sent.
    return not isinstance(error, ssl.SSLError | socket.gaierror | smtplib.SMTPNotSupportedError)


def _reply(code: int, words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return cut(f"{code} {one_line(text)}".strip(), 200)


def address_checked(table: Fields, key: str, text: str) -> str:
    """A plain mail address. Raises ConfigError for anything else, names and line breaks among it."""
    address = text.strip()
    if not _ADDRESS.fullmatch(address):
        raise table.wrong(
            key, f"{text!r:.80} is no mail address: write name@example.org, without a name before"
        )
    return address


def table_of(target: str) -> dict[str, object]:
    """``email:ADDRESS,ADDRESS``; the server is what WATTMARK_SMTP names."""
    return {"recipients": [part.strip() for part in target.split(",") if part.strip()]}


def open_sink(table: Fields, world: World) -> Email:
    """With ``recipients``, and the server in WATTMARK_SMTP, or ``server`` and ``password_env``."""
    in_file = "server" in table.values
    url = (
        table.named("server")
        if in_file
        else secret_of(table, "server_env", world, USUAL, "smtp://not-set.invalid")
    )
    key = "server" if in_file else "server_env"
    kind, host, port, user, password = _server(table, key, url)
    if in_file and password:
        raise table.wrong(key, "holds a password, which does not belong into a file: use password_env")
    user = table.text("user", user)
    password = secret_if_named(table, "password_env", world) or password
    if user and not password:
        raise table.wrong("password_env", f"is missing: the password of {user}")
    if kind == "smtp+plain" and user and not is_loopback(host):
        raise table.wrong(key, "a password would go there in clear: write smtp:// or smtps://")
    recipients = tuple(address_checked(table, "recipients", text) for text in table.texts("recipients"))
    if not recipients:
        raise table.wrong("recipients", "names nobody")
    sender = table.text("from", "").strip() or (user if "@" in user else f"wattmark@{host}")
    return Email(
        kind=kind,
        host=host,
        port=port,
        sender=address_checked(table, "from", sender),
        recipients=recipients,
        user=user,
        password=password,
        context=None if kind == "smtp+plain" else _context(table),
        patience=world.patience,
        wait=world.wait,
        now=world.now,
    )


def _server(table: Fields, key: str, url: str) -> tuple[str, str, int, str, str]:
    """Kind, host, port, user and password of an address of a server."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise table.wrong(key, "is no address: write smtp://HOST:587 or smtps://HOST:465") from None
    if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
        raise table.wrong(key, "is no address of a mail server: write smtp://HOST:587 or smtps://HOST:465")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return parts.scheme, parts.hostname, port or PORTS[parts.scheme], user, password


def _context(table: Fields) -> ssl.SSLContext:
    ca = table.text("ca", "")
    try:
        return ssl.create_default_context(cafile=ca or None)
    except (OSError, ssl.SSLError) as error:
        raise table.wrong("ca", f"cannot be used: {error}") from None
