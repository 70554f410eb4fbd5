"""Lists of what a ledger holds: its runs, who also watched, and energy by subject."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wattmark.core.errors import UsageError
from wattmark.core.known import Boundary, Grade, grade_of_sum
from wattmark.core.listed import LossLine, RunLine, SubjectUse
from wattmark.core.run import Subject
from wattmark.core.tags import LABEL
from wattmark.ledger.columns import TAGS
from wattmark.ledger.engines.duckdb import DuckDbEngine, quoted
from wattmark.ledger.quarantine import Quarantine

if TYPE_CHECKING:
    from wattmark.ledger.rollup import Tables

RUN_KEYS: Mapping[str, str] = {
    "run": "r.record_id",
    "host": "r.host_id",
    "source": "r.source",
    "status": "r.status",
    "solution": "r.solution_id",
    "site": "p.site",
    "country": "p.country",
    **{tag: f"s.{tag}" for tag in TAGS},
}
"""What runs can be chosen by, beside ``label.<key>``, and its column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which runs are meant."""

    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Key of RUN_KEYS or ``label.<key>`` -> the values that count; an empty one is what nobody stated."""
    start_us: int | None = None
    """Runs that end after this moment ..."""
    end_us: int | None = None
    """... and began before this one."""
    boundary: Boundary = Boundary.NODE
    stated: bool = False
    """Also what holds only statements and is no run of anything; by id or source it is always found."""


