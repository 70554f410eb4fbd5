"""A bundle, and what a check of it came to, as JSON documents."""

from __future__ import annotations

from typing import Any

from wattmark.core.bench.evidence import Evidence
from wattmark.core.bench.findings import Checked
from wattmark.core.bench.result import Result
from wattmark.core.plain import plain
from wattmark.reports.as_json import document
from wattmark.reports.bench_power import bands_of


def verify_json(checked: Checked) -> str:
    """Schema ``wattmark.bench-verify``: the verdict and every difference."""
    return document(
        "bench-verify",
        1,
        {
            "verdict": checked.verdict.value,
            **_about(checked),
            "found": [
                {
                    "file": f.file,
                    "field": f.field,
                    "text": f.text,
                    "stored": f.stored,
                    "recomputed": f.recomputed,
                    "by_version": f.by_version,
                }
                for f in checked.found
            ],
        },
    )


def show_json(checked: Checked, evidence: Evidence, result: Result) -> str:
    """Schema ``wattmark.bench-show``: the result as it was worked out again, the pins and the phases."""
    return document(
        "bench-show",
        1,
        {
            **_about(checked),
            "pinned": plain(evidence.pinned),
            "phases": [
                {"name": n, "start_seconds": a, "end_seconds": b} for n, a, b in bands_of(evidence.phases)
            ],
            "result": plain(result),
        },
    )


def _about(checked: Checked) -> dict[str, Any]:
    signature = checked.signature
    return {
        "evidence_id": checked.evidence_id,
        "manifest_sha256": checked.manifest_sha256,
        "protocol": checked.protocol,
        "wattmark": checked.wattmark,
        "signature": None
        if signature is None
        else {
            "state": signature.state.value,
            "identity": signature.identity,
            "key": signature.key,
            "text": signature.text,
        },
    }
