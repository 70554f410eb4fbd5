"""Rows that are read all at once, and the same rows read one by one: never another answer."""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.attribution.logs.reading import NOON, written
from wattmark.attribution.columns import RequestColumns, joined
from wattmark.attribution.logs.blocks import Way, requests_in
from wattmark.attribution.logs.formats import CANDIDATES
from wattmark.attribution.logs.json_lines import first_rows, way_of
from wattmark.attribution.logs.layout import layout_for
from wattmark.attribution.logs.tally import Tally
from wattmark.core.serving.request import Request

ODD = st.none() | st.booleans() | st.sampled_from(["", "-", "x", " 5 ", -1, 1e300, 2**62, [1], {"a": 1}])
MOMENTS = st.floats(NOON, NOON + 10_000).map(lambda s: round(s, 6)) | st.sampled_from(
    [NOON, None, -1.5, 0, 5e12, 1e300, NOON * 1000]
)
COUNTS = st.integers(0, 10**6) | st.sampled_from([None, -1, 10**13, 2**62])
NAMES = st.sampled_from([None, "small", " large ", "-", "", "sk-123", "a" * 300, "zwölf", "tab\t"])
NATIVE = st.fixed_dictionaries(
    {"start": MOMENTS, "end": MOMENTS},
    optional={
        "event": st.sampled_from(["start", "end", None, "middle", "", "-", " end "]),
        "request_id": st.sampled_from(["r1", "r 2", "é", "Bearer x", "", None]),
        "model": NAMES,
        "tenant": NAMES,
        "first_token": MOMENTS,
        "input_tokens": COUNTS,
        "cached_input_tokens": COUNTS,
        "output_tokens": COUNTS,
        "failed": st.booleans() | st.none(),
        "prompt": st.text(),
    },
)
SECONDS = st.floats(0, 100).map(lambda s: f"{s:.3f}") | st.sampled_from(
    ["-", "", "0.1, 2.5", "0.1 : 0.2", "1e3", "soon", "-1", "100000", None]
)
NGINX = st.fixed_dictionaries(
    {
        "msec": MOMENTS.map(lambda s: None if s is None else f"{s:.3f}"),
        "request_time": SECONDS,
        "upstream_response_time": SECONDS,
    },
    optional={
        "status": st.sampled_from(["200", "499", "502, 200", "-", "0", "ok"]),
        "upstream_addr": NAMES,
        "request_id": st.sampled_from(["a", "b", "c"]),
        "request_completion": st.sampled_from(["OK", "", None, "-"]),
        "output_tokens": st.sampled_from(["5", "-", "", "007", "5.0", "5.5", "-5"]),
    },
)


def logs(rows: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Rows whose values have the types they should have; in some logs one has anything."""

    def spoilt(drawn: tuple[list[dict[str, Any]], int, Any]) -> list[dict[str, Any]]:
        some, place, odd = drawn
        row = some[place % len(some)]
        return [*some, {**row, sorted(row)[place % len(row)]: odd}]

    plain = st.lists(rows, min_size=1, max_size=8)
    return plain | plain | st.tuples(plain, st.integers(0, 100), ODD).map(spoilt)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(logs(NATIVE))
def test_request_lines_are_read_alike_at_once_and_one_by_one(rows: list[dict[str, Any]]) -> None:
    """Requests, refusals and what is ignored, row by row."""
    _same("jsonl", rows, {"start": NOON + 0.5, "end": NOON + 1.5})


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(logs(NGINX))
def test_access_logs_are_read_alike_at_once_and_one_by_one(rows: list[dict[str, Any]]) -> None:
    """Texts that hold numbers, several tries, and dashes for nothing."""
    usual = dict.fromkeys(("request_time", "upstream_response_time"), "1.000") | {"msec": f"{NOON}.000"}
    usual |= {
        "status": "200",
        "upstream_addr": "a",
        "request_id": "b",
        "request_completion": "OK",
        "output_tokens": "5",
    }
    _same("nginx", rows, usual)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.binary(max_size=40), max_size=10))
def test_bytes_that_are_no_log_are_bad_rows_and_nothing_else(lines: Sequence[bytes]) -> None:
    """Whatever stands between good rows, all of them are found, and nothing is raised."""
    good = json.dumps({"start": NOON, "end": NOON + 1, "request_id": "good"}).encode()
    junk = [line.replace(b"\n", b"").replace(b"\r", b"") for line in lines]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.write_bytes(b"\n".join([good, *junk, good.replace(b"good", b"also")]))
        layout = layout_for(CANDIDATES["jsonl"], first_rows(good), {}, "log")
        tally = Tally("log")
        found = joined(list(requests_in(path, layout, way_of(layout), tally, with_ids=True)))
    assert {r.request_id for r in found.requests()} >= {"good", "also"}
    assert len(found) + tally.bad_rows + tally.ignored == 2 + sum(bool(line.strip()) for line in junk)


def _same(name: str, rows: list[dict[str, Any]], usual: dict[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        path = written(Path(folder) / "log", [usual, *rows])
        layout = layout_for(CANDIDATES[name], [usual], {}, "log")
        way = way_of(layout)
        if way.table is None:
            pytest.skip("Arrow is not installed, so there is one way only")
        told = [_read(path, layout, one) for one in (way, Way(table=None, rows=way.rows))]
    assert told[0] == told[1]


def _read(path: Path, layout: Any, way: Way) -> tuple[list[tuple[int, Request]], list[tuple[str, str]], int]:
    tally = Tally("log")
    found: RequestColumns = joined(list(requests_in(path, layout, way, tally, with_ids=True)))
    requests = sorted(zip(found.row.tolist(), found.requests(), strict=True), key=lambda pair: pair[0])
    return requests, sorted((b.place, b.reason) for b in tally.bad), tally.ignored
