"""Reads a layout from a mapping file and from ``-o``, and says what in them cannot be."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.known import GRADE_OF_METHOD, Boundary, Grade, Method
from wattmark.core.tags import TAGS
from wattmark.sources.generic_layout import (
    COMPONENTS,
    EPOCHS,
    JOULES,
    KEYS,
    QUANTITIES,
    SECONDS,
    STATED_ACCURACY,
    WATTS,
    Cell,
    Layout,
    Value,
)
from wattmark.sources.moments import zone_of


def layout_of(settings: Mapping[str, str]) -> Layout:
    """The layout that a mapping file and ``-o`` declare. Raises ConfigError that names file and key."""
    where = settings.get("mapping", "-o")
    said = {**_from_file(settings["mapping"]), **settings} if "mapping" in settings else dict(settings)
    return _Reader(where, said).layout()


def _from_file(path: str) -> dict[str, str]:
    try:
        with open(path, "rb") as file:
            document = tomllib.load(file)
    except OSError as error:
        raise ConfigError(path, "", f"cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(path, "", f"is not valid TOML: {error}") from None
    found: dict[str, str] = {}
    for key, value in document.items():
        inside = {f"{key}.{k}": v for k, v in value.items()} if isinstance(value, dict) else {key: value}
        for name, one in inside.items():
            if name not in KEYS and f"{name.partition('.')[0]}.*" not in KEYS:
                raise ConfigError(path, name, f"unknown key; known: {', '.join(KEYS)}")
            if isinstance(one, bool) or not isinstance(one, str | int | float):
                raise ConfigError(path, name, "must be a text or a number")
            found[name] = str(one)
    return found


class _Reader:
    """Turns texts into a layout, one key at a time."""

    def __init__(self, where: str, said: Mapping[str, str]) -> None:
        self._where = where
        self._said = said

    def layout(self) -> Layout:
        quantity = self._quantity()
        looks = "time" in self._said
        method = Method(self._choice("method", [m.value for m in Method], "declared"))
        accuracy = self._number("accuracy", 0.0, 10.0)
        return Layout(
            where=self._where,
            samples=self._choice("records", ("runs", "samples"), "samples" if looks else "runs") == "samples",
            quantity=quantity,
            values=self._values(quantity),
            factor=self._factor(quantity),
            **self._times(quantity, looks),
            device=self._cell("device") or Cell(None),
            component=self._cell("component") or Cell(None, "node"),
            host=self._cell("host"),
            id=self._cell("id"),
            tags=self._cells("tag", TAGS),
            labels=self._cells("label"),
            work=self._cells("work"),
            method=method,
            grade=self._grade(method, accuracy),
            boundary=self._boundary(),
            accuracy=accuracy,
            rule=self._said.get("attribution_rule"),
            max_watts=self._number("max_watts", 0.0, 1e12),
            delimiter=self._delimiter(),
            decimal=self._choice("decimal", (".", ","), "."),
        )

    def _quantity(self) -> str:
        found = [q for q in QUANTITIES if any(key == q or key.startswith(f"{q}.") for key in self._said)]
        if len(found) != 1:
            raise self._wrong("power", "name the columns of one of power, counter or energy")
        return found[0]

    def _values(self, quantity: str) -> tuple[Value, ...]:
        named = {k.partition(".")[2]: v for k, v in self._said.items() if k.startswith(f"{quantity}.")}
        if quantity in self._said:
            if named:
                raise self._wrong(quantity, f"name one column, or several as {quantity}.NAME")
            return (Value(self._said[quantity], "", ""),)
        return tuple(
            Value(column, "", name) if name in COMPONENTS else Value(column, name, "")
            for name, column in named.items()
        )

    def _times(self, quantity: str, looks: bool) -> dict[str, Any]:
        stretch = [k for k in ("start", "end", "duration", "every") if k in self._said]
        if looks and (stretch or quantity == "energy"):
            raise self._wrong("time", "is for looks at power or a counter; energy needs start and end")
        if quantity == "counter" and not looks:
            raise self._wrong("counter", "needs `time`: a counter is looked at in moments")
        if not looks and (len(stretch) != 2 or set(stretch) == {"duration", "every"}):
            raise self._wrong("start", "name two of start, end and duration (or every), or `time`")
        if looks and self._said.get("records") == "runs":
            raise self._wrong("records", "runs need start and end or duration: looks in time make samples")
        layout = self._said.get("time_format", "iso")
        if layout != "iso" and layout not in EPOCHS and "%" not in layout:
            raise self._wrong(
                "time_format", f"{layout!r} is not iso, s, ms, us, ns or a layout like %d.%m.%Y %H:%M"
            )
        try:
            zone = zone_of(self._said.get("time_zone"))
        except UsageError as error:
            raise self._wrong("time_zone", str(error)) from None
        return {
            **{key: self._said.get(key) for key in ("time", "start", "end", "duration")},
            "every_seconds": self._number("every", 1e-6, 1e9),
            "time_format": layout,
            "zone": zone,
            "zone_named": "time_zone" in self._said or layout in EPOCHS or "%z" in layout,
            "duration_factor": SECONDS[self._choice("duration_unit", SECONDS, "s")],
        }

    def _grade(self, method: Method, accuracy: float | None) -> Grade:
        best = GRADE_OF_METHOD[method]
        stated = accuracy is not None and accuracy <= STATED_ACCURACY
        if best is Grade.A and not stated and (method is Method.BMC or accuracy is not None):
            best = Grade.C
        grade = Grade(self._choice("grade", [g.value for g in Grade], best.value))
        if not best.at_least(grade):
            raise self._wrong("grade", f"{grade} is better than {best}, the best that {method} gives here")
        return grade

    def _cell(self, key: str) -> Cell | None:
        text = self._said.get(key)
        if text is None:
            return None
        return Cell(None, text[1:]) if text.startswith("=") else Cell(text)

    def _cells(self, prefix: str, known: tuple[str, ...] | None = None) -> dict[str, Cell]:
        found: dict[str, Cell] = {}
        for key in self._said:
            head, dot, name = key.partition(".")
            if head != prefix or not dot:
                continue
            if known is not None and name not in known:
                raise self._wrong(key, f"unknown tag; known: {', '.join(known)}")
            found[name] = self._cell(key) or Cell(None)
        return found

    def _factor(self, quantity: str) -> float:
        if quantity == "power":
            return self._unit("power_unit", WATTS)
        return self._unit("energy_unit", JOULES)

    def _delimiter(self) -> str:
        text = self._said.get("delimiter", ",")
        text = "\t" if text in ("tab", "\\t") else text
        if len(text) != 1:
            raise self._wrong("delimiter", f"{text!r} is not one character or tab")
        return text

    def _boundary(self) -> Boundary:
        usual = "node" if self._said.get("component", "=node") == "=node" else "device"
        if any(f"{q}.{c}" in self._said for q in QUANTITIES for c in COMPONENTS):
            usual = "device"
        return Boundary(self._choice("boundary", [b.value for b in Boundary], usual))

    def _unit(self, key: str, units: Mapping[str, float]) -> float:
        if key not in self._said:
            raise self._wrong(key, f"is needed, and never guessed: one of {', '.join(units)}")
        return units[self._choice(key, units, "")]

    def _choice(self, key: str, known: Any, default: str) -> str:
        text = self._said.get(key, default)
        if text not in known:
            raise self._wrong(key, f"{text!r} is not one of {', '.join(known)}")
        return text

    def _number(self, key: str, least: float, most: float) -> float | None:
        text = self._said.get(key)
        if text is None:
            return None
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not least < value <= most:
            raise self._wrong(key, f"{text!r} is not a number above {least:g} and up to {most:g}")
        return value

    def _wrong(self, key: str, problem: str) -> ConfigError:
        return ConfigError(self._where, key, problem)
