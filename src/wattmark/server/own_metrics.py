"""What a listener counts of itself, in Prometheus' text form.

The form: prometheus.io/docs/instrumenting/exposition_formats.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wattmark.server.listener import Listener

Samples = Mapping[str, float]
"""Labels as they are written -> value."""


def exposition(listener: Listener) -> str:
    """All of a listener's metrics. Reasons are no labels: there may be many."""
    return "".join(family(*told) for told in _families(listener))


def _families(listener: Listener) -> Iterator[tuple[str, str, str, Samples]]:
    t = listener.tally
    points, listen = "wattmark_listen_points", "wattmark_listen"
    yield f"{points}_accepted_total", "counter", "Points that are durable.", {"": t.accepted}
    yield f"{points}_rejected_total", "counter", "Points that were refused.", {"": t.rejected.total()}
    yield f"{points}_ignored_total", "counter", "Points that are none of ours.", {"": t.ignored.total()}
    yield f"{points}_repeated_total", "counter", "Points that were there before.", {"": t.repeated}
    yield f"{points}_late_total", "counter", "Points that came too late to be used.", {"": t.late.total()}
    by_status: Samples = {f'{{status="{status}"}}': n for status, n in sorted(t.requests.items())}
    yield f"{listen}_requests_total", "counter", "HTTP requests.", by_status
    yield f"{listen}_intervals_landed_total", "counter", "Intervals in the ledger.", {"": t.landed}
    yield (
        f"{listen}_gaps_total",
        "counter",
        "Intervals of which nothing is known.",
        {"": t.gaps.total()},
    )
    yield f"{listen}_batches_landed_total", "counter", "Batches in the ledger.", {"": t.batches}
    yield f"{listen}_landing_failures_total", "counter", "Times that landing failed.", {"": t.failures}
    waiting = "Acknowledged bytes that are not in the ledger yet."
    yield f"{listen}_backlog_bytes", "gauge", waiting, {"": listener.backlog}
    yield (
        f"{listen}_lag_seconds",
        "gauge",
        "Age of the oldest of them, at most.",
        {"": listener.lag_seconds},
    )


def family(name: str, kind: str, text: str, samples: Samples) -> str:
    """One metric with its samples; their labels are written already."""
    lines = [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
    lines += [f"{name}{labels} {value:.15g}" for labels, value in samples.items()]
    return "\n".join(lines) + "\n"
