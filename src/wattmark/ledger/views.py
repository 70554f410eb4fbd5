"""The views that `wattmark ledger query` and `wattmark ledger export` show: documented, in units people use.

Times are UTC without a zone, energies in joules and kilowatt-hours beside the exact microjoules. What has
no row in ``subjects``, ``places`` or ``knowns`` is shown all the same, with nothing in those columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from wattmark.ledger.columns import COUNTED, CUBE, DERIVED, REAL, TAGS, TEXT, WHOLE, Column

TIME = "time"
"""A moment, UTC."""
BOUNDARIES = "CASE {0} WHEN 0 THEN 'device' WHEN 1 THEN 'node' ELSE 'facility' END"
IN_NODE_TOTAL = "t.boundary <= 1 AND t.hidden_from > 1"
"""What a total at node boundary takes; its sum counts every device once."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One column of a view: the expression that makes it, its kind and what it holds."""

    sql: str
    kind: str
    what: str


@dataclass(frozen=True, slots=True)
class View:
    """One view: what a row is, its columns, and the tables that it is made of."""

    what: str
    columns: Mapping[str, Shown]
    tables: tuple[str, ...]
    where: str = ""
    order: tuple[str, ...] = ()
    """Columns by which an export is ordered, so that it is always the same."""

    @property
    def sql(self) -> str:
        """The view as DuckDB makes it, from the derived tables under names that end in ``_rows``."""
        shown = ",\n    ".join(f"{column.sql} AS {quoted(name)}" for name, column in self.columns.items())
        first, *others = self.tables
        joins = "".join(
            f"\nLEFT JOIN {table}_rows {_ALIASES[table]} ON t.{key} = {_ALIASES[table]}.{key}"
            for table in others
            for key in (_KEYS[table],)
        )
        where = f"\nWHERE {self.where}" if self.where else ""
        return f"SELECT\n    {shown}\nFROM {first}_rows t{joins}{where}"


_KEYS = {"subjects": "subject_id", "places": "place_id", "knowns": "known_id"}
_ALIASES = {"subjects": "s", "places": "p", "knowns": "k"}


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return f'"{name}"'


def _plain(table: str, *names: str) -> dict[str, Shown]:
    columns = DERIVED[table]
    return {name: Shown(f"t.{quoted(name)}", columns[name].kind, columns[name].what) for name in names}


def _from(alias: str, columns: Mapping[str, Column], *names: str) -> dict[str, Shown]:
    return {name: Shown(f"{alias}.{quoted(name)}", columns[name].kind, columns[name].what) for name in names}


def _time(name: str, source: str, what: str) -> dict[str, Shown]:
    return {name: Shown(f"make_timestamp(t.{source})", TIME, what)}


def _seconds(name: str, source: str) -> dict[str, Shown]:
    return {name: Shown(f"t.{source} / 1e6", REAL, f"{COUNTED[source].what}, seconds")}


def _subject() -> dict[str, Shown]:
    return _from("s", DERIVED["subjects"], *TAGS, "labels")


def _place() -> dict[str, Shown]:
    grid = Shown("p.zone", TEXT, DERIVED["places"]["zone"].what)
    return {"grid_zone": grid, **_from("p", DERIVED["places"], "country", "site", "pue")}


def _known() -> dict[str, Shown]:
    names = ("method", "grade", "source", "attribution_rule", "errors")
    return _from("k", DERIVED["knowns"], *names)


def _energy() -> dict[str, Shown]:
    return {
        "energy_joules": Shown("t.energy_uj / 1e6", REAL, "energy that was observed, joules"),
        "energy_kwh": Shown("t.energy_uj / 3.6e12", REAL, "the same in kilowatt-hours"),
        "energy_uj": Shown("t.energy_uj", WHOLE, "the same in microjoules, exact"),
        **_seconds("observed_seconds", "observed_us"),
        **_seconds("gap_seconds", "gap_us"),
        "gap_joules": Shown("t.gap_uj / 1e6", REAL, f"{COUNTED['gap_uj'].what}, joules"),
        "gap_least_joules": Shown("t.gap_least_uj / 1e6", REAL, COUNTED["gap_least_uj"].what),
        "gap_most_joules": Shown("t.gap_most_uj / 1e6", REAL, COUNTED["gap_most_uj"].what),
    }


def _levels() -> dict[str, Shown]:
    return {
        "boundary": Shown(BOUNDARIES.format("t.boundary"), TEXT, "device, node or facility: what was read"),
        "reach": Shown(
            BOUNDARIES.format("t.reach"), TEXT, "what the readings of its machine cover together just then"
        ),
    }


def _detail() -> dict[str, Shown]:
    return {
        **_plain("counted", "day"),
        **_time("started", "start_us", "start, UTC"),
        **_time("ended", "end_us", "end, UTC"),
        **_plain("counted", "record_id"),
        **_subject(),
        **_place(),
        **_known(),
        **_plain("counted", "host_id", "device_id", "component"),
        **_levels(),
        **_plain("counted", "allocation"),
        **_energy(),
    }


