"""Going on from the journal of an agent that ended, in order or not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from wattmark.agent.book import Book
from wattmark.agent.entries import Done, Entry, Head, Ticked, Told
from wattmark.agent.journal import State
from wattmark.agent.timeline import Timeline
from wattmark.core.serving.attributing import Batch

LONGEST_BRIDGE_US = 24 * 3600 * 1_000_000
"""After a longer rest the agent begins anew: what was used meanwhile is nobody's to tell."""

MakeBook = Callable[[Timeline, int], Book]


@dataclass(frozen=True, slots=True)
class Restored:
    """Where to go on."""

    book: Book | None
    """None: begin anew."""
    batches: tuple[Batch, ...]
    """Windows that were still open when the machine went down, or its clock jumped."""


def restore(
    entries: Iterable[Entry], state: State, boot: str | None, now_us: int, make_book: MakeBook
) -> Restored:
    """Work out again what was not in the spool when an agent ended.

    Entries of another boot of the machine are closed as they are: neither counters nor the clock go on.
    """
    if not state.done_us:
        return Restored(None, ())  # it ended before it began: nothing was taken from anybody
    listed = list(entries)
    counted_until = _counted_until(listed, state.number)
    batches: list[Batch] = []
    book: Book | None = None
    era: str | None = None
    devices: list[str] = []
    run = ""
    done_us = state.done_us
    for position, entry in enumerate(listed):
        match entry:
            case Head():
                if book is None or entry.boot is None or entry.boot != era:
                    if book is not None:
                        batches.append(book.finish())
                        done_us = book.divided_us
                    book = make_book(Timeline(entry.offset_us), done_us)
                    book.resume(entry)
                elif entry.run != run:
                    book.taken_over()
                era, devices, run = entry.boot, entry.devices, entry.run
            case Told() if book is not None:
                book.told(entry, counted=position < counted_until)
            case Ticked() if book is not None and len(entry.values) != len(devices):
                continue  # its file's head was lost with the power: nobody knows whose readings these are
            case _ if book is not None:
                batch = book.take(entry, devices)
                if batch is not None:
                    batches.append(batch)
    if book is None:
        return Restored(None, ())
    if era is None or era != boot or now_us - book.divided_us > LONGEST_BRIDGE_US:
        batches.append(book.finish())
        return Restored(None, tuple(batches))
    book.taken_over()
    return Restored(book, tuple(batches))


def _counted_until(entries: list[Entry], number: int) -> int:
    """Up to which entry requests are in windows of the spool, where these reach over their ends."""
    for position, entry in enumerate(entries):
        if isinstance(entry, Done) and entry.number == number:
            return position
    return len(entries)
