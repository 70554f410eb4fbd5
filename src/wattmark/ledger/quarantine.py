"""What runs and streams in quarantine saw: their energy is in no total, and must be told beside every one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from wattmark.core.figure import Figure
from wattmark.core.given import Given
from wattmark.core.known import Scope
from wattmark.core.run import Subject
from wattmark.core.tags import TagMode, TagRules
from wattmark.core.telemetry import JOULES
from wattmark.core.totals import facts_of
from wattmark.ledger.documents import documents, run_of
from wattmark.ledger.store import Store


@dataclass(frozen=True, slots=True)
class KeptOut:
    """A stream in quarantine."""

    stream_id: str
    subject: Subject
    energy_uj: int


class Quarantine(Protocol):
    """Tells what is kept out of one version of a ledger.

    Each record is taken for itself: several of one device and time would share their energy once counted,
    so that the sum is the most that is kept out.
    """

    def runs(self, contents: Mapping[str, str]) -> Mapping[str, int]:
        """Record id -> content, to record id -> microjoules that the run saw."""
        ...

    def streams(self, start_us: int | None = None, end_us: int | None = None) -> list[KeptOut]:
        """The streams that are kept out, with what they saw between two moments."""
        ...


@dataclass(frozen=True, slots=True)
class EvidenceQuarantine:
    """Asks the evidence."""

    store: Store
    version: int
    rules: TagRules

    def runs(self, contents: Mapping[str, str]) -> Mapping[str, int]:
        """Each run's own figure, gaps estimated."""
        found: dict[str, int] = {}
        for record_id, document in documents(self.store, self.version, contents):
            energy = facts_of([run_of(record_id, document)], Given()).energy
            found[record_id] = round(energy.value * 1e6) if isinstance(energy, Figure) else 0
        return found

    def streams(self, start_us: int | None = None, end_us: int | None = None) -> list[KeptOut]:
        """What was observed; a meter that is nobody's needs no tags, and is never kept out."""
        if self.rules.mode is TagMode.WARN:
            return []
        subjects = self._subjects()
        energy = self._energy(subjects, start_us, end_us) if subjects else {}
        return [KeptOut(i, subjects[i], uj) for i, uj in sorted(energy.items())]

    def _subjects(self) -> dict[str, Subject]:
        from wattmark.ledger.batches import stream_from
        from wattmark.ledger.dimensions import OWNING
        from wattmark.ledger.evidence import STREAM, Evidence

        found: dict[str, Subject] = {}
        for batch in Evidence(self.store).scan(STREAM, ["record_id", "document"], as_of=self.version):
            for row in batch.to_pylist():
                stream = stream_from(row["document"])
                subject = self.rules.normalise(stream.subject)
                owned = stream.scope is Scope.SHARE or any(getattr(subject, tag) for tag in OWNING)
                if stream.unit == JOULES and owned and self.rules.verdict(subject):
                    found[row["record_id"]] = subject
        return found

    def _energy(
        self, subjects: Mapping[str, Subject], start_us: int | None, end_us: int | None
    ) -> dict[str, int]:
        import pyarrow as pa
        import pyarrow.compute as pc

        from wattmark.ledger.evidence import SAMPLE, Evidence

        found: dict[str, int] = {}
        columns = ["record_id", "start_us", "energy_uj"]
        for batch in Evidence(self.store).scan(
            SAMPLE, columns, as_of=self.version, record_ids=list(subjects)
        ):
            rows = pa.Table.from_batches([batch])
            if start_us is not None:
                rows = rows.filter(pc.greater_equal(rows["start_us"], start_us))
            if end_us is not None:
                rows = rows.filter(pc.less(rows["start_us"], end_us))
            for row in rows.group_by("record_id").aggregate([("energy_uj", "sum")]).to_pylist():
                found[row["record_id"]] = found.get(row["record_id"], 0) + int(row["energy_uj_sum"] or 0)
        return found
