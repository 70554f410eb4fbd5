"""The ledger's tables, column by column: the same in Delta, DuckDB, Spark, Parquet and the docs.

Times are microseconds since 1970 (UTC), energy is microjoules, both int64. ``day`` is the UTC day as
``YYYY-MM-DD`` and partitions the large tables. Ids ending in ``_id`` are hashes of what the small tables
``subjects``, ``places`` and ``knowns`` hold under them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FORMAT = 1
"""Version of these tables. Columns are only ever added: an older ledger opens, a newer one is refused."""

BUCKET_US = 900_000_000
"""A quarter of an hour: no row of ``counted`` crosses the edge of such a bucket."""
DAY_US = 86_400_000_000
NEVER_HIDDEN = 3
"""``hidden_from`` of a row that no wider reading contains; boundaries are 0 device, 1 node, 2 facility."""
UNKNOWN = ""
"""A tag that nobody stated."""

TEXT, WHOLE, REAL, TRUTH = "text", "whole", "real", "truth"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its type and what it holds."""

    kind: str
    what: str


EVIDENCE: Mapping[str, Column] = {
    "kind": Column(TEXT, "run, stream, sample, file or tombstone; partitions the table"),
    "day": Column(TEXT, "UTC day of its start; empty for stream, file and tombstone; partitions the table"),
    "record_id": Column(TEXT, "run: its record id; stream and sample: the stream's id; file: its content id"),
    "seq": Column(WHOLE, "the highest (seq, content) of a run's record_id wins"),
    "content": Column(TEXT, "SHA-256 of the document; of the whole batch for a sample"),
    "document": Column(TEXT, "JSON: the run file as it landed; the stream; what is known of the file"),
    "row": Column(WHOLE, "position of a sample in its batch"),
    "start_us": Column(WHOLE, "start; for a file: when it was folded"),
    "end_us": Column(WHOLE, "end"),
    "energy_uj": Column(WHOLE, "energy of a sample, 0 in a gap, null for work"),
    "count": Column(REAL, "units of work of a sample, null for energy"),
    "observed": Column(TRUTH, "false: the sample is a gap"),
}
"""What was observed: appended, never changed. Everything else is worked out from it."""

COUNTED: Mapping[str, Column] = {
    "day": Column(TEXT, "UTC day; partitions the table"),
    "bucket_us": Column(WHOLE, "start of its quarter of an hour"),
    "start_us": Column(WHOLE, "start"),
    "end_us": Column(WHOLE, "end"),
    "record_id": Column(TEXT, "run or stream that it is counted from"),
    "subject_id": Column(TEXT, "whose it is: row of `subjects`"),
    "place_id": Column(TEXT, "where it was: row of `places`"),
    "known_id": Column(TEXT, "how it is known: row of `knowns`"),
    "host_id": Column(TEXT, "machine"),
    "device_id": Column(TEXT, "device"),
    "component": Column(TEXT, "cpu, gpu, dram, network, storage, rest_of_node, node, module"),
    "boundary": Column(WHOLE, "0 device, 1 node, 2 facility"),
    "hidden_from": Column(
        WHOLE,
        "counts in a total at boundary b when boundary <= b < hidden_from: a wider reading holds it above",
    ),
    "reach": Column(
        WHOLE,
        "what the readings of its machine cover together just then (core.boundary): 0 devices only, 1 the "
        "whole node, also by a CPU with a rest_of_node beside it, 2 the facility; never less than boundary",
    ),
    "allocation": Column(TEXT, "whole, share, or unallocated (what no subject claimed of a shared device)"),
    "energy_uj": Column(WHOLE, "energy that was observed"),
    "observed_us": Column(WHOLE, "time that was observed"),
    "gap_us": Column(WHOLE, "time that was not"),
    "gap_uj": Column(WHOLE, "estimate for that time: mean power of the device; null where none can be made"),
    "gap_least_uj": Column(WHOLE, "the least that can have been used then"),
    "gap_most_uj": Column(WHOLE, "the most that can have been used then"),
    "period_start_us": Column(
        WHOLE, "for a record longer than a day that states no course: where its period starts; else null"
    ),
    "period_end_us": Column(WHOLE, "and where it ends; such energy meets the period's mean factor"),
}
"""Energy, each moment of each device once."""

