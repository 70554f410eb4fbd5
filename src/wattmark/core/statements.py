"""Statements: what a provider says of carbon, water, cost or energy, and which of them may be added.

They are evidence of what was stated, monthly and of a whole facility: the provider's PUE is in them, they
are never turned into joules, and no total takes them. Scopes are those of the GHG Protocol (Corporate
Standard, Scope 2 Guidance 2015, https://ghgprotocol.org): only Scope 2 has a location-based and a
market-based form, so that Scopes 1 and 3 alone are part of either.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wattmark.core.errors import NotComparable, RefusedError
from wattmark.core.run import Run, Statement

EMISSIONS, WATER, COST, ENERGY = "emissions", "water", "cost", "energy"
GRAMS: Mapping[str, float] = {"gCO2e": 1.0, "kgCO2e": 1e3, "tCO2e": 1e6}
LITRES: Mapping[str, float] = {"L": 1.0, "m3": 1e3}
SCOPES = ("scope 1", "scope 2", "scope 3")
LOCATION, MARKET = "location", "market"
EITHER = "either"
"""Scope 1 or 3 without Scope 2: the same in both accountings."""
UNSPLIT = "not stated"
"""Scope 2 is in it, and nobody says by which method."""
FACILITY = "facility"
"""The boundary of what a cloud states: the PUE is in it."""
PROVIDER, ACCOUNT, SERVICE = "cloud.provider", "cloud.account.id", "cloud.service"
"""Labels of a run that holds a provider's statements; its region is the subject's."""
ALL = "all of it"
"""What a statement without scopes holds."""
AGREE = 1e-3
"""Parts that miss their total by a thousandth are rounded, not wrong."""
MOST_MAJOR, MOST_MINOR = 900, 999
SECONDS = 10**10
"""More than the seconds between 1970 and 2286."""
_NUMBERS = re.compile(r"\d+")


def only_states(run: Run) -> bool:
    """True for a run that holds nothing but statements: no attempt, no machine time, no run of a model."""
    seen = run.energies or run.work or run.quality or run.windows or run.series or run.samples or run.not_seen
    known = run.outcome or run.dataset or run.solution_id or run.overhead
    return bool(run.statements) and not seen and known is None and run.exit_code is None


def grams(statement: Statement) -> float:
    """Grams of CO2e. Raises RefusedError for another quantity and for a unit that is not known."""
    return _in_units(statement, EMISSIONS, GRAMS)


def litres(statement: Statement) -> float:
    """Litres of water. Raises RefusedError for another quantity and for a unit that is not known."""
    return _in_units(statement, WATER, LITRES)


def _in_units(statement: Statement, quantity: str, units: Mapping[str, float]) -> float:
    if statement.quantity != quantity:
        raise RefusedError(f"a statement of {statement.quantity} is no {quantity}")
    if statement.unit not in units:
        known = ", ".join(units)
        raise RefusedError(f"{statement.unit!r} is no unit of {quantity} that is known: {known}")
    return statement.value * units[statement.unit]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Terms:
    """What a statement is about, so that only equals are added."""

    quantity: str
    unit: str
    """gCO2e, L, kWh or a currency: the unit of :func:`amount`."""
    accounting: str = ""
    """location, market, either (no Scope 2 in it), or not stated; empty for what is no carbon."""
    scopes: tuple[str, ...] = ()
    boundary: str = ""


def terms_of(statement: Statement) -> Terms:
    """The terms of one statement. Raises RefusedError for a unit that is not known."""
    return Terms(
        quantity=statement.quantity,
        unit={EMISSIONS: "gCO2e", WATER: "L"}.get(statement.quantity, statement.unit),
        accounting=accounting_of(statement),
        scopes=tuple(sorted(set(statement.scopes))),
        boundary=statement.boundary or "",
    )


def amount(statement: Statement) -> float:
    """The value in the unit of its terms."""
    if statement.quantity == EMISSIONS:
        return grams(statement)
    return litres(statement) if statement.quantity == WATER else statement.value


def accounting_of(statement: Statement) -> str:
    """By which method Scope 2 is counted in it; ``either`` without Scope 2, ``not stated`` where none is."""
    if statement.quantity != EMISSIONS:
        return ""
    if statement.accounting:
        return statement.accounting
    return EITHER if statement.scopes and "scope 2" not in statement.scopes else UNSPLIT


@dataclass(frozen=True, slots=True)
class Sum:
    """Statements that were added, on which terms, and which versions of the provider's model are in it."""

    terms: Terms
    value: float
    count: int
    versions: tuple[str, ...]


