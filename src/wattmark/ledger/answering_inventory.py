"""Hours of the devices of an inventory, from a ledger's own runs and readings.

Machines go by the time of the runs on them, each moment shared out whole; accelerators by the time for which
they were read as whole devices. Hours after a line's life carry nothing, and are told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from wattmark.core.inventory import ACCELERATORS, HOUR_US, Asset, of_host
from wattmark.core.inventory_use import unlisted
from wattmark.core.reserved import Reserved, of_asset
from wattmark.ledger.answering import Asked, Found, Key
from wattmark.ledger.asking import filters
from wattmark.ledger.asking_times import bucket_sql
from wattmark.ledger.columns import TEXT, WHOLE
from wattmark.ledger.engine import query
from wattmark.ledger.machine_time import Taking, pieces
from wattmark.ledger.question import COUNTED, COUNTED_KEYS

FOREVER_US = 2**62
OWN_SOURCE = "wattmark"


@dataclass(frozen=True, slots=True)
class _Machine:
    host_id: str
    assets: tuple[Asset, ...]


@dataclass(slots=True)
class _Hours:
    """Hours by line, and what is to be said of each."""

    by_line: dict[str, float] = field(default_factory=dict)
    said: dict[str, dict[str, None]] = field(default_factory=dict)
    """Line -> what is said of hours outside its life."""
    lacking: dict[str, Reserved] = field(default_factory=dict)

    def say(self, asset: Asset, note: str) -> None:
        self.said.setdefault(asset.name, {})[note] = None

    def add(self, asset: Asset, hours: float) -> None:
        self.by_line[asset.name] = self.by_line.get(asset.name, 0.0) + hours

    def reserved(self, assets: Sequence[Asset]) -> list[Reserved]:
        """In the order of the inventory."""
        found = list(self.lacking.values())
        for asset in assets:
            said = tuple(self.said.get(asset.name, ()))
            if asset.name in self.by_line or said:
                found.append(of_asset(asset, self.by_line.get(asset.name, 0.0), said))
        return found


def _used_up(asset: Asset) -> str:
    return f"{asset.name} ({asset.place}) is used up: its hours after its life carry nothing more"


def _too_early(asset: Asset) -> str:
    return f"{asset.name} ({asset.place}) was in use before it was in service: mend its day"


def add_inventory(asked: Asked, assets: Sequence[Asset], groups: dict[Key, Found], whole: Found) -> None:
    """Hours of every line for every group, and for all of them together."""
    told: dict[Key, _Hours] = {}
    machines = _machines(asked, assets)
    _add_machines(asked, machines, told)
    _add_devices(asked, machines, assets, told, groups, whole)
    everything = _Hours()
    for key, found in groups.items():
        hours = told.get(key, _Hours())
        found.reserved = hours.reserved(assets)
        for name, amount in hours.by_line.items():
            everything.by_line[name] = everything.by_line.get(name, 0.0) + amount
        for name, notes in hours.said.items():
            everything.said.setdefault(name, {}).update(notes)
        everything.lacking |= hours.lacking
    whole.reserved = everything.reserved(assets)


def _machines(asked: Asked, assets: Sequence[Asset]) -> dict[str, _Machine]:
    """Every machine of the ledger with its lines, by its id or any of its names."""
    ids: dict[str, set[str]] = {}
    for host_id, names in asked.engine.rows("SELECT DISTINCT host_id, host_names FROM runs"):
        ids.setdefault(host_id, {host_id}).update((names or "").split())
    return {host_id: _Machine(host_id, of_host(assets, known)) for host_id, known in sorted(ids.items())}


def _add_machines(asked: Asked, machines: dict[str, _Machine], told: dict[Key, _Hours]) -> None:
    """Parts that are taken with their machine: the runs on it share its time."""
    key_of: dict[str, Key] = {}
    hosts: dict[str, None] = {}
    for tags, spot, period, host, run, record_id, host_id in asked.engine.rows(
        "SELECT tags, spot, period, host, run, record_id, host_id FROM asked_runs ORDER BY record_id"
    ):
        key_of[record_id] = int(period), asked.values(int(tags), int(spot), {"host": host, "run": run})
        hosts[host_id] = None
        machine = machines.get(host_id)
        if machine is None or not machine.assets:
            hours = told.setdefault(key_of[record_id], _Hours())
            hours.lacking[host_id] = unlisted(host_id, 0.0)
    asked.engine.put("inventory_hosts", {"host_id": TEXT}, ((h,) for h in hosts))
    takings: dict[str, list[Taking]] = {}
    for host_id, record_id, attempt, source, start, end in asked.engine.rows(
        "SELECT r.host_id, r.record_id, r.attempt, r.source, r.start_us, r.end_us FROM runs r "
        "JOIN inventory_hosts h ON r.host_id = h.host_id "
        "WHERE COALESCE(r.quarantined, '') = '' AND NOT COALESCE(r.stated, FALSE)"
    ):
        own = source == OWN_SOURCE
        taking = Taking(record_id, attempt or record_id, own, int(start), int(end))
        takings.setdefault(host_id, []).append(taking)
    for host_id, some in sorted(takings.items()):
        mine = [a for a in machines[host_id].assets if not a.taken_alone]
        edges = [at for a in mine for at in (a.start_us, a.last_us)]
        for piece in pieces(some, edges) if mine else ():
            if piece.record_id in key_of:
                hours = told.setdefault(key_of[piece.record_id], _Hours())
                for asset in mine:
                    hours.add(asset, asset.hours_between(*piece.span) * piece.share * asset.quantity)
                    if piece.span[0] >= asset.last_us:
                        hours.say(asset, _used_up(asset))
                    elif piece.span[1] <= asset.start_us:
                        hours.say(asset, _too_early(asset))


@dataclass(frozen=True, slots=True)
class _Seen:
    """A device that a ledger knows, and from when to when."""

    host_id: str
    device_id: str
    component: str
    first_us: int
    last_us: int


@dataclass(frozen=True, slots=True)
class _Item:
    """A device in a stretch of a line's life: how much of its time that line carries."""

    seen: _Seen
    asset: Asset | None
    """None: no line names it."""
    start_us: int
    end_us: int
    share: float


