"""Asks the agent what a request used, once that is settled: by the id of its header ``Wattmark-Request``."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from wattmark.agent.client import AgentClient, agent_url
from wattmark.core.errors import EvidenceError

SCHEMA, VERSION = "wattmark.request_energy", 1
SOON = ("in_flight", "waiting")
"""States that pass."""
PAUSE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledRequest:
    """What one request used, or why that is not known."""

    request_id: str
    state: str
    """``settled``, ``in_flight``, ``waiting``, ``forgotten``, ``unknown`` or ``off``."""
    joules: float | None = None
    """None: not known, and ``reason`` says why."""
    prefill_joules: float | None = None
    decode_joules: float | None = None
    observed_share: float | None = None
    """How much of its time on its devices was observed: what was not is in no joules."""
    late_seconds: float = 0.0
    """How much of its time was divided before it was told: the energy of that is with others."""
    weighed_by_a_mean: bool = False
    attribution_rule: str | None = None
    boundary: str | None = None
    grade: str | None = None
    carbon: tuple[Mapping[str, Any], ...] = ()
    """By each kind of factor: ``grams``, ``accounting``, ``basis``, ``boundary``, ..."""
    reason: str = ""
    """Why joules, or carbon, are not known."""
    due: float | None = None
    """Unix seconds at which it is settled at the earliest, while it is not."""
    document: Mapping[str, Any] = field(default_factory=dict)
    """All that the agent said."""


def settled(
    request_id: str,
    url: str | None = None,
    *,
    wait_seconds: float = 0.0,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    environ: Mapping[str, str] = os.environ,
) -> SettledRequest:
    """What a request used, by an agent's address (``WATTMARK_AGENT``, or this machine's).

    ``wait_seconds``: ask again for so long while it is in flight or waits to be divided; a minute and a half
    is usual. Raises EvidenceError when the agent does not answer, or not with a document of this kind.
    """
    client = AgentClient(agent_url(url, environ))
    until = clock() + wait_seconds
    try:
        while True:
            found = _asked(client, request_id)
            left = until - clock()
            if found.state not in SOON or left <= 0:
                return found
            sleep(min(left, PAUSE_SECONDS))
    finally:
        client.close()


def _asked(client: AgentClient, request_id: str) -> SettledRequest:
    path = f"/v1/requests/{quote(request_id, safe='')}"
    place = f"{client.url}/v1/requests"
    status, phrase, body = client.ask(path)
    try:
        told = json.loads(body)
        if status not in (200, 404) or told["schema"] != SCHEMA:
            raise EvidenceError(place, f"answers {status} {phrase}, and no document of {SCHEMA}")
        if told["schema_version"] != VERSION:
            raise EvidenceError(place, f"answers with version {told['schema_version']} of {SCHEMA}")
        return _of(told)
    except (ValueError, KeyError, TypeError):
        raise EvidenceError(place, f"answers {status} {phrase}, and no document of {SCHEMA}") from None


def _of(told: Mapping[str, Any]) -> SettledRequest:
    if told["state"] != "settled":
        return SettledRequest(
            request_id=told["request_id"],
            state=told["state"],
            reason=told["reason"],
            due=told["due"],
            document=told,
        )
    return SettledRequest(
        request_id=told["request_id"],
        state="settled",
        joules=told["energy_joules"],
        prefill_joules=told["prefill_joules"],
        decode_joules=told["decode_joules"],
        observed_share=told["observed_share"],
        late_seconds=told["late_seconds"],
        weighed_by_a_mean=told["weighed_by_a_mean"],
        attribution_rule=told["attribution_rule"],
        boundary=told["boundary"],
        grade=told["grade"],
        carbon=tuple(told["carbon"] or ()),
        reason=told.get("missing", ""),
        document=told,
    )
