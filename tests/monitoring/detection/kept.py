"""A Prometheus that keeps what a simulated node's agent would have shown."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

from tests.fakes.http_server import Quiet, serving
from wattmark.core.serving.window import ServingWindow
from wattmark.monitoring.detection.counted import ENERGY, READ, REQUESTS, SECONDS, UNOBSERVED, WRITTEN

Labels = tuple[tuple[str, str], ...]


def counters(windows: Iterator[ServingWindow]) -> dict[str, dict[Labels, dict[int, float]]]:
    """Metric -> labels -> second -> the counter's value at the end of each window."""
    totals: dict[tuple[str, Labels], float] = defaultdict(float)
    kept: dict[str, dict[Labels, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    for window in windows:
        for metric, labels, amount in _amounts(window):
            totals[metric, labels] += amount
        for (metric, labels), total in totals.items():
            kept[metric][labels][window.end_us // 1_000_000] = total
    return kept


def _amounts(window: ServingWindow) -> Iterator[tuple[str, Labels, float]]:
    node = {"instance": "node:9465", "job": "wattmark"}
    for use in window.devices:
        lacking = window.seconds - use.observed_seconds
        yield UNOBSERVED, _labels(node, device=use.device_id), lacking
    of = {use.device_id: use for use in window.devices}
    for share in window.shares:
        use, who = of[share.device_id], share.service
        common = {
            "model": who.model,
            "model_version": who.model_version,
            "target": who.target,
            "attribution_rule": str(window.rule),
            "boundary": str(use.boundary),
            "grade": str(use.grade),
        }
        yield ENERGY, _labels(node, **common, outcome="success"), share.succeeded_joules
        yield ENERGY, _labels(node, **common, outcome="failed"), share.failed_joules
        yield ENERGY, _labels(node, **common, outcome="idle"), share.idle_joules
    for work in window.works:
        who = work.service
        common = {"model": who.model, "model_version": who.model_version, "target": who.target}
        yield REQUESTS, _labels(node, **common, outcome="success"), work.requests
        yield REQUESTS, _labels(node, **common, outcome="failed"), work.failed
        yield READ, _labels(node, **common), work.input_tokens or 0.0
        yield WRITTEN, _labels(node, **common), work.output_tokens or 0.0
        yield SECONDS, _labels(node, **common), work.request_seconds or 0.0


def _labels(node: dict[str, str], **more: str) -> Labels:
    return tuple(sorted({**node, **more}.items()))


@contextmanager
def prometheus(kept: dict[str, dict[Labels, dict[int, float]]]) -> Iterator[str]:
    """A server that answers /api/v1/query_range as Prometheus documents it; its address."""

    class Handler(Quiet):
        def do_GET(self) -> None:
            asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            name, _, wanted = asked["query"].partition("{")
            only = re.search(r'model="([^"]*)"', wanted)
            times = range(int(float(asked["start"])), int(float(asked["end"])) + 1, int(asked["step"]))
            result = [
                {
                    "metric": {"__name__": name, **dict(labels)},
                    "values": [[at, str(values[at])] for at in times if at in values],
                }
                for labels, values in kept.get(name, {}).items()
                if only is None or dict(labels).get("model") == only.group(1)
            ]
            body = json.dumps(
                {"status": "success", "data": {"resultType": "matrix", "result": result}}
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with serving(Handler) as url:
        yield url
