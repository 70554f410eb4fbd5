"""Hours that a bill states of machines which it does not name, beside records of machines that have names.

Nobody knows which of them are the same: both count, so the overlap is said and never subtracted in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

POOL = "cloud.billing.pool"
"""Label of what a bill states of unnamed machines."""
ACCOUNT, TYPE, PROVIDER = "cloud.account.id", "host.type", "cloud.provider"
"""Labels as OpenTelemetry names them (semantic conventions, resource: cloud, host)."""
DAYS = 3
"""So many days are named; the rest is counted."""


class Stated(NamedTuple):
    """Records of one kind of machine on one day."""

    account: str
    region: str
    type: str
    day: str
    pooled: bool
    records: int


def overlaps(found: Iterable[Stated]) -> Iterator[str]:
    """Each kind of machine that is in a pool and has records of its own on the same day, as a sentence."""
    pools: dict[tuple[str, str, str], set[str]] = {}
    named: dict[tuple[str, str, str], dict[str, int]] = {}
    for one in found:
        kind = one.account, one.region, one.type
        if one.pooled:
            pools.setdefault(kind, set()).add(one.day)
        else:
            days = named.setdefault(kind, {})
            days[one.day] = days.get(one.day, 0) + one.records
    for kind in sorted(pools.keys() & named.keys()):
        both = sorted(pools[kind] & named[kind].keys())
        if not both:
            continue
        account, region, type_ = kind
        records = sum(named[kind][day] for day in both)
        more = f" and {len(both) - DAYS} more" if len(both) > DAYS else ""
        yield (
            f"{type_} of account {account} in {region or 'no region'}: on {', '.join(both[:DAYS])}{more} a "
            f"bill's pool of unnamed machines stands beside {records} record{'s' if records > 1 else ''} of "
            "machines of that type, so hours may count twice: import a bill that names its machines instead "
            "(docs/methodology/bills.md)"
        )