def _all_but(table: str, *left_out: str) -> Iterator[str]:
    return (name for name in DERIVED[table] if name not in left_out)


def _raw(table: str, what: str, *order: str) -> View:
    return View(what, _plain(table, *DERIVED[table]), (table,), "", order)


_JOINED = ("subjects", "places", "knowns")
_DETAIL_ORDER = ("day", "started", "host_id", "device_id", "record_id", "ended")

VIEWS: Mapping[str, View] = {
    "energy": View(
        "energy, each moment of each device once, as a total at node boundary takes it: sums are right",
        _detail(),
        ("counted", *_JOINED),
        IN_NODE_TOTAL,
        (*_DETAIL_ORDER, *_all_but("subjects", "subject_id"), "allocation", "energy_uj"),
    ),
    "readings": View(
        "everything that was counted, parts beside the wholes that hold them: a sum of all counts twice",
        {
            **_detail(),
            "in_node_total": Shown(IN_NODE_TOTAL, "truth", "whether a total at node boundary takes it"),
        },
        ("counted", *_JOINED),
        "",
        (*_DETAIL_ORDER, *_all_but("subjects", "subject_id"), "allocation", "energy_uj"),
    ),
    "quarters": View(
        "energy per quarter of an hour, as a total at node boundary takes it; fast, without single devices",
        {
            **_plain("cube", "day"),
            **_time("quarter", "bucket_us", "start of the quarter of an hour, UTC"),
            **_subject(),
            **_place(),
            **_known(),
            **_plain("cube", "component"),
            **_levels(),
            **_plain("cube", "allocation"),
            **_energy(),
            "rows": Shown("t.rows", WHOLE, CUBE["rows"].what),
        },
        ("cube", *_JOINED),
        IN_NODE_TOTAL,
        ("day", "quarter", *_all_but("subjects", "subject_id"), "grid_zone", "site", "source", "energy_uj"),
    ),
    "work": View(
        "what was done",
        {
            **_plain("work", "day"),
            **_time("quarter", "bucket_us", "quarter of an hour of its end, UTC"),
            **_plain("work", "record_id"),
            **_subject(),
            **_place(),
            **_plain("work", "unit", "count", "failed", "declared", "precision"),
        },
        ("work", "subjects", "places"),
        "",
        ("day", "quarter", "record_id", "unit", "count"),
    ),
    "runs": View(
        "runs",
        {
            **_plain("runs", "day", "record_id", "seq"),
            **_time("started", "start_us", "start, UTC"),
            **_time("ended", "end_us", "end, UTC"),
            "duration_seconds": Shown("(t.end_us - t.start_us) / 1e6", REAL, "how long it lasted, seconds"),
            **_subject(),
            **_place(),
            **_plain("runs", *_all_but("runs", "day", "record_id", "seq", "subject_id", "place_id")),
        },
        ("runs", "subjects", "places"),
        "",
        ("day", "started", "record_id"),
    ),
    "lost": View(
        "who else watched, and was not counted",
        {
            **_plain("lost", "day"),
            **_time("started", "start_us", "start, UTC"),
            **_time("ended", "end_us", "end, UTC"),
            **_plain("lost", "host_id", "device_id", "record_id"),
            "energy_joules": Shown("t.energy_uj / 1e6", REAL, "its energy there, joules"),
            **_plain("lost", "counted_from", "reason"),
        },
        ("lost",),
        "",
        ("day", "started", "host_id", "device_id", "record_id", "ended", "reason"),
    ),
    "quality": View(
        "how good results are",
        {
            **_plain("quality", "record_id"),
            **_subject(),
            **_plain("quality", "name", "value", "higher_is_better"),
        },
        ("quality", "subjects"),
        "",
        ("record_id", "name"),
    ),
    "statements": View(
        "what others state in carbon, money or water: kept as it is, never mixed into totals",
        {
            **_plain("statements", "day", "record_id"),
            **_subject(),
            **_plain("statements", *_all_but("statements", "day", "record_id", "subject_id")),
        },
        ("statements", "subjects"),
        "",
        ("day", "record_id", "quantity", "value"),
    ),
    "counted": _raw(
        "counted",
        "the table behind `readings`, as it is stored",
        *_all_but("counted", "gap_least_uj", "gap_most_uj"),
    ),
    "cube": _raw("cube", "the table behind `quarters`, as it is stored", *DERIVED["cube"]),
    "subjects": _raw("subjects", "whose energy it is, by `subject_id`", "subject_id"),
    "places": _raw("places", "where it was used, by `place_id`", "place_id"),
    "knowns": _raw("knowns", "how it is known, by `known_id`", "known_id"),
}
"""Every view by name, in the order in which people need them."""