def added(statements: Iterable[tuple[str, Statement]]) -> Sum:
    """The sum of statements, each with the id of its record.

    Scopes of one record add up where they do not overlap; records add up where they hold the same scopes.
    Raises NotComparable for different quantities, units, accountings, boundaries or scopes, RefusedError
    for nothing, and for scopes of one record that overlap (a total beside its parts).
    """
    found = list(statements)
    if not found:
        raise RefusedError("there is nothing to add: import a provider's statements first")
    terms = [terms_of(statement) for _, statement in found]
    for name in ("quantity", "unit", "boundary"):
        _same(name, [getattr(t, name) for t in terms])
    split = [t.accounting for t in terms if t.accounting != EITHER]
    _same("accounting", split)
    scopes: dict[str, set[str]] = {}
    for (record, _), one in zip(found, terms, strict=True):
        held, more = scopes.setdefault(record, set()), set(one.scopes) or {ALL}
        twice = held | more if held and ALL in held | more else held & more
        if twice:
            raise RefusedError(
                f"{', '.join(sorted(twice))} of {record} would be counted twice: "
                "take a total or its parts, not both"
            )
        held |= more
    _same("scopes", [", ".join(sorted(held)) for held in scopes.values()])
    whole = sorted(scopes[found[0][0]] - {ALL})
    return Sum(
        Terms(
            quantity=terms[0].quantity,
            unit=terms[0].unit,
            accounting=split[0] if split else terms[0].accounting,
            scopes=tuple(whole),
            boundary=terms[0].boundary,
        ),
        math.fsum(amount(statement) for _, statement in found),
        len(found),
        tuple(sorted({s.provider_model_version or "" for _, s in found} - {""}, key=version_order)),
    )


def _same(name: str, values: Sequence[str]) -> None:
    other = next((v for v in values if v != values[0]), None)
    if other is not None:
        raise NotComparable([(name, values[0], other)], "statements")


def wholes(statements: Sequence[Statement]) -> list[Statement]:
    """The statements of one record that are part of no other: of each accounting its total."""
    return [s for s in statements if not any(_within(s, other) for other in statements if other is not s)]


def _within(part: Statement, whole: Statement) -> bool:
    """A narrower set of scopes, in an accounting that the wider one can hold."""
    if part.quantity != whole.quantity or not set(part.scopes) < set(whole.scopes):
        return False
    return accounting_of(part) in (EITHER, accounting_of(whole))


@dataclass(frozen=True, slots=True)
class PartsCheck:
    """A total beside the sum of its scopes."""

    total: Statement
    parts: float
    """Sum of its scopes, in grams."""
    lacking: tuple[str, ...]
    """Scopes of the total that are not stated by themselves."""

    @property
    def difference(self) -> float:
        """Grams by which the total is more than its parts."""
        return grams(self.total) - self.parts

    @property
    def agrees(self) -> bool:
        """The parts are all there, and add up to the total to a thousandth of it."""
        return not self.lacking and abs(self.difference) <= AGREE * abs(grams(self.total))


def parts_checks(statements: Sequence[Statement]) -> list[PartsCheck]:
    """Every total of one record that states scopes by themselves beside it, held against them."""
    emissions = [s for s in statements if s.quantity == EMISSIONS]
    checks = []
    for total in emissions:
        parts = {s.scopes[0]: s for s in emissions if len(s.scopes) == 1 and _within(s, total)}
        if parts:
            lacking = tuple(sorted(set(total.scopes) - parts.keys()))
            checks.append(PartsCheck(total, math.fsum(map(grams, parts.values())), lacking))
    return checks


def version_order(version: str | None) -> int:
    """A number that orders versions of a provider's model: v2.9.0 before v3.0.0, 9 before 10, none first."""
    numbers = [int(n[:6]) for n in _NUMBERS.findall((version or "").partition("-")[0])[:3]]
    major, minor, patch = (*numbers, 0, 0, 0)[:3]
    return min(major, MOST_MAJOR) * 10**6 + min(minor, MOST_MINOR) * 1000 + min(patch, MOST_MINOR)


def seq_of(version: str | None, stated_us: int) -> int:
    """The order of versions of one record: by the provider's model, then by when it was stated.

    ``stated_us`` is the provider's own time of refresh where it gives one, else when it was asked
    (microseconds since 1970).
    """
    return version_order(version) * SECONDS + min(max(stated_us, 0) // 1_000_000, SECONDS - 1)


def stated_at(seq: int) -> int:
    """When a version was stated, seconds since 1970, out of its ``seq``; 0 where nobody knew."""
    return seq % SECONDS


@dataclass(frozen=True, slots=True)
class Restated:
    """One figure of a record, before and after a provider stated it anew."""

    terms: Terms
    old: Statement | None
    new: Statement | None

    @property
    def change(self) -> float | None:
        """New less old, in the unit of the terms; None where there is no such figure in one of them."""
        return None if self.old is None or self.new is None else amount(self.new) - amount(self.old)


def restated(old: Run, new: Run) -> list[Restated]:
    """The figures of a record whose value differs between two versions of it, or that came or went."""
    before = {terms_of(s): s for s in old.statements}
    after = {terms_of(s): s for s in new.statements}
    found = [Restated(terms, before.get(terms), after.get(terms)) for terms in sorted({**before, **after})]
    return [one for one in found if one.old is None or one.new is None or one.change]
