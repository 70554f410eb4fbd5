"""Reads energy, power and work out of a running Prometheus: raw samples, with their own times.

wattmark import prometheus http://127.0.0.1:9090 -o start=-24h
"""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC

from wattmark.core.errors import UsageError
from wattmark.core.imported import BadRow, Imported
from wattmark.core.sound import MOST_US
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.label_mapping import LabelMapping, host_name, read_mapping
from wattmark.sources.metrics import Metrics, bundled_metrics, levels_taken, looks_like_energy
from wattmark.sources.moments import moment_us
from wattmark.sources.prometheus_api import Api, Found, TooMuch, open_api, selector_of
from wattmark.sources.scraped import Gatherer
from wattmark.sources.scraped_series import Scraped
from wattmark.sources.scraped_streams import Binder, Names

OPTIONS: Mapping[str, str] = {
    "start": "From when: 2026-11-01T00:00:00Z, seconds since 1970, or -24h [-24h].",
    "end": "Until when, in the same way [now].",
    "match": 'Only series with these labels, e.g. cluster="a",job=~"dcgm.*".',
    "mapping": "TOML file that says which label is which tag; see the page on this importer.",
    "shares": "Which shares of devices: auto, pod, container, vm, process or none [auto].",
    "work": "Whose counts of work: auto, server, client or none [auto].",
    "read": "raw samples, or range: values at each step, where a server refuses range selectors [raw].",
    "step": "Seconds between two values for read=range [15].",
    "longest_gap": "Seconds between two samples that still count [twice each series' usual distance].",
    "timeout": "Seconds to wait for one answer [60].",
    "ca": "File with the certificate of the server's authority.",
    "tenant": "Tenant of a Mimir or Cortex (X-Scope-OrgID).",
}

