"""What tells one gate from another where their words stand side by side: comments, statuses, alerts, series.

A gate is known by its policy and by what it judges, never by the version: what is said of the next version
takes the place of what was said of the last one.
"""

from __future__ import annotations

import hashlib
import re

from wattmark.core.governance.decision import Decision
from wattmark.reports.ci.words import one_line, posix_path

USUAL_POLICY = "wattmark-policy.toml"
MOST_NAME = 80
_MARK = 8


def gate_parts(decision: Decision) -> tuple[str, ...]:
    """The policy, by its id or else by its file where that has not its usual name, and what is judged."""
    policy = decision.policy.id or posix_path(decision.policy.file)
    told = [] if policy == USUAL_POLICY else [policy]
    return tuple(filter(None, (one_line(part, 100) for part in (*told, *decision.candidate.matter.values()))))


def gate_name(decision: Decision) -> str:
    """``green/sorter/training``, for people; where signs had to go or it is long, a hash tells it apart.

    Empty where neither the policy nor what is judged has a name.
    """
    told = gate_parts(decision)
    plain = [re.sub(r"[^A-Za-z0-9_.-]+", ".", part).strip(".") for part in told]
    name = "/".join(filter(None, plain))
    if plain == list(told) and len(name) <= MOST_NAME:
        return name
    mark = hashlib.sha256("\0".join(told).encode()).hexdigest()[:_MARK]
    return f"{name[: MOST_NAME - _MARK - 1]}.{mark}".lstrip(".")