LOST: Mapping[str, Column] = {
    "day": Column(TEXT, "UTC day"),
    "start_us": Column(WHOLE, "start"),
    "end_us": Column(WHOLE, "end"),
    "host_id": Column(TEXT, "machine"),
    "device_id": Column(TEXT, "device"),
    "record_id": Column(TEXT, "run or stream that was not counted here"),
    "energy_uj": Column(WHOLE, "its energy there"),
    "counted_from": Column(TEXT, "run or stream that was counted instead"),
    "reason": Column(TEXT, "why"),
}
"""Who else watched, and was not counted."""

WORK: Mapping[str, Column] = {
    "day": Column(TEXT, "UTC day of its end"),
    "bucket_us": Column(WHOLE, "quarter of an hour of its end"),
    "record_id": Column(TEXT, "run or stream"),
    "subject_id": Column(TEXT, "whose it is"),
    "place_id": Column(TEXT, "where it was"),
    "unit": Column(TEXT, "inferences, output_tokens, samples, flop, ..."),
    "count": Column(REAL, "successful units"),
    "failed": Column(REAL, "failed units"),
    "declared": Column(TRUTH, "somebody stated it; false: it was counted"),
    "precision": Column(TEXT, "for FLOP"),
}

RUNS: Mapping[str, Column] = {
    "day": Column(TEXT, "UTC day of its start"),
    "record_id": Column(TEXT, "the run's id"),
    "seq": Column(WHOLE, "which version of it counts"),
    "content": Column(TEXT, "SHA-256 of its document"),
    "subject_id": Column(TEXT, "whose it is"),
    "place_id": Column(TEXT, "where it was"),
    "host_id": Column(TEXT, "machine"),
    "source": Column(TEXT, "wattmark, or the importer"),
    "status": Column(TEXT, "closed, interrupted or open"),
    "failed": Column(TRUTH, "it ended with an error"),
    "attempt": Column(TEXT, "ranks of one job share it"),
    "solution_id": Column(TEXT, "attempts at one solution share it"),
    "parent": Column(TEXT, "run that it belongs to"),
    "rank": Column(WHOLE, "its rank"),
    "world_size": Column(WHOLE, "how many ranks there were"),
    "start_us": Column(WHOLE, "start"),
    "end_us": Column(WHOLE, "end"),
    "folded_us": Column(WHOLE, "when it was in the ledger"),
    "own_cpu_seconds": Column(REAL, "what measuring cost"),
    "workload_cpu_seconds": Column(REAL, "what the workload used"),
    "declared_rows": Column(WHOLE, "figures of it that were declared or imported by hand"),
    "rows": Column(WHOLE, "figures in all"),
    "quarantined": Column(TEXT, "why its energy is not counted; empty: it is"),
    "boot": Column(TEXT, "boot of the machine whose clock places it; empty: its own wall clock does"),
    "boot_us": Column(WHOLE, "its start on that clock"),
    "wall_us": Column(WHOLE, "its start as its own wall clock says; start_us where clocks agree"),
    "stated_host": Column(TEXT, "its machine as it states it; host_id is the machine behind it"),
    "measured": Column(TRUTH, "it was measured on the machine itself, whose boot it states"),
    "host_names": Column(TEXT, "ids of its machine's names, separated by spaces"),
    "unique_devices": Column(TEXT, "its devices whose ids are unique everywhere, separated by spaces"),
    "stated": Column(TRUTH, "it holds nothing but statements: no attempt, no machine time, no run"),
}