class Listing:
    """Asks the derived tables of one version. Use it as a context manager."""

    def __init__(self, snapshot: Tables, quarantine: Quarantine | None = None) -> None:
        """``quarantine`` is needed for the energy by subject."""
        self._quarantine = quarantine
        self._engine = DuckDbEngine()
        for table in ("runs", "subjects", "places", "knowns", "counted", "cube", "lost"):
            self._engine.attach(table, snapshot)

    def __enter__(self) -> Listing:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.close()

    def runs(self, choice: Choice, limit: int | None = None) -> list[RunLine]:
        """The runs that are meant, the newest first. Raises UsageError for a key that does not exist."""
        level = list(Boundary).index(choice.boundary)
        tags = ", ".join(f"s.{tag}" for tag in TAGS)
        most = "" if limit is None else f"LIMIT {int(limit)}"
        self._engine.keep(
            "picked",
            f"""
            SELECT r.*, {tags}, s.labels, p.site, p.country
            FROM runs r LEFT JOIN subjects s ON r.subject_id = s.subject_id
            LEFT JOIN places p ON r.place_id = p.place_id
            WHERE {self._condition(choice)} ORDER BY r.start_us DESC, r.record_id {most}
            """,
        )
        rows = self._engine.rows(
            f"""
            WITH gone AS (
                SELECT l.record_id, SUM(CAST(l.energy_uj AS DECIMAL(38, 0))) AS energy
                FROM lost l WHERE l.record_id IN (SELECT record_id FROM picked) GROUP BY l.record_id
            )
            SELECT k.record_id, k.content, k.start_us, k.end_us, k.folded_us, k.status, k.failed, k.source,
                k.host_id, k.quarantined, k.site, k.country, gone.energy,
                k.labels, {", ".join(f"k.{tag}" for tag in TAGS)}
            FROM picked k LEFT JOIN gone ON k.record_id = gone.record_id
            ORDER BY k.start_us DESC, k.record_id
            """
        )
        found = list(rows)
        used = self._used(level)
        return [_run_line(row, used.get(str(row[0]), _Used())) for row in found]

    def _used(self, level: int) -> dict[str, _Used]:
        """What was counted of each picked run at a boundary."""
        found: dict[str, _Used] = {}
        for record_id, grade, energy, gap in self._engine.rows(
            f"""
            SELECT c.record_id, n.grade, SUM(CAST(c.energy_uj AS DECIMAL(38, 0))),
                SUM(CAST(c.gap_uj AS DECIMAL(38, 0)))
            FROM counted c LEFT JOIN knowns n ON c.known_id = n.known_id
            WHERE c.record_id IN (SELECT record_id FROM picked)
                AND c.boundary <= {level} AND {level} < c.hidden_from
                AND c.day >= (SELECT MIN(day) FROM picked)
            GROUP BY c.record_id, n.grade
            """
        ):
            used = found.setdefault(str(record_id), _Used())
            used.energy_uj += int(energy or 0)
            used.gap_uj += int(gap or 0)
            for one, uj in ((Grade(grade or "E"), int(energy or 0)), (Grade.D, int(gap or 0))):
                if uj:
                    used.grades[one] = used.grades.get(one, 0.0) + uj
        return found

    def count(self, choice: Choice) -> int:
        """How many runs are meant."""
        (row,) = self._engine.rows(
            "SELECT COUNT(*) FROM runs r LEFT JOIN subjects s ON r.subject_id = s.subject_id "
            f"LEFT JOIN places p ON r.place_id = p.place_id WHERE {self._condition(choice)}"
        )
        return int(row[0])

    def beginning(self, prefix: str) -> list[str]:
        """The ids of runs that begin so, at most a handful."""
        rows = self._engine.rows(
            f"SELECT DISTINCT record_id FROM runs WHERE starts_with(record_id, {quoted(prefix)}) "
            "ORDER BY record_id LIMIT 6"
        )
        return [str(row[0]) for row in rows]

    def losses(self, choice: Choice, limit: int | None = None) -> list[LossLine]:
        """Who also watched: per device, record and reason, the most energy first.

        Only the time is looked at, and ``run`` and ``host`` of the choice.
        """
        conditions = ["TRUE"]
        if choice.start_us is not None:
            conditions.append(f"l.end_us > {int(choice.start_us)}")
        if choice.end_us is not None:
            conditions.append(f"l.start_us < {int(choice.end_us)}")
        for key, values in choice.where.items():
            column = {"run": "record_id", "host": "host_id", "device": "device_id"}.get(key)
            if column is None:
                raise UsageError(f"losses can be chosen by run, host and device, not by {key!r}")
            conditions.append(f"l.{column} IN ({', '.join(quoted(v) for v in values)})")
        most = "" if limit is None else f"LIMIT {int(limit)}"
        rows = self._engine.rows(
            f"""
            WITH sums AS (
                SELECT l.host_id, l.device_id, l.record_id, l.counted_from, l.reason,
                    MIN(l.start_us) AS start_us, MAX(l.end_us) AS end_us,
                    SUM(CAST(l.energy_uj AS DECIMAL(38, 0))) AS energy
                FROM lost l WHERE {" AND ".join(conditions)}
                GROUP BY l.host_id, l.device_id, l.record_id, l.counted_from, l.reason
            )
            SELECT u.host_id, u.device_id, u.record_id, a.source, u.counted_from, b.source,
                u.start_us, u.end_us, u.energy, u.reason
            FROM sums u LEFT JOIN runs a ON u.record_id = a.record_id
            LEFT JOIN runs b ON u.counted_from = b.record_id
            ORDER BY u.energy DESC, u.host_id, u.device_id, u.record_id, u.start_us {most}
            """
        )
        return [
            LossLine(
                host_id=str(row[0]),
                device_id=str(row[1]),
                record_id=str(row[2]),
                source=str(row[3] or ""),
                counted_from=str(row[4] or ""),
                counted_source=str(row[5] or ""),
                start_us=int(row[6]),
                end_us=int(row[7]),
                energy_uj=int(row[8]),
                reason=str(row[9]),
            )
            for row in rows
        ]

    def devices_of(self, record_id: str) -> list[tuple[str, str, str, int, int, int, bool]]:
        """Where a run was counted: device, component, allocation, boundary, energy and estimate (uJ), and
        whether a total at node boundary takes it, or another reading holds it there."""
        rows = self._engine.rows(
            "SELECT device_id, component, allocation, boundary, "
            "SUM(CAST(energy_uj AS DECIMAL(38, 0))), SUM(CAST(gap_uj AS DECIMAL(38, 0))), "
            "boundary <= 1 AND hidden_from > 1 "
            f"FROM counted WHERE record_id = {quoted(record_id)} "
            "GROUP BY device_id, component, allocation, boundary, 7 ORDER BY 5 DESC, 1, 3, 7"
        )
        return [
            (str(r[0]), str(r[1]), str(r[2]), int(r[3]), int(r[4] or 0), int(r[5] or 0), bool(r[6]))
            for r in rows
        ]

    def subjects(self, boundary: Boundary = Boundary.NODE) -> list[SubjectUse]:
        """Every subject that used energy or ran, the most energy first; what nobody claimed is left out."""
        level = list(Boundary).index(boundary)
        kept_out = self._kept_out()
        rows = self._engine.rows(
            f"""
            WITH used AS (
                SELECT subject_id, SUM(CAST(energy_uj AS DECIMAL(38, 0)))
                    + SUM(CAST(COALESCE(gap_uj, 0) AS DECIMAL(38, 0))) AS energy
                FROM cube WHERE boundary <= {level} AND {level} < hidden_from AND allocation <> 'unallocated'
                GROUP BY subject_id
            ),
            seen AS (
                SELECT subject_id, COUNT(*) AS runs,
                    SUM(CASE WHEN COALESCE(quarantined, '') <> '' THEN 1 ELSE 0 END) AS quarantined
                FROM runs WHERE NOT COALESCE(stated, FALSE) GROUP BY subject_id
            )
            SELECT s.subject_id, COALESCE(u.energy, 0), n.runs, n.quarantined, s.labels,
                {", ".join(f"s.{tag}" for tag in TAGS)}
            FROM subjects s LEFT JOIN used u ON s.subject_id = u.subject_id
            LEFT JOIN seen n ON s.subject_id = n.subject_id
            WHERE u.energy IS NOT NULL OR n.runs IS NOT NULL
            """
        )
        uses = [
            SubjectUse(
                Subject(**dict(zip(TAGS, (t or None for t in row[5:]), strict=True)), labels=_labels(row[4])),
                int(row[1]) + kept_out.get(str(row[0]), 0),
                int(row[2] or 0),
                int(row[3] or 0),
            )
            for row in rows
        ]
        streams = self._quarantine.streams() if self._quarantine is not None else []
        uses += [SubjectUse(stream.subject, stream.energy_uj, 0, 0) for stream in streams]
        return sorted(uses, key=lambda use: (-use.energy_uj, str(use.subject)))

    def _kept_out(self) -> dict[str, int]:
        """Subject id -> what its runs in quarantine saw."""
        rows = list(
            self._engine.rows(
                "SELECT record_id, content, subject_id FROM runs WHERE COALESCE(quarantined, '') <> ''"
            )
        )
        contents = {str(row[0]): str(row[1]) for row in rows}
        energy = self._quarantine.runs(contents) if self._quarantine is not None else {}
        found: dict[str, int] = {}
        for record_id, _, subject_id in rows:
            found[subject_id] = found.get(subject_id, 0) + energy.get(record_id, 0)
        return found

    def _condition(self, choice: Choice) -> str:
        found = ["TRUE"]
        if choice.start_us is not None:
            found.append(f"r.end_us > {int(choice.start_us)}")
        if choice.end_us is not None:
            found.append(f"r.start_us < {int(choice.end_us)}")
        if not (choice.stated or {"run", "source"} & choice.where.keys()):
            found.append("NOT COALESCE(r.stated, FALSE)")
        found += [_where(key, values) for key, values in choice.where.items()]
        return " AND ".join(found)


