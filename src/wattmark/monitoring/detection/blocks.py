"""Minutes put together until enough requests are in them to say something."""

from __future__ import annotations

from wattmark.monitoring.detection.row import Lost, Row
from wattmark.monitoring.detection.settings import Settings


class Blocks:
    """Gathers the minutes of one service; a hole ends a block, and so does another release or meter."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._block: Row | None = None

    def add(self, minute: Row | Lost) -> list[Row]:
        """One minute more; the blocks that it completes."""
        if isinstance(minute, Lost):
            return self.drop()
        done: list[Row] = []
        block = self._block
        if block is not None and not _fits(block, minute):
            done = self.drop()
            block = None
        block = minute if block is None else block.joined(minute)
        full = (
            block.requests >= self._settings.block_requests or block.seconds >= self._settings.block_seconds
        )
        self._block = None if full else block
        return [*done, block] if full else done

    def drop(self) -> list[Row]:
        """End the block that is open; what it holds, if requests are in it."""
        block, self._block = self._block, None
        return [block] if block is not None and block.requests > 0.0 else []


def _fits(block: Row, minute: Row) -> bool:
    same = (block.terms, block.version, block.devices) == (minute.terms, minute.version, minute.devices)
    return same and abs(minute.start - block.end) < 1.0
