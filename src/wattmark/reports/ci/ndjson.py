"""A decision as lines of JSON: the whole first, then a line for every rule. For log shippers and ``jq``."""

from __future__ import annotations

import json
import math
from typing import Any

from wattmark.core.governance.decision import Decision
from wattmark.core.plain import plain
from wattmark.reports.ci.words import counts

SCHEMA, VERSION = "wattmark.decision_line", 1


def ndjson(decision: Decision) -> str:
    """Each line names its schema, its type, and the decision it belongs to. No number is infinite or NaN."""
    common = {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "decided_at": decision.decided_at,
        "candidate": decision.candidate.name,
        "policy_digest": decision.policy.digest,
    }
    whole: dict[str, Any] = {
        "type": "decision",
        "standing": decision.standing.value,
        "exit_code": decision.exit_code,
        "counts": {standing.value: many for standing, many in counts(decision).items()},
        "score": plain(decision.score),
        "stars": decision.stars,
        "tags": dict(decision.candidate.tags),
        "figures": plain(decision.figures),
    }
    lines = [whole, *({"type": "rule", **plain(rule)} for rule in decision.rules)]
    return "".join(json.dumps(_finite({**common, **line}), allow_nan=False) + "\n" for line in lines)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list) else value
