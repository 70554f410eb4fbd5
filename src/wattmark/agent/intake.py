"""Takes lines that tell of requests, wherever they come from: each is good as a whole, or refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import msgspec

from wattmark.agent.entries import FileMark, Told
from wattmark.core.errors import UsageError
from wattmark.core.serving.line import LineRefused, Started, told
from wattmark.core.serving.request import Request

LONGEST_LINE = 16 << 10
FUTURE_US = 60 * 1_000_000
"""A request that ends later than this from now was told by a clock that is wrong."""


_decode = msgspec.json.Decoder().decode


class NoRoom(Exception):
    """Nothing can be taken now; the message says why. What was sent is not acknowledged."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line that was not taken."""

    line: int
    reason: str
    """Of few kinds."""
    problem: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of some lines."""

    taken: int
    refused: tuple[Refusal, ...]


@dataclass(slots=True)
class Tally:
    """What came since the start."""

    received: Counter[str] = field(default_factory=Counter)
    """How they came -> requests that are over."""
    refused: Counter[str] = field(default_factory=Counter)
    """Reason -> lines."""
    last_problem: str = ""


class Intake:
    """Turns lines into an entry and gives it on. ``keep`` says whether there was room for it."""

    def __init__(
        self, heard: Callable[[int], int], now_us: Callable[[], int], keep: Callable[[Told], bool]
    ) -> None:
        self._heard = heard
        self._now_us = now_us
        self._keep = keep
        self.tally = Tally()

    def take(self, lines: Iterable[bytes], how: str, mark: FileMark | None = None) -> Answer:
        """Take lines, the good ones together. Raises NoRoom; then none of them was taken."""
        over: list[Request] = []
        begun: list[Started] = []
        refused: list[Refusal] = []
        latest = self._now_us() + FUTURE_US
        for number, line in enumerate(lines, start=1):
            if not line or line.isspace():
                continue
            try:
                found = self._one(line, latest)
            except LineRefused as error:
                refused.append(Refusal(number, error.reason, str(error)))
            except UsageError as error:
                refused.append(Refusal(number, "impossible_value", str(error)))
            else:
                if isinstance(found, Request):
                    over.append(found)
                else:
                    begun.append(found)
        if (over or begun or mark is not None) and not self._keep(Told(over, begun, mark)):
            raise NoRoom("the disk is full, and so is the memory for what waits: send it again later")
        if over:
            self.tally.received[how] += len(over)
        for refusal in refused:
            self.refuse(refusal.reason, f"{how}: line {refusal.line}: {refusal.problem}")
        return Answer(len(over) + len(begun), tuple(refused))

    def refuse(self, reason: str, problem: str) -> None:
        """Count what was not taken."""
        self.tally.refused[reason] += 1
        self.tally.last_problem = problem

    def _one(self, line: bytes, latest_us: int) -> Request | Started:
        if len(line) > LONGEST_LINE:
            raise LineRefused("line", "too_long", f"is longer than {LONGEST_LINE} bytes")
        try:
            fields = _decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise LineRefused("line", "not_json", "is not JSON in UTF-8") from None
        if not isinstance(fields, dict):
            raise LineRefused("line", "not_json", "is not a JSON object")
        found = told(fields)
        if (found.end_us if isinstance(found, Request) else found.start_us) > latest_us:
            raise LineRefused("end", "impossible_value", "lies in the future: the clocks differ")
        return self._in_agents_time(found)

    def _in_agents_time(self, found: Request | Started) -> Request | Started:
        shift = self._heard(0)
        if not shift:
            return found
        if isinstance(found, Started):
            return replace(found, start_us=max(0, found.start_us + shift))
        first = found.first_token_us
        return replace(
            found,
            start_us=max(0, found.start_us + shift),
            end_us=max(0, found.end_us + shift),
            first_token_us=None if first is None else max(0, first + shift),
        )