def _add_devices(
    asked: Asked,
    machines: dict[str, _Machine],
    assets: Sequence[Asset],
    told: dict[Key, _Hours],
    groups: dict[Key, Found],
    whole: Found,
) -> None:
    question, engine = asked.question, asked.engine
    if question.table != COUNTED:
        engine.attach(COUNTED, asked.snapshot)
    items = list(_items(_seen(asked), machines, assets))
    if not items:
        return
    engine.put(
        "asked_devices",
        {"host_id": TEXT, "device_id": TEXT, "item": WHOLE, "from_us": WHOLE, "until_us": WHOLE},
        ((i.seen.host_id, i.seen.device_id, n, i.start_us, i.end_us) for n, i in enumerate(items)),
    )
    text = query(
        "reserved_devices",
        bucket=bucket_sql(asked.granule, "c."),
        keys="".join(f", c.{COUNTED_KEYS[key]}" for key in question.extra),
        outer_keys="".join(f", x.{COUNTED_KEYS[key]}" for key in question.extra),
        filters=filters(engine, question, "c."),
    )
    for tags, spot, period, *values, item, reserved_us, shared_us in engine.rows(text):
        key = int(period), asked.values(int(tags), int(spot), dict(zip(question.extra, values, strict=True)))
        found = items[int(item)]
        if shared_us:
            said = _shared(found, int(shared_us) / HOUR_US)
            for one in (groups.get(key), whole):
                if one is not None and said not in one.notes:
                    one.notes.append(said)
        if reserved_us:
            _tell(told.setdefault(key, _Hours()), found, int(reserved_us) / HOUR_US)


def _shared(item: _Item, hours: float) -> str:
    return (
        f"{hours:.3g} h of shared {item.seen.device_id} carry no embodied carbon here: "
        "how much of them was reserved for whom is not known"
    )


def _tell(hours: _Hours, item: _Item, lasted: float) -> None:
    if item.asset is None:
        label = f"{item.seen.component} {item.seen.device_id} of {item.seen.host_id}"
        hours.lacking[label] = unlisted(label, lasted)
    elif item.share:
        hours.add(item.asset, lasted * item.share)
    else:
        early = item.end_us <= item.asset.start_us
        hours.say(item.asset, _too_early(item.asset) if early else _used_up(item.asset))


def _seen(asked: Asked) -> list[_Seen]:
    rows = asked.engine.rows(
        "SELECT host_id, device_id, component, MIN(start_us), MAX(end_us) FROM counted "
        "GROUP BY host_id, device_id, component ORDER BY host_id, device_id, component"
    )
    return [_Seen(h, d, c, int(first), int(last)) for h, d, c, first, last in rows]


def _items(seen: Sequence[_Seen], machines: dict[str, _Machine], assets: Sequence[Asset]) -> Iterator[_Item]:
    """Which line carries which device when: by its id first, then by lines of its kind in its machine."""
    by_id: dict[str, list[Asset]] = {}
    for asset in assets:
        if asset.device_id:
            by_id.setdefault(asset.device_id, []).append(asset)
    left: dict[tuple[str, str], list[_Seen]] = {}
    for device in seen:
        if device.device_id in by_id:
            for asset in by_id[device.device_id]:
                yield from _life(device, asset)
        elif device.component in ACCELERATORS:
            left.setdefault((device.host_id, device.component), []).append(device)
    for (host_id, component), devices in left.items():
        mine = machines[host_id].assets if host_id in machines else ()
        kinds = [a for a in mine if a.component == component and not a.device_id]
        if not kinds and any(component in a.contains for a in mine if not a.taken_alone):
            continue  # its machine's figure holds it
        if mine:
            yield from _by_kind(devices, kinds)


def _life(device: _Seen, asset: Asset) -> Iterator[_Item]:
    yield _Item(device, asset, 0, asset.start_us, 0.0)
    yield _Item(device, asset, asset.start_us, asset.last_us, 1.0)
    yield _Item(device, asset, asset.last_us, FOREVER_US, 0.0)


def _by_kind(devices: Sequence[_Seen], kinds: Sequence[Asset]) -> Iterator[_Item]:
    """Devices share the lines that are alive; of more devices than the lines name, none is known."""
    cuts = {at for d in devices for at in (d.first_us, d.last_us)}
    cuts |= {at for a in kinds for at in (a.start_us, a.last_us)}
    ordered = sorted(cuts)
    named = sum(a.quantity for a in kinds)
    for left, right in pairwise(ordered):
        there = [d for d in devices if d.first_us <= left and right <= d.last_us]
        alive = [a for a in kinds if a.hours_between(left, right) > 0]
        room = sum(a.quantity for a in alive)
        for device in there:
            if len(there) > named:
                yield _Item(device, None, left, right, 0.0)
                continue
            for asset in alive:
                yield _Item(device, asset, left, right, asset.quantity / max(room, len(there)))
            # A line that has ended is told; one that has not begun only where no other stands for it.
            silent = (a for a in kinds if a.last_us <= left or not alive)
            yield from (_Item(device, a, left, right, 0.0) for a in silent)