FIRST_PAGE_MS = 3_600_000
LEAST_PAGE_MS = 10_000
MOST_PAGE_MS = 86_400_000
PAGE_SAMPLES = 400_000
"""Samples that one portion aims at: some 100 MB of memory, and far from the 50 million that a Prometheus
loads for one question by default."""
GROWTH = 4
WEEK_MS = 7 * 86_400_000
_RELATIVE = re.compile(r"-(\d+(?:\.\d+)?)([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def open_source(
    inputs: Inputs,
    asked: Asked,
    *,
    environment: Mapping[str, str] | None = None,
    now: Callable[[], float] = time.time,
    open_server: Callable[..., Api] = open_api,
) -> PrometheusSource:
    """The servers at these addresses. Raises UsageError or ConfigError for what was asked wrongly."""
    settings = asked.settings
    end_ms = _moment_ms(settings.get("end", "now"), now(), "end")
    start_ms = _moment_ms(settings.get("start", "-24h"), end_ms / 1e3, "start")
    if start_ms >= end_ms:
        raise UsageError("-o start must lie before -o end")
    apis = [
        open_server(
            url,
            os.environ if environment is None else environment,
            timeout_seconds=_positive(settings, "timeout", 60.0),
            cafile=settings.get("ca"),
            tenant=settings.get("tenant"),
        )
        for url in inputs
    ]
    gap = _positive(settings, "longest_gap", 0.0)
    return PrometheusSource(
        apis=apis,
        asked=asked,
        start_ms=start_ms,
        end_ms=end_ms,
        mapping=read_mapping(settings.get("mapping")),
        matchers=_matchers(settings.get("match", "")),
        step_seconds=_positive(settings, "step", 15.0)
        if _choice(settings, "read", ("raw", "range"))
        else None,
        longest_gap_us=round(gap * 1e6) if gap else None,
        metrics=bundled_metrics(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PrometheusSource:
    """Some servers and the stretch of time that is asked for."""

    apis: list[Api]
    asked: Asked
    start_ms: int
    end_ms: int
    mapping: LabelMapping
    matchers: tuple[str, ...]
    step_seconds: float | None
    """None: raw samples."""
    longest_gap_us: int | None
    metrics: Metrics

    def read(self) -> Iterator[Imported]:
        """Samples of all servers, an hour or so at a time."""
        for api in self.apis:
            yield from self._server(api)

    def _server(self, api: Api) -> Iterator[Imported]:
        names = api.names(self.start_ms / 1e3, self.end_ms / 1e3)
        known = [n for n in names if self.metrics.takes(n)]
        binder = Binder(
            place=api.url,
            metrics=self.metrics,
            levels=levels_taken(self.metrics, known, lambda what: self.asked.settings.get(what, "auto")),
            mapping=self.mapping,
            asked=self.asked,
        )
        if known:
            binder.names = self._names(api, names)
        gatherer = Gatherer(binder, longest_gap_us=self.longest_gap_us)
        taken = 0
        for page, bad in self._pages(api, known):
            portion = gatherer.portion(page, bad)
            taken += portion.taken
            yield portion
        yield Imported(notes=gatherer.notes(self._told(api, names, known, taken)))

    def _pages(self, api: Api, known: list[str]) -> Iterator[tuple[list[Scraped], list[BadRow]]]:
        """All known series, page by page in time; how long a page is follows from how much it holds."""
        at, length = self.start_ms - 1, FIRST_PAGE_MS
        while at < self.end_ms and known:
            until = min(at + length, self.end_ms)
            try:
                page, bad = self._page(api, known, at, until)
            except TooMuch as error:
                if length <= LEAST_PAGE_MS:
                    raise UsageError(
                        f"{api.url}: even {length / 1e3:g} s are too much for the server ({error}): narrow it"
                        " with -o match, raise -o timeout, or --query.max-samples of the server"
                    ) from None
                length = max(LEAST_PAGE_MS, min(length, until - at) // GROWTH)
                continue
            yield page, bad
            samples = sum(len(s.times_us) for s in page)
            wished = length * PAGE_SAMPLES / samples if samples else math.inf
            length = round(max(LEAST_PAGE_MS, min(wished, length * GROWTH, MOST_PAGE_MS)))
            at = until

    def _page(
        self, api: Api, known: list[str], after_ms: int, until_ms: int
    ) -> tuple[list[Scraped], list[BadRow]]:
        """Samples after one moment and until another, of every known metric."""
        page: list[Scraped] = []
        bad: list[BadRow] = []
        for name in known:
            selector = selector_of(name, self.matchers)
            if self.step_seconds is None:
                found = api.raw(selector, after_ms + 1, until_ms)
            else:
                step_ms = round(self.step_seconds * 1e3)
                first = -(-(after_ms + 1) // step_ms) * step_ms
                found = api.stepped(selector, first, until_ms, self.step_seconds) if first <= until_ms else []
            for series in found:
                page.append(_scraped(name, series, after_ms, bad, api.url))
        return page, bad

    def _names(self, api: Api, names: list[str]) -> Names:
        """What other exporters say of machines' names and pods' labels, where they are there."""
        there = set(names)

        def series(name: str) -> list[dict[str, str]]:
            if name not in there:
                return []
            # Labels change seldom; a week of them is what large servers answer quickly.
            start_ms = max(self.start_ms, self.end_ms - WEEK_MS)
            return api.series(selector_of(name, self.matchers), start_ms / 1e3, self.end_ms / 1e3)

        hosts = {
            host_name({"instance": s["instance"]}): s["nodename"]
            for s in series("node_uname_info")
            if s.get("instance") and s.get("nodename")
        }
        for name, address in (("kube_node_info", "internal_ip"), ("kube_pod_info", "pod_ip")):
            hosts |= {s[address]: s["node"] for s in series(name) if s.get(address) and s.get("node")}
        pods = {
            (s.get("namespace", ""), s.get("pod", "")): {k: v for k, v in s.items() if k.startswith("label_")}
            for s in series("kube_pod_labels")
        }
        pods.pop(("", ""), None)
        return Names(hosts=hosts, pods=pods)

    def _told(self, api: Api, names: list[str], known: list[str], taken: int) -> list[str]:
        unknown = sorted(n for n in names if looks_like_energy(n) and not self.metrics.knows(n))
        left = sorted(n for n in names if self.metrics.knows(n) and not self.metrics.takes(n))
        said = [f"{api.url} says: {warning}" for warning in api.warnings]
        if unknown:
            said.append(
                f"not known, and left out although the names read like energy or power: {', '.join(unknown)}"
            )
        said += [f"{name}: left out: {self.metrics.why_left_out(name)}" for name in left]
        if not known:
            said.append(f"{api.url} has none of the metrics that are known, of {len(names)} in all")
        elif not taken:
            said.append(f"{api.url} has no samples between start and end: {', '.join(known[:6])}")
        return said


def _scraped(name: str, found: Found, after_ms: int, bad: list[BadRow], url: str) -> Scraped:
    """A series of an answer, without the sample before its start that older servers add."""
    labels = {k: v for k, v in found.metric.items() if k != "__name__"}
    series = Scraped(name, labels, [], [])
    times, values = series.times_us, series.values
    try:
        for at, text in found.values:
            ms = round(at * 1e3)
            if ms > after_ms:
                times.append(ms * 1000)
                values.append(float(text))
    except ValueError:
        del times[:], values[:]
        _one_by_one(series, found, after_ms, bad, url)
    return series


def _one_by_one(series: Scraped, found: Found, after_ms: int, bad: list[BadRow], url: str) -> None:
    for at, text in found.values:
        ms = round(at * 1e3)
        if ms <= after_ms:
            continue
        try:
            value = float(text)
        except ValueError:
            bad.append(BadRow(f"{url} {series} @ {ms / 1e3:.3f}", f"{text!r} is no number"))
            continue
        series.times_us.append(ms * 1000)
        series.values.append(value)


def _moment_ms(text: str, now: float, key: str) -> int:
    """A moment in milliseconds since 1970; times without a zone are UTC."""
    relative = _RELATIVE.fullmatch(text)
    if text == "now":
        return round(now * 1e3)
    if relative:
        return round((now - float(relative[1]) * _SECONDS[relative[2]]) * 1e3)
    try:
        us = round(float(text) * 1e6)
    except (ValueError, OverflowError):
        us = moment_us(text, UTC) or -1
    if not 0 <= us < MOST_US:
        raise UsageError(f"-o {key}={text} is no time: write 2026-11-01T00:00:00Z, 1793491200 or -24h")
    return us // 1000


def _positive(settings: Mapping[str, str], key: str, default: float) -> float:
    text = settings.get(key)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 1e9:
        raise UsageError(f"-o {key}={text} is no number of seconds")
    return value


def _choice(settings: Mapping[str, str], key: str, choices: tuple[str, str]) -> bool:
    """True for the second choice, False for the first, which is the default."""
    said = settings.get(key, choices[0])
    if said not in choices:
        raise UsageError(f"-o {key}={said}: give {' or '.join(choices)}")
    return said == choices[1]


def _matchers(text: str) -> tuple[str, ...]:
    """Further matchers of a selector, with or without braces around them."""
    inside = text.strip().removeprefix("{").removesuffix("}").strip().rstrip(",")
    return (inside,) if inside else ()
