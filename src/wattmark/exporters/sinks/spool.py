"""What could not be told waits in a private folder, and what was told is remembered by its mark.

One file per message and route, written whole or not at all. A later message of the same matter takes the
place of an earlier one that still waits. The folder is bounded; what had to go for that is said.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from wattmark.core.governance.message import Message, Topic
from wattmark.core.plain import plain
from wattmark.frames import alone

MOST_WAITING = 200
MOST_TOLD = 2000
SUFFIX = ".message.json"
OPEN = "open.json"
ALERTS = "alerts.json"
DIGESTS = "digests.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One message that was not told."""

    route: str
    message: Message
    problem: str
    """Why not, without secrets."""
    path: Path


@dataclass(frozen=True, slots=True)
class Spool:
    """A folder of one configuration."""

    folder: Path

    def keep(self, route: str, message: Message, problem: str) -> int:
        """Keep a message for later; gives how many others had to go. Raises OSError where it cannot."""
        self._private()
        body = {"route": route, "problem": problem, "message": plain(message)}
        _write(self.folder / f"{_name(route, message.key)}{SUFFIX}", body)
        files = self._files()
        for path in files[: max(0, len(files) - MOST_WAITING)]:
            path.unlink(missing_ok=True)
        return max(0, len(files) - MOST_WAITING)

    def forget(self, route: str, message: Message) -> None:
        """It was told, or a later one of its matter was."""
        (self.folder / f"{_name(route, message.key)}{SUFFIX}").unlink(missing_ok=True)

    def waiting(self) -> Iterator[Waiting]:
        """What waits, the oldest first; a file that cannot be read is left where it is."""
        for path in self._files():
            try:
                found = json.loads(path.read_bytes())
                message = msgspec.convert(found["message"], Message)
                yield Waiting(
                    route=str(found["route"]), message=message, problem=str(found["problem"]), path=path
                )
            except (OSError, ValueError, KeyError, TypeError, msgspec.ValidationError):
                continue

    def is_open(self, route: str, key: str) -> bool:
        """Whether this matter was told there, and not that it is over."""
        return _name(route, key) in self._open()

    def told(self, route: str, message: Message) -> None:
        """Remember it. Raises OSError where that cannot be kept."""
        if message.resolved and not self.folder.is_dir():
            return  # nothing was told that could be over
        name = _name(route, message.key)
        self._private()
        with alone(self.folder):  # jobs that end at once remember all that each of them told
            before = self._open()
            after = {k: v for k, v in before.items() if k != name}
            if not message.resolved:
                after[name] = message.at
            if after != before:
                _write(self.folder / OPEN, dict(list(after.items())[-MOST_TOLD:]))
            if Topic.ALERT in message.topics:
                self._alert_told(name, message)

    def alerts(self) -> tuple[Message, ...]:
        """The alerts that were told somewhere, and not everywhere that they are over; as they were told."""
        found = []
        for entry in self._kept(ALERTS).values():
            try:
                found.append(msgspec.convert(entry["message"], Message))
            except (KeyError, TypeError, msgspec.ValidationError):
                continue  # of another version, or not ours
        return tuple(found)

    def over(self, key: str) -> None:
        """Keep an alert no longer, whoever was told of it. Raises OSError where that cannot be kept."""
        if key not in self._kept(ALERTS):
            return
        with alone(self.folder):
            kept = self._kept(ALERTS)
            _write(self.folder / ALERTS, {k: entry for k, entry in kept.items() if k != key})

    def _alert_told(self, name: str, message: Message) -> None:
        """Keep an alert while somebody was told of it and not that it is over."""
        before = self._kept(ALERTS)
        entry = before.get(message.key)
        places = {str(p) for p in entry.get("places", ())} if isinstance(entry, dict) else set()
        places = places - {name} if message.resolved else places | {name}
        after = {key: kept for key, kept in before.items() if key != message.key}
        if places and message.resolved:
            after[message.key] = {**before[message.key], "places": sorted(places)}
        elif places:
            after[message.key] = {"message": plain(message), "places": sorted(places)}
        if after != before:
            _write(self.folder / ALERTS, dict(list(after.items())[-MOST_TOLD:]))

    def digest_told(self, name: str) -> str:
        """The period of the last digest that went there, under a name that stands for it; empty: none."""
        return str(self._kept(DIGESTS).get(name, ""))

    def remember_digest(self, name: str, period: str) -> None:
        """Remember it. Raises OSError where that cannot be kept."""
        self._private()
        with alone(self.folder):
            _write(self.folder / DIGESTS, {**self._kept(DIGESTS), name: period})

    def _open(self) -> Mapping[str, str]:
        return self._kept(OPEN)

    def _kept(self, file: str) -> Mapping[str, Any]:
        try:
            found: Any = json.loads((self.folder / file).read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _files(self) -> list[Path]:
        """The oldest first."""
        try:
            paths = [p for p in self.folder.iterdir() if p.name.endswith(SUFFIX)]
            return sorted(paths, key=lambda p: (p.stat().st_mtime_ns, p.name))
        except OSError:
            return []

    def _private(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _name(route: str, key: str) -> str:
    """One name per route and matter."""
    return hashlib.sha256(json.dumps([route, key]).encode()).hexdigest()[:24]


def _write(path: Path, body: Mapping[str, Any]) -> None:
    """Whole or not at all, for its owner alone."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(body, file, ensure_ascii=False)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
