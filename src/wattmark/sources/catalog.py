"""Every source by name: what it reads, and which extra it needs. Nothing is imported until it is asked for.

Other packages add theirs by an entry point ``wattmark.sources`` of the form ``name = "package.module"``.
The module of a source has two names:

``OPTIONS``
    ``Mapping[str, str]``: the settings that ``wattmark import NAME -o key=value`` takes, with their help.
``open_source(inputs, asked)``
    gives a :class:`wattmark.ports.Source`; raises a WattmarkError for what it cannot read at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from wattmark.core.run import Place, Subject


class SourceRow(NamedTuple):
    """One line of the catalog."""

    module: str
    extra: str
    what: str


SOURCES: Mapping[str, SourceRow] = {
    # name -> module, extra, what it reads
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What whoever imports says beside the input itself."""

    subject: Subject = field(default_factory=Subject)
    """Tags that the input does not state; what it states itself goes before."""
    place: Place = field(default_factory=Place)
    host: str | None = None
    """The machine, where the input does not name it."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """The source's own settings: keys of its OPTIONS."""


Inputs = Sequence[str]
"""Paths or addresses, as they were given."""
