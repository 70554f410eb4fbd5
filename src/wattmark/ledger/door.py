"""Where records come into a ledger one by one: tags are looked at before anything is taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec

from wattmark.core.errors import EvidenceError
from wattmark.core.imported import BadRow
from wattmark.core.run import Run, Subject
from wattmark.core.tags import TagMode, TagRules
from wattmark.core.telemetry import Samples
from wattmark.ledger.inbox import land_run, land_samples
from wattmark.ledger.runfile import MOST_BYTES, SUFFIX, run_from
from wattmark.ledger.store import Store

HANDS = 8
"""Files that are landed at once: each waits for a disk, or for an object store."""


@dataclass(frozen=True, slots=True)
class Added:
    """What came in through the door."""

    files: int = 0
    """Deliveries that the ledger holds now; some may have been there before."""
    bad: tuple[BadRow, ...] = ()
    """What it did not take, and why."""

    def __add__(self, other: Added) -> Added:
        return Added(self.files + other.files, self.bad + other.bad)


@dataclass(frozen=True, slots=True)
class Door:
    """Lands records durably. In the mode ``refuse`` it takes none whose tags break the rules."""

    store: Store
    rules: TagRules

    def refusal(self, subject: Subject) -> str:
        """Why a record of this subject is not taken; empty: it is."""
        return self.rules.verdict(subject) if self.rules.mode is TagMode.REFUSE else ""

    def run(self, run: Run, place: str) -> Added:
        """Land one imported run. Raises EvidenceError for one that is not sound, LedgerError."""
        refusal = self.refusal(run.subject)
        if refusal:
            return Added(bad=(BadRow(place, refusal),))
        land_run(self.store, msgspec.json.encode(run))
        return Added(1)

    def samples(self, parts: Sequence[Samples], place: str) -> Added:
        """Land telemetry: the streams whose tags are right, in one batch."""
        taken: list[Samples] = []
        bad: list[BadRow] = []
        for part in parts:
            refusal = self.refusal(part.stream.subject)
            if refusal:
                bad.append(BadRow(f"{place} {part.stream.device_id or part.stream.unit}", refusal))
            else:
                taken.append(part)
        if any(len(part) for part in taken):
            land_samples(self.store, taken)
            return Added(1, tuple(bad))
        return Added(bad=tuple(bad))

    def files(self, paths: Iterable[Path]) -> Iterator[Added]:
        """Land run files, byte for byte; a folder stands for the run files in it, at any depth.

        Gives one answer per file, in their order. Raises LedgerError when the ledger takes nothing.
        """
        with ThreadPoolExecutor(HANDS, "wattmark-add") as hands:
            yield from hands.map(self._file, run_files(paths))

    def _file(self, path: Path) -> Added:
        try:
            with open(path, "rb") as file:
                document = file.read(MOST_BYTES + 1)
            run = run_from(document, str(path))
            refusal = self.refusal(run.subject)
            if refusal:
                return Added(bad=(BadRow(str(path), refusal),))
            land_run(self.store, document)
        except EvidenceError as error:
            return Added(bad=(BadRow(str(path), error.problem),))
        except OSError as error:
            return Added(bad=(BadRow(str(path), f"cannot be read: {error.strerror}"),))
        return Added(1)


def run_files(paths: Iterable[Path]) -> list[Path]:
    """The run files that these files and folders stand for. Raises EvidenceError for a folder without any."""
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(path.rglob(f"*{SUFFIX}"))
        if not inside:
            raise EvidenceError(str(path), f"holds no run files (*{SUFFIX})")
        found += inside
    return found
