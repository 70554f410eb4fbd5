"""``ledger.toml``: what holds for everyone who reads a ledger. It lies in the ledger's root.

Nothing here changes evidence. Tag rules and the order of sources decide what is counted and under which
name; PUE, grid factors and embodied carbon join when totals are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo

from wattmark.core.coverage import Expected
from wattmark.core.tags import TagRules
from wattmark.hashing import sha256
from wattmark.ledger.factors import EmbodiedShare, Factors, GridFactor, SitePue
from wattmark.ledger.question import zone_named

FILE_NAME = "ledger.toml"
SETTINGS_FORMAT = 1
"""A file of a higher format is refused: what this version does not know could change every total."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSettings:
    """The whole of ``ledger.toml``; the defaults hold where there is none."""

    name: str = ""
    time_zone: str = "UTC"
    """Whose days, weeks, months and years totals are made of (IANA name)."""
    tags: TagRules = field(default_factory=TagRules)
    priority: tuple[str, ...] = ()
    """Sources in the order in which one wins where several of one grade watched the same; others follow."""
    sites: tuple[SitePue, ...] = ()
    grid: tuple[GridFactor, ...] = ()
    embodied: tuple[EmbodiedShare, ...] = ()
    manual_steps: int | None = None
    """Manual steps per report, for the Operational Overhead Score."""
    expected: Expected = field(default_factory=Expected)
    """What should be there, for `wattmark coverage`."""
    file: str = ""
    """Where it was read; empty: nowhere, these are the defaults."""

    @property
    def zone(self) -> tzinfo:
        """The time zone itself."""
        return zone_named(self.time_zone)

    @property
    def factors(self) -> Factors:
        """What is stated here and joins energy when totals are asked for."""
        return Factors(grid=self.grid, pue=self.sites, embodied=self.embodied)

    @property
    def hash(self) -> str:
        """Changes with everything that decides what is counted, and only then."""
        return sha256(repr((self.tags.hash_text(), self.priority)).encode()).hexdigest()[:16]

    @property
    def priorities(self) -> Mapping[str, int]:
        """Source -> its place in the order, 0 first."""
        return {source: at for at, source in enumerate(self.priority)}
