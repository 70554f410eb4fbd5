"""All runs of a version of a ledger, by what must be known of each before any can be counted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from wattmark.core.run import Run
from wattmark.ledger.dimensions import Dimensions
from wattmark.ledger.evidence import FILE, RUN, Evidence, day_of, days_between
from wattmark.ledger.families import Families, Head, families, head_of
from wattmark.ledger.machines import Machines, Told, machines_of
from wattmark.ledger.runfile import run_from

AT_ONCE = 5_000
"""Runs that are asked for by their ids at once."""


@dataclass(slots=True)
class RunIndex:
    """Heads of the runs that count, and where their documents are."""

    heads: dict[str, Head] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)
    """Record -> the content of its newest document."""
    families: Families = field(default_factory=Families)
    machines: Machines = field(default_factory=Machines)

    def settle(self) -> None:
        """Find the machine of all runs and place them, by what is known of them now."""
        self.machines = machines_of(head.told for head in self.heads.values())
        for record_id, head in self.heads.items():
            machine = self.machines.behind(head.told)
            if machine != head.host_id:
                self.heads[record_id] = head._replace(host_id=machine)
        self.families = families(self.heads.values())

    def span(self, record_id: str) -> tuple[int, int]:
        """Start and end of a run, on the clock that all runs of its boot share."""
        start = self.families.starts[record_id]
        return start, start + self.heads[record_id].lasted_us

    def days(self, record_id: str) -> list[str]:
        """The UTC days that a run touches; statements alone touch none but the first."""
        if self.heads[record_id].stated:
            return [day_of(self.families.starts[record_id])]
        return days_between(*self.span(record_id))


class Documents:
    """The runs of one version of the evidence: of each record the one with the highest (seq, content)."""

    def __init__(self, evidence: Evidence, version: int) -> None:
        self._evidence = evidence
        self._version = version

    def newest(self, record_ids: Collection[str] | None) -> dict[str, str]:
        """Of all records, or of some, the content of the newest document."""
        best: dict[str, tuple[int, str]] = {}
        for batch in self._scan(["record_id", "seq", "content"], record_ids, None):
            columns = (batch[name].to_pylist() for name in ("record_id", "seq", "content"))
            for record_id, seq, content in zip(*columns, strict=True):
                best[record_id] = max(best.get(record_id, (-1, "")), (seq, content))
        return {record_id: content for record_id, (_, content) in best.items()}

    def runs(self, index: RunIndex, record_ids: Collection[str] | None) -> Iterator[Run]:
        """All runs of an index, or some, each once, in no certain order."""
        done: set[str] = set()
        days = None
        if record_ids is not None and all(record_id in index.heads for record_id in record_ids):
            days = {day_of(index.heads[record_id].wall_us) for record_id in record_ids}
        for batch in self._scan(["record_id", "content", "document"], record_ids, days):
            ids, contents = batch["record_id"].to_pylist(), batch["content"].to_pylist()
            for at, (record_id, content) in enumerate(zip(ids, contents, strict=True)):
                if index.contents.get(record_id) == content and record_id not in done:
                    done.add(record_id)
                    yield run_from(batch["document"][at].as_py().encode(), f"run {record_id}")

    def folded(self) -> dict[str, int]:
        """When each content was folded first."""
        found: dict[str, int] = {}
        for batch in self._evidence.scan(FILE, ["record_id", "start_us"], as_of=self._version):
            columns = batch["record_id"].to_pylist(), batch["start_us"].to_pylist()
            for content, at in zip(*columns, strict=True):
                found[content] = min(at, found.get(content, at))
        return found

    def _scan(
        self, columns: list[str], record_ids: Collection[str] | None, days: Collection[str] | None
    ) -> Iterator[Any]:
        if record_ids is None:
            yield from self._evidence.scan(RUN, columns, days=days, as_of=self._version)
            return
        wanted = sorted(record_ids)
        for first in range(0, len(wanted), AT_ONCE):
            some = wanted[first : first + AT_ONCE]
            yield from self._evidence.scan(RUN, columns, days=days, as_of=self._version, record_ids=some)


def read_index(
    documents: Documents, dimensions: Dimensions, before: RunIndex, changed: Collection[str] | None
) -> RunIndex:
    """The index of a version: of all runs, or an earlier one with what has changed since."""
    index = RunIndex(dict(before.heads), dict(before.contents))
    for record_id in changed or ():
        index.heads.pop(record_id, None)
        index.contents.pop(record_id, None)
    found = documents.newest(changed)
    index.contents.update(found)
    for run in documents.runs(index, None if changed is None else list(found)):
        index.heads[run.record_id] = head_of(run, dimensions.verdict(run.subject))
    index.settle()
    return index


def index_of(runs: Any) -> RunIndex:
    """The index that the derived table ``runs`` (a pyarrow dataset) was made with."""
    columns = ("record_id", "host_id", "boot", "boot_us", "wall_us", "start_us", "end_us", "parent", "rank")
    told = ("stated_host", "measured", "host_names", "unique_devices")
    index = RunIndex()
    for batch in runs.to_batches(columns=[*columns, *told, "quarantined", "content", "stated"]):
        for row in batch.to_pylist():
            lasted = row["end_us"] - row["start_us"]
            index.heads[row["record_id"]] = Head(
                row["record_id"], row["host_id"], row["boot"], row["boot_us"], row["wall_us"], lasted,
                row["parent"] or "", row["rank"], row["quarantined"],
                Told(
                    row["stated_host"], bool(row["measured"]), tuple(row["host_names"].split()),
                    tuple(row["unique_devices"].split()),
                ),
                bool(row["stated"]),
            )  # fmt: skip
            index.contents[row["record_id"]] = row["content"]
    index.settle()
    return index


def affected(before: RunIndex, now: RunIndex, changed: Iterable[str]) -> set[str]:
    """Runs that came, went or changed, and those that others have moved in time or to another attempt."""
    found = {r for r in changed if r in before.heads or r in now.heads}
    for record_id in now.heads.keys() & before.heads.keys():
        was = before.families.starts[record_id], before.families.parties[record_id]
        moved = before.heads[record_id].host_id != now.heads[record_id].host_id
        if moved or was != (now.families.starts[record_id], now.families.parties[record_id]):
            found.add(record_id)
    return found


def unknown(ids: Collection[str], *known: Collection[str]) -> bool:
    """True when something changed of which nothing is known any more: then all must be counted again."""
    return any(all(record_id not in some for some in known) for record_id in ids)
