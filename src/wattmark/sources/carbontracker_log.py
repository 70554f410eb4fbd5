"""The lines of carbontracker's logs, understood: versions 1.1 to 2.4.7."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path

from wattmark.sources.lines import lines_of, number_of
from wattmark.sources.moments import moment_us
from wattmark.sources.portions import Portion

LAYOUT = "%Y-%m-%d %H:%M:%S"
LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) - (.*)")
VERSION = re.compile(r"carbontracker version (\S+)")
FOUND = re.compile(r"(GPU|CPU) with device\(s\) (.*?)\.(?= (?:GPU|CPU) with|$)")
EPOCH = re.compile(r"Epoch (\d+):")
DURATION = re.compile(r"Duration: (\d{1,6}):(\d\d):(\d\d?(?:\.\d+)?)")
POWER = re.compile(r"Average power usage \(W\) for (\w+): (.*)")
STATED = re.compile(r"\t(Energy|CO2eq):\t(\S+) (?:kWh|g)")


@dataclass(slots=True)
class Epoch:
    """One epoch of a training, as far as the log tells."""

    number: str
    end_us: int
    seconds: float | None = None
    powers: dict[str, str] = field(default_factory=dict)
    """Component -> what the log writes for its watts."""


@dataclass(slots=True)
class Session:
    """One log, as far as it was read."""

    zone: tzinfo
    first: str = ""
    """Its first line, by which it is known."""
    version: str = ""
    found: str = ""
    devices: dict[str, list[str]] = field(default_factory=dict)
    epochs: list[Epoch] = field(default_factory=list)

    def take(self, line: str) -> bool:
        """True when the line is part of the evidence. Raises ValueError for one that cannot be."""
        found = LINE.fullmatch(line)
        if found is None:
            return self._continue(line)
        at_us = moment_us(found[1], self.zone, LAYOUT)
        if at_us is None:
            raise ValueError(f"{found[1]!r} is not a time")
        self.first = self.first or line
        text = found[2].strip()
        if (version := VERSION.fullmatch(text)) is not None:
            self.version = version[1]
        elif text.startswith("The following components were found:"):
            self.found = text
            for component, names in FOUND.findall(text):
                self.devices[component.lower()] = [n.strip() for n in names.split(",") if n.strip()]
        elif (epoch := EPOCH.fullmatch(text)) is not None:
            self.epochs.append(Epoch(epoch[1], at_us))
        elif text.startswith(("Duration:", "Average power usage")):
            self._measured(text)
        else:
            return False
        return True

    def _measured(self, text: str) -> None:
        duration, power = DURATION.fullmatch(text), POWER.fullmatch(text)
        if self.epochs and duration is not None:
            self.epochs[-1].seconds = float(duration[1]) * 3600 + float(duration[2]) * 60 + float(duration[3])
        elif self.epochs and power is not None:
            said = power[2].strip()
            if not _unfinished(said):
                watts_of(said)
            self.epochs[-1].powers[power[1].lower()] = said
        else:
            raise ValueError("is neither a duration nor a power of an epoch")

    def _continue(self, line: str) -> bool:
        """The rest of an array of many devices, which numpy writes over several lines."""
        powers = self.epochs[-1].powers if self.epochs else {}
        if not powers:
            return False
        component, said = next(reversed(powers.items()))
        if not _unfinished(said):
            return False
        powers[component] = f"{said} {line.strip()}"
        if not _unfinished(powers[component]):
            watts_of(powers[component])
        return True


def _unfinished(said: str) -> bool:
    return said.startswith("[") and not said.endswith("]")


def watts_of(said: str) -> list[float | None]:
    """One number per device, or one for all; None where none was measured.

    Raises ValueError for what is neither.
    """
    found: list[float | None] = []
    for word in said.strip("[] ").split():
        value = number_of(word)
        if value is None and word.lower() not in ("none", "nan"):
            raise ValueError(f"{word[:40]!r} is no power")
        found.append(value)
    if not found:
        raise ValueError("names no power")
    return found


@dataclass(slots=True)
class Output:
    """What ``*_output.log`` says last of the actual consumption."""

    at_us: int | None = None
    kwh: float | None = None
    grams: float | None = None
    portion: Portion = field(default_factory=Portion)


def output_of(path: Path, zone: tzinfo) -> Output:
    """The last actual consumption in an output; predictions are left out."""
    output = Output()
    actual = False
    for number, line in lines_of(path):
        if (found := LINE.fullmatch(line)) is not None:
            output.at_us = moment_us(found[1], zone, LAYOUT) or output.at_us
            actual = False
        elif line.startswith("Actual consumption"):
            actual = True
        if not (actual and line.startswith(("\tEnergy:", "\tCO2eq:"))):
            output.portion.ignored += 1
            continue
        stated = STATED.fullmatch(line)
        value = number_of(stated[2]) if stated is not None else None
        if stated is None or value is None or value < 0:
            output.portion.refuse(f"{path}:{number}", "states no amount in kWh or g")
            continue
        output.portion.taken += 1
        if stated[1] == "Energy":
            output.kwh = value
        else:
            output.grams = value
    return output
