"""Writes a new meter: its file, its test, its page and its row in the catalog.

    python scripts/new_meter.py ups_snmp

What it writes reads a counter of microjoules from a file and passes the conformance suite. Change what is
read, then the world that the test builds, then the page.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from scaffold import checked, regenerate_docs, rewrite, with_line, write_new

ROOT = Path(__file__).resolve().parent.parent
CATALOG = "src/wattmark/meters/catalog.py"
CONTRACTS = "pyproject.toml"

CODE = '''"""{title}: say which hardware, and where its interface is documented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from wattmark.core.errors import MeterUnavailable
from wattmark.core.known import Grade, Method
from wattmark.core.readings import CounterReading, Device, Gap, Reading
from wattmark.core.units import Energy, Power
from wattmark.meters import uncertainty
from wattmark.meters.clock import boot_clock
from wattmark.meters.liveness import Pulse
from wattmark.ports import Clock

ROOT = Path("/sys/class/{name}")


class {kind}Meter:
    """Reads one counter of microjoules."""

    name = "{name}"

    def __init__(self, *, host_id: str = "localhost", clock: Clock = boot_clock, root: Path = ROOT) -> None:
        self._file = root / "energy_uj"
        if not self._file.is_file():
            raise MeterUnavailable(f"there is no {{self._file}}: load the driver that shows it")
        self._clock = clock
        self._pulse = Pulse()
        self._closed = False
        self._device = Device(
            id=f"cpu:{{host_id}}/{name}",
            component="cpu",
            source=self.name,
            method=Method.HARDWARE_COUNTER,
            grade=Grade.B,
            max_power=Power(1000.0),
            relative_error=uncertainty.COUNTER,
        )

    @property
    def devices(self) -> Sequence[Device]:
        """The one device."""
        return (self._device,)

    def read(self) -> Mapping[str, Reading]:
        """One look at the counter; what cannot be read is a Gap."""
        return {{self._device.id: self._look()}}

    def close(self) -> None:
        """Nothing is held open; reading after this gives gaps all the same."""
        self._closed = True

    def _look(self) -> Reading:
        if self._closed:
            return Gap("the meter is closed")
        try:
            microjoules = int(self._file.read_bytes())
        except (OSError, ValueError) as error:
            return Gap(f"{{self._file.name}} could not be read: {{error}}")
        reading = CounterReading(Energy(microjoules / 1e6), self._clock())
        return self._pulse.check(self._device.id, reading)
'''

TEST = '''"""{title}: a folder stands in for the hardware."""

from __future__ import annotations

from pathlib import Path

import pytest

from wattmark.core.readings import CounterReading
from wattmark.core.units import Energy
from wattmark.meters.{name} import {kind}Meter
from wattmark.ports import Meter
from wattmark.testing.fakes import ManualClock
from wattmark.testing.meter_suite import MeterSuite, MeterWorld


class {kind}World:
    """A counter in a file, as the conformance suite commands it."""

    def __init__(self, root: Path) -> None:
        self.clock = ManualClock()
        self.file = root / "energy_uj"
        self.file.write_text("1000000")

    def open(self) -> Meter:
        return {kind}Meter(host_id="h", clock=self.clock, root=self.file.parent)

    def spend(self, watts: float, seconds: float) -> None:
        self.clock.advance(seconds)
        if said := self.file.read_text():  # a damaged counter stays damaged
            self.file.write_text(str(int(said) + round(watts * seconds * 1e6)))

    def set_joules(self, device_id: str, joules: float) -> None:
        self.file.write_text(str(round(joules * 1e6)))

    def damage(self, device_id: str) -> None:
        self.file.write_text("")

    def remove(self) -> None:
        self.file.unlink()


class Test{kind}Meter(MeterSuite):
    """The rules that every meter keeps."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> MeterWorld:
        return {kind}World(tmp_path)


def test_it_reads_microjoules_as_joules(tmp_path: Path) -> None:
    """2 500 000 uJ are 2.5 J."""
    (tmp_path / "energy_uj").write_text("2500000\\n")
    meter = {kind}Meter(host_id="h", clock=ManualClock(), root=tmp_path)
    assert meter.read() == {{"cpu:h/{name}": CounterReading(Energy(2.5), 1000.0)}}
'''

PAGE = """# {title}

What it reads, in one sentence: hardware, operating system, boundary.

| | |
| --- | --- |
| meter | `{name}` |
| reads | a counter of energy |
| grade | B |
| boundary | device |
| needs | the driver, and permission to read its file |

## Permission

None, or the exact command that gives it.

## Limits

What leaves no trace in this counter, what overlaps with other meters, and what was never tried.

## Source

The interface and its documentation, with the version that was read.
"""


def main(argv: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Write the four parts."""
    parser = argparse.ArgumentParser(description="Write a new meter with its test, its page and its row.")
    parser.add_argument("name", help="name of the meter, e.g. ups_snmp")
    parser.add_argument("--root", type=Path, default=root, help="root of the source tree")
    given = parser.parse_args(argv)
    name = checked(given.name)
    words = {
        "name": name,
        "kind": name.title().replace("_", ""),
        "title": name.replace("_", " ").capitalize(),
    }
    files = {
        f"src/wattmark/meters/{name}.py": CODE,
        f"tests/meters/test_{name}.py": TEST,
        f"docs/integrations/{name}.md": PAGE,
    }
    catalog, contracts = (given.root / p for p in (CATALOG, CONTRACTS))
    row = f'    "{name}": Row("wattmark.meters.{name}:{words["kind"]}Meter", "", "{words["title"]}"),\n'
    with_row = with_line(catalog.read_text("utf-8"), CATALOG, row, '    "model": Row(', "METERS: Mapping")
    contract = with_line(
        contracts.read_text("utf-8"), CONTRACTS, f'  "wattmark.meters.{name}",\n', "]", "one meter never"
    )
    write_new(given.root, {path: text.format(**words) for path, text in files.items()})
    rewrite(given.root, CATALOG, with_row)
    rewrite(given.root, CONTRACTS, contract)
    regenerate_docs(given.root)
    sys.stdout.write(
        "next: what is read, the world of the test, the page\n"
        f"then: ruff check, mypy, lint-imports, pytest tests/meters/test_{name}.py\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