QUALITY: Mapping[str, Column] = {
    "record_id": Column(TEXT, "run"),
    "subject_id": Column(TEXT, "whose it is"),
    "name": Column(TEXT, "accuracy, ..."),
    "value": Column(REAL, "its value"),
    "higher_is_better": Column(TRUTH, "its direction"),
}

STATEMENTS: Mapping[str, Column] = {
    "record_id": Column(TEXT, "run"),
    "subject_id": Column(TEXT, "whose it is"),
    "day": Column(TEXT, "UTC day of the run's start"),
    "quantity": Column(TEXT, "emissions, cost, water, energy"),
    "value": Column(REAL, "as stated"),
    "unit": Column(TEXT, "as stated"),
    "accounting": Column(TEXT, "location, market"),
    "scopes": Column(TEXT, "separated by commas"),
    "basis": Column(TEXT, "lifecycle, direct"),
    "period": Column(TEXT, "as stated"),
    "provider_model_version": Column(TEXT, "as stated"),
    "boundary": Column(TEXT, "facility where the provider's PUE is in it; null: not stated"),
}
"""What others state in carbon, money, water: never mixed into totals."""

TAGS = (
    "organisation",
    "team",
    "project",
    "model",
    "model_version",
    "stage",
    "task",
    "workload_class",
    "environment",
    "region",
    "zone",
    "cost_centre",
)
SUBJECTS: Mapping[str, Column] = {
    "subject_id": Column(TEXT, "hash of the rest"),
    **{tag: Column(TEXT, "as stated, aliases resolved; empty: not stated") for tag in TAGS},
    "labels": Column(TEXT, "JSON object of free labels"),
}
PLACES: Mapping[str, Column] = {
    "place_id": Column(TEXT, "hash of the rest"),
    "zone": Column(TEXT, "grid zone: the subject's zone, else the country; empty: unknown"),
    "country": Column(TEXT, "ISO 3166 alpha-3"),
    "site": Column(TEXT, "site, or the cloud region"),
    "pue": Column(REAL, "as the run states it; null: not stated"),
    "pue_kind": Column(TEXT, "declared, provider_year, measured"),
}
KNOWNS: Mapping[str, Column] = {
    "known_id": Column(TEXT, "hash of the rest"),
    "method": Column(TEXT, "wall_meter, bmc, hardware_counter, integrated_power, modelled, declared"),
    "grade": Column(TEXT, "A to E"),
    "scope": Column(TEXT, "whole or share"),
    "attribution_rule": Column(TEXT, "of a share"),
    "sensor_duty": Column(REAL, "share of the time that the sensor looks"),
    "errors": Column(TEXT, "JSON object: error source -> relative half width at 95 %"),
    "source": Column(TEXT, "meter or importer, with its version"),
    "calibration_id": Column(TEXT, "calibration that was applied"),
}

CUBE: Mapping[str, Column] = {
    name: COUNTED[name]
    for name in (
        "day",
        "bucket_us",
        "subject_id",
        "place_id",
        "known_id",
        "component",
        "boundary",
        "hidden_from",
        "reach",
        "allocation",
        "energy_uj",
        "observed_us",
        "gap_us",
        "gap_uj",
        "gap_least_uj",
        "gap_most_uj",
        "period_start_us",
        "period_end_us",
    )
} | {"rows": Column(WHOLE, "rows of `counted` in it")}
"""Sums of ``counted`` per quarter of an hour; derived, rebuilt day by day."""

DERIVED: Mapping[str, Mapping[str, Column]] = {
    "counted": COUNTED,
    "cube": CUBE,
    "lost": LOST,
    "work": WORK,
    "runs": RUNS,
    "quality": QUALITY,
    "statements": STATEMENTS,
    "subjects": SUBJECTS,
    "places": PLACES,
    "knowns": KNOWNS,
}
"""Everything that is worked out from the evidence. ``day`` partitions those that have it."""
