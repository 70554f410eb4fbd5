"""Which runs a rule is for: patterns on tags, as shells write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from wattmark.core.run import Subject
from wattmark.core.tags import LABEL


class Applies(StrEnum):
    """Whether a rule is for a subject."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    """The subject does not state a tag that the scope names. Fails closed: it may well be meant."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Tag -> patterns (``*``, ``?``, ``[abc]``), any of which will do; every tag must fit. Empty: everything.

    Tags are those of a run's subject, free labels stand under ``label.KEY``.
    """

    patterns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, tags: Mapping[str, str]) -> Applies:
        """Whether it holds for these tags; a tag that is not stated could be anything."""
        answer = Applies.YES
        for tag, patterns in self.patterns.items():
            value = tags.get(tag)
            if value is None:
                # A pattern that takes anything asks for nothing.
                answer = answer if "*" in patterns else Applies.UNKNOWN
            elif not any(fnmatchcase(value, pattern) for pattern in patterns):
                return Applies.NO
        return answer

    def unstated(self, tags: Mapping[str, str]) -> tuple[str, ...]:
        """Tags that the scope names and the subject does not state."""
        return tuple(
            tag for tag, patterns in self.patterns.items() if tag not in tags and "*" not in patterns
        )

    def __str__(self) -> str:
        return ", ".join(f"{tag} {' or '.join(patterns)}" for tag, patterns in self.patterns.items()) or "all"


def tags_of(subject: Subject) -> dict[str, str]:
    """A subject's tags by name, free labels under ``label.KEY``; what is not stated is not there.

    A tag that holds nothing but blanks states nothing: it would be a way out of every rule for teams.
    """
    named = {name: getattr(subject, name) for name in subject.__dataclass_fields__ if name != "labels"}
    every = {**named, **{f"{LABEL}{key}": value for key, value in subject.labels.items()}}
    return {tag: value for tag, value in every.items() if value is not None and value.strip()}
