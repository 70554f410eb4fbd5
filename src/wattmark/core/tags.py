"""The unified tags: which must be there, what they may say, and what is meant by what was written.

Rules never change evidence: they are applied each time that totals are worked out, so that a new alias
mends old runs too. Values are told apart by the tag they stand under; a rule may also stand for a free
label, under the name ``label.KEY``.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum

from wattmark.core.errors import UsageError
from wattmark.core.run import Subject

TAGS = tuple(f.name for f in fields(Subject) if f.name != "labels")
"""organisation, team, project, model, ... in the order in which people read them."""
LABEL = "label."
"""A rule for a free label stands under this and the label's key."""
MOST_LISTED = 6
"""A fix names so many allowed values, and then how many more there are."""


class TagMode(StrEnum):
    """What happens to a run whose tags break the rules."""

    WARN = "warn"
    """It is counted, and listed."""
    QUARANTINE = "quarantine"
    """It is kept and listed; its energy is counted once its tags are right."""
    REFUSE = "refuse"
    """`ledger add` and `import` do not take it; what came in otherwise is quarantined."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A tag that is not there, or says what is not allowed."""

    tag: str
    value: str
    """As it was written; empty when it is not there."""
    fix: str
    """The allowed value that is closest; empty when none is close."""
    allowed: tuple[str, ...] = ()
    owner: str = ""
    """Who to ask; empty when the rules name nobody."""

    def __str__(self) -> str:
        said = (
            f"{self.tag} {self.value!r} is not an allowed value" if self.value else f"{self.tag} is missing"
        )
        return f"{said}: {self.remedy}"

    @property
    def remedy(self) -> str:
        """What to do, and whom to ask."""
        ask = f" (ask {self.owner})" if self.owner else ""
        if self.fix:
            return f"did you mean {self.fix!r}?{ask}"
        if not self.allowed:
            return f"state it{ask}"
        listed = ", ".join(self.allowed[:MOST_LISTED])
        more = len(self.allowed) - MOST_LISTED
        return f"use one of {listed}" + (f" and {more} more" if more > 0 else "") + ask


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRules:
    """What the tags of a ledger must be. Without rules every subject is right as it stands.

    Raises UsageError for rules that contradict each other or name a tag that does not exist.
    """

    required: tuple[str, ...] = ()
    """Tags that every run must state."""
    allowed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Tag -> its values, spelt as totals show them."""
    aliases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Tag -> what is written -> what it means."""
    from_labels: Mapping[str, str] = field(default_factory=dict)
    """Label -> the tag that it states, where the tag itself is not there."""
    lower: tuple[str, ...] = ()
    """Tags whose values are written in small letters, whatever was given."""
    ignore_case: bool = True
    """Allowed values and aliases are found whatever their letters' case."""
    owners: Mapping[str, str] = field(default_factory=dict)
    """``tag=value`` or ``tag`` -> who to ask about it."""
    mode: TagMode = TagMode.WARN

    def __post_init__(self) -> None:
        for tag in (*self.required, *self.allowed, *self.aliases, *self.lower, *self.from_labels.values()):
            _known(tag)
        for key in self.owners:
            _known(key.partition("=")[0])
        for tag, values in self.allowed.items():
            self._check_distinct(f"allowed values of {tag}", values)
        for tag, meanings in self.aliases.items():
            self._check_distinct(f"aliases of {tag}", tuple(written.strip() for written in meanings))
            sources = {written.strip().casefold() for written in meanings}
            for written, meant in meanings.items():
                self._check_alias(tag, written, meant, sources)

    def _check_distinct(self, what: str, values: tuple[str, ...]) -> None:
        """Two spellings of one value would make the order of the rules decide."""
        for at, value in enumerate(values):
            if not value or value != value.strip():
                raise UsageError(f"the {what} hold {value!r}: write a word without blanks around it")
            twin = next((other for other in values[:at] if self._same(value, other)), None)
            if twin is not None:
                raise UsageError(f"the {what} hold {twin!r} and {value!r}, which are one: leave one out")

    def _check_alias(self, tag: str, written: str, meant: str, sources: set[str]) -> None:
        if not meant or meant != meant.strip():
            raise UsageError(
                f"the alias {written!r} of {tag} leads to {meant!r}: write a word without blanks"
            )
        if meant.casefold() in sources:
            raise UsageError(f"the alias {written!r} of {tag} leads to {meant!r}, which is an alias itself")
        if tag in self.allowed and meant not in self.allowed[tag]:
            raise UsageError(f"the alias {written!r} of {tag} leads to {meant!r}, which is not allowed there")

    @property
    def named(self) -> tuple[str, ...]:
        """Every tag and label that a rule stands for, tags first."""
        said = {*self.required, *self.allowed, *self.aliases, *self.lower}
        return (*TAGS, *sorted(tag for tag in said if tag.startswith(LABEL)))

    def normalise(self, subject: Subject) -> Subject:
        """The subject as it is meant: aliases resolved, allowed spelling, labels taken for tags.

        What no rule speaks of stays as it is, but for blanks around it. Doing it twice changes nothing.
        """
        labels = dict(subject.labels)
        values: dict[str, str | None] = {}
        for tag in self.named:
            written = _value(subject, tag) or self._from_label(subject, tag)
            if not tag.startswith(LABEL):
                values[tag] = self._meant(tag, written) if written else None
            elif written:
                labels[tag.removeprefix(LABEL)] = self._meant(tag, written)
        return replace(subject, **values, labels=labels)

    def faults(self, subject: Subject) -> tuple[Fault, ...]:
        """What is missing and what is not allowed, in the order of the tags; () when all is right."""
        meant = self.normalise(subject)
        found = []
        for tag in self.named:
            value, values = _value(meant, tag), tuple(self.allowed.get(tag, ()))
            if not value and tag in self.required:
                found.append(Fault(tag, "", "", values, self._owner(meant, tag, "")))
            elif value and values and value not in values:
                fix = self._closest(value, values)
                found.append(Fault(tag, value, fix, values, self._owner(meant, tag, fix)))
        return tuple(found)

    def verdict(self, subject: Subject) -> str:
        """Why energy of this subject is not counted; empty: it is counted."""
        if self.mode is TagMode.WARN:
            return ""
        return "; ".join(str(fault) for fault in self.faults(subject))

    def hash_text(self) -> str:
        """All that decides what is counted and under which name, the same for equal rules."""
        return repr(
            (
                sorted(set(self.required)),
                sorted((tag, sorted(values)) for tag, values in self.allowed.items()),
                sorted((tag, sorted(meanings.items())) for tag, meanings in self.aliases.items()),
                list(self.from_labels.items()),
                sorted(set(self.lower)),
                self.ignore_case,
                self.mode.value,
            )
        )

    def _from_label(self, subject: Subject, tag: str) -> str:
        stated = (_value(subject, LABEL + label) for label, named in self.from_labels.items() if named == tag)
        return next(filter(None, stated), "")

    def _meant(self, tag: str, written: str) -> str:
        meanings = self.aliases.get(tag, {})
        value = next(
            (meant for alias, meant in meanings.items() if self._same(alias.strip(), written)), written
        )
        if value in self.allowed.get(tag, ()):
            return value
        value = next((known for known in self.allowed.get(tag, ()) if self._same(known, value)), value)
        return value.lower() if tag in self.lower and tag not in self.allowed else value

    def _same(self, a: str, b: str) -> bool:
        return a == b or (self.ignore_case and a.casefold() == b.casefold())

    def _closest(self, value: str, values: tuple[str, ...]) -> str:
        folded = {known.casefold(): known for known in values}
        close = difflib.get_close_matches(value.casefold(), folded, n=1)
        return folded[close[0]] if close else ""

    def _owner(self, subject: Subject, tag: str, fix: str) -> str:
        """Whoever owns the value that was meant, else another value of the subject, else the tag."""
        stated = [f"{other}={_value(subject, other)}" for other in self.named]
        return next((self.owners[key] for key in (f"{tag}={fix}", *stated, tag) if key in self.owners), "")


def _known(tag: str) -> None:
    if tag in TAGS or (tag.startswith(LABEL) and len(tag) > len(LABEL)):
        return
    close = difflib.get_close_matches(tag, TAGS, n=1)
    meant = f"did you mean {close[0]!r}?" if close else f"tags: {', '.join(TAGS)}, or {LABEL}KEY"
    raise UsageError(f"{tag!r} is no tag; {meant}")


def _value(subject: Subject, tag: str) -> str:
    if tag.startswith(LABEL):
        return (subject.labels.get(tag.removeprefix(LABEL)) or "").strip()
    return (getattr(subject, tag) or "").strip()
