"""What a sink is, and what it is given: a table of settings, secrets by name, a clock."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from wattmark.core.errors import ConfigError
from wattmark.core.governance.message import Message
from wattmark.fields import Fields
from wattmark.webapi.api import Api, Patience

KEYRING_SERVICE = "wattmark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """What would be sent, exactly; secrets are left out of the address."""

    place: str
    content: str
    """The body: JSON, or a mail."""
    note: str = ""
    """What the service is asked before, and what happens to what is there already."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of a message."""

    words: str
    """``sent``, ``opened https://...``, ``nothing to resolve``."""
    problem: str = ""
    """What did not work although the message arrived."""


class Sink(Protocol):
    """One place where people are told."""

    @property
    def keeps(self) -> bool:
        """Whether it finds what it told before: a message updates it, or resolves it, and none is doubled."""
        ...

    def sketch(self, message: Message) -> Sketch:
        """What ``deliver`` would send; nothing is asked of any network."""
        ...

    def deliver(self, message: Message) -> Delivered:
        """Tell it. Raises DeliveryError when the service did not take it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What sinks need from outside."""

    secret: Callable[[str], str | None]
    """A secret by its name: from the environment, else from the keyring."""
    wait: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time
    patience: Patience = field(default_factory=Patience)
    pretend: bool = False
    """Nothing is sent: where a secret is not there, an example takes its place."""

    def api(self, base: str, **more: Any) -> Api:
        """The API at an address, as patient as this world is."""
        return Api(base, wait=self.wait, now=self.now, patience=self.patience, **more)


EXAMPLE = "not-set"
"""In the place of a token that is not there, where nothing is sent."""


def secret_of(table: Fields, key: str, world: World, usual: str = "", example: str = EXAMPLE) -> str:
    """The secret whose name stands under a key, or of the usual name. Raises ConfigError without it."""
    name = table.text(key, usual).strip()
    if not name:
        raise table.wrong(key, "is missing: name an environment variable, or an entry of the keyring")
    found = (world.secret(name) or "").strip()
    if not found and not _can_be_a_name(name):
        raise table.wrong(
            key, "holds what looks like the secret itself: keep it as NAME=..., write NAME here"
        )
    if not found and world.pretend:
        return example
    if not found:
        raise table.wrong(key, _where(name))
    if not found.isprintable() or not found.isascii():
        raise table.wrong(key, f"what {name} holds has signs that no secret has: copy it again")
    return found


def secret_if_named(table: Fields, key: str, world: World) -> str:
    """The secret whose name stands under a key; empty when the key is not there."""
    return secret_of(table, key, world) if key in table.values else ""


def address_of(table: Fields, world: World) -> tuple[str, bool]:
    """The address, and whether it is a secret: under ``url``, or by name under ``url_env``."""
    if "url" in table.values and "url_env" in table.values:
        raise table.wrong("url", "stands beside url_env: give one of them")
    if "url" in table.values:
        return table.named("url"), False
    return secret_of(table, "url_env", world, "", "https://not-set.invalid/"), True


def never_in_clear(table: Fields) -> None:
    """Raise ConfigError where an address that is a secret stands in the file itself."""
    if "url" in table.values:
        raise table.wrong(
            "url", "is a secret, and does not belong into a file: name where it is, as url_env = NAME"
        )


def mark_of(key: str) -> str:
    """What a matter is found again by: 16 hex digits, whatever stands in its key."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def cut(text: str, most: int, end: str = " …") -> str:
    """A text of at most so many characters; what was cut is seen to be."""
    return text if len(text) <= most else text[: most - len(end)].rstrip() + end


def one_line(text: str) -> str:
    """Without line breaks and unseen signs."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def is_wrong(place: str, problem: str) -> ConfigError:
    """The error for a TARGET of ``--to``."""
    return ConfigError("--to", place, problem)


def _can_be_a_name(name: str) -> bool:
    """Whether it may be shown as the name of a secret: an address or a token pasted in its place may not."""
    kinds = [any(map(kind, name)) for kind in (str.isupper, str.islower, str.isdigit)]
    return re.fullmatch(r"[A-Za-z_][\w.-]{0,63}", name) is not None and not all(kinds)


def _where(name: str) -> str:
    return f"there is no secret {name}: set it in the environment, or `keyring set {KEYRING_SERVICE} {name}`"