def _where(key: str, values: Sequence[str]) -> str:
    if key.startswith(LABEL) and len(key) > len(LABEL):
        path = quoted("$." + json.dumps(key.removeprefix(LABEL), ensure_ascii=False))
        column = f"json_extract_string(s.labels, {path})"
    elif key in RUN_KEYS:
        column = RUN_KEYS[key]
    else:
        close = difflib.get_close_matches(key, RUN_KEYS, n=1, cutoff=0.75)
        meant = f"did you mean {close[0]!r}? " if close else ""
        keys = f"{', '.join(RUN_KEYS)}, {LABEL}KEY"
        raise UsageError(f"{key!r} is nothing to choose runs by; {meant}keys: {keys}")
    return f"COALESCE({column}, '') IN ({', '.join(quoted(v) for v in values)})"


def _labels(document: Any) -> dict[str, str]:
    return {str(k): str(v) for k, v in json.loads(document or "{}").items()}


def _stated(labels: Mapping[str, str], values: Sequence[Any]) -> Iterator[tuple[str, str]]:
    for tag, value in zip(TAGS, values, strict=True):
        if value:
            yield tag, str(value)
    for key, value in labels.items():
        yield LABEL + key, value


@dataclass(slots=True)
class _Used:
    """What was counted of a run."""

    energy_uj: int = 0
    gap_uj: int = 0
    grades: dict[Grade, float] = field(default_factory=dict)


def _run_line(row: Sequence[Any], used: _Used) -> RunLine:
    return RunLine(
        record_id=str(row[0]),
        content=str(row[1]),
        start_us=int(row[2]),
        end_us=int(row[3]),
        folded_us=int(row[4] or 0),
        status=str(row[5]),
        failed=bool(row[6]),
        source=str(row[7] or ""),
        host_id=str(row[8] or ""),
        quarantined=str(row[9] or ""),
        site=str(row[10] or ""),
        country=str(row[11] or ""),
        energy_uj=used.energy_uj,
        gap_uj=used.gap_uj,
        grade=str(grade_of_sum(used.grades) or ""),
        lost_uj=int(row[12] or 0),
        tags=dict(_stated(_labels(row[13]), row[14:])),
    )
