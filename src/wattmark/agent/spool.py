"""Windows on their way to the ledger: a file for each time that some were due, durable under a number.

A file is there until the ledger holds it. However long the ledger cannot be reached, none is dropped.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from wattmark.core.errors import LedgerError
from wattmark.core.serving.window import ServingWindow
from wattmark.core.serving.workload import WorkloadUse
from wattmark.frames import replace_durably

SUFFIX = ".windows"
BESIDE = ".workloads"
"""What is kept beside windows under the same number, where there is any."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[ServingWindow]).decode
_decode_uses = msgspec.msgpack.Decoder(list[WorkloadUse]).decode


class Spool:
    """A folder of windows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def put(self, number: int, windows: Sequence[ServingWindow], uses: Sequence[WorkloadUse] = ()) -> None:
        """Keep windows, and the workloads of their time, under a number, durably. Raises OSError."""
        beside = self._path(number).with_suffix(BESIDE)
        if uses:
            replace_durably(beside, _encode(list(uses)))
        else:
            beside.unlink(missing_ok=True)  # of a number that was never committed
        replace_durably(self._path(number), _encode(list(windows)))

    def windows(self, number: int) -> list[ServingWindow]:
        """What is kept under a number. Raises LedgerError for a file that cannot be understood, OSError."""
        path = self._path(number)
        try:
            return _decode(path.read_bytes())
        except msgspec.DecodeError as error:
            raise LedgerError(str(path), f"does not hold windows: {error}") from None

    def uses(self, number: int) -> list[WorkloadUse]:
        """The workloads that are kept under a number. Raises LedgerError, OSError."""
        path = self._path(number).with_suffix(BESIDE)
        try:
            return _decode_uses(path.read_bytes())
        except FileNotFoundError:
            return []
        except msgspec.DecodeError as error:
            raise LedgerError(str(path), f"does not hold workloads: {error}") from None

    def waiting(self) -> list[int]:
        """The numbers that are there, in their order."""
        names = (path.name.removesuffix(SUFFIX) for path in self.folder.glob(f"*{SUFFIX}"))
        return sorted(int(name) for name in names if name.isdigit())

    def drop(self, number: int) -> None:
        """The ledger holds it, or it was never committed. Raises OSError."""
        self._path(number).unlink(missing_ok=True)
        self._path(number).with_suffix(BESIDE).unlink(missing_ok=True)

    def set_aside(self, number: int) -> Path:
        """Keep it where nobody lands it; gives the new name. Raises OSError."""
        path = self._path(number)
        return path.rename(path.with_suffix(".refused"))

    def size(self) -> tuple[int, int]:
        """Files, and bytes of them."""
        sizes: list[int] = []
        for path in self.folder.glob(f"*{SUFFIX}"):
            with contextlib.suppress(FileNotFoundError):  # it was landed just now
                sizes.append(path.stat().st_size)
        return len(sizes), sum(sizes)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:012d}{SUFFIX}"
