"""Why a provider gave no figure: one class per kind, because each needs another next step."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from wattmark.core.errors import GridError


class UnknownZone(GridError):
    """The provider does not know the zone, or answered for another one."""


class WrongKey(GridError):
    """The key is missing, wrong, or not allowed for what was asked."""


class QuotaSpent(GridError):
    """The limit of requests is reached; asking later may work."""


class SandboxData(GridError):
    """A sandbox key: well formed, and made up."""


class ProviderDown(GridError):
    """No connection, a timeout, a server error, or a web page instead of data."""


class SchemaDrift(GridError):
    """The document is not as documented; the field is named."""


class HalfDocument(GridError):
    """The answer ended in the middle."""


class NoData(GridError):
    """The provider knows the zone and has nothing for this time."""


def unknown_zone(provider: str, zone: str, known: Iterable[str], listing: str) -> UnknownZone:
    """The error for a zone, with the closest ones that are known."""
    names = {name.upper(): name for name in known}
    close = difflib.get_close_matches(zone.upper(), names, n=3, cutoff=0.5)
    meant = f"; did you mean {', '.join(names[c] for c in close)}?" if close else ""
    return UnknownZone(provider, f"knows no zone {zone!r}{meant} {listing}".strip())
