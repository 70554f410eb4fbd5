"""Files: packed, broken, long; chunks; and requests that are told twice."""

import gzip
import importlib.util
import json
import random
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attribution.logs.reading import NOON, read, written
from wattmark.attribution import columns
from wattmark.attribution.logs.catalog import open_requests
from wattmark.attribution.logs.files import MOST_LINE, Block, blocks_of, lines_of
from wattmark.attribution.logs.reading import Seen, chunked, hashed
from wattmark.attribution.logs.tally import Tally
from wattmark.core.serving.request import Request, Service

LINE = {"start": NOON, "end": NOON + 1}


def test_packed_logs_are_unpacked_by_what_they_begin_with(tmp_path: Path) -> None:
    """Whatever they are called."""
    text = (json.dumps(LINE) + "\n").encode()
    (tmp_path / "a").write_bytes(gzip.compress(text * 3))
    assert len(read(tmp_path / "a")[0]) == 3


def test_logs_packed_with_zstandard(tmp_path: Path) -> None:
    """Several frames one after the other, as log rotation appends them."""
    if importlib.util.find_spec("zstandard") is None:
        pytest.skip("zstandard is not installed")
    import zstandard

    text = (json.dumps(LINE) + "\n").encode()
    (tmp_path / "a.zst").write_bytes(zstandard.compress(text) + zstandard.compress(text))
    assert len(read(tmp_path / "a.zst")[0]) == 2


def test_a_packed_log_that_breaks_off_gives_what_it_holds_and_says_so(tmp_path: Path) -> None:
    """A machine that lost power while it packed: the rows until then are good."""
    rng = random.Random(1)
    lines = [json.dumps(LINE | {"request_id": f"{rng.random()}"}) for _ in range(20_000)]
    whole = gzip.compress("\n".join(lines).encode())
    (tmp_path / "a.gz").write_bytes(whole[: len(whole) * 3 // 4])
    found, log = read(tmp_path / "a.gz")
    assert 10_000 < len(found) < 20_000
    assert any("breaks off" in bad.reason for bad in log.tally.bad)


def test_a_line_without_end_and_a_mark_at_the_beginning(tmp_path: Path) -> None:
    """As editors and killed writers leave them."""
    line = json.dumps(LINE).encode()
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbf" + line + b"\r\n\r\n" + line)
    found, log = read(tmp_path / "a")
    assert (len(found), log.tally.bad_rows) == (2, 0)


def test_a_line_that_is_too_long_is_passed_over(tmp_path: Path) -> None:
    """It is bad, and the lines after it keep their numbers."""
    (tmp_path / "a").write_bytes(b"x" * (MOST_LINE + (2 << 20)) + b"\nsecond\n\nfourth")
    tally = Tally("a")
    found = [pair for block in blocks_of(tmp_path / "a", tally, 1 << 20) for pair in lines_of(block)]
    assert found == [(2, b"second"), (4, b"fourth")]
    assert (tally.bad[0].place, tally.bad_rows) == ("a:1", 1)


SHORT = st.binary(max_size=20).map(lambda b: b.replace(b"\n", b"").strip())


@given(st.lists(SHORT, max_size=30), st.integers(1, 50))
def test_lines_are_the_same_whatever_the_size_of_a_block(lines: list[bytes], size: int) -> None:
    """With their numbers."""
    text = b"\n".join([b"first", *lines])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.write_bytes(text)
        told = [pair for block in blocks_of(path, Tally("a"), size) for pair in lines_of(block)]
    assert told == list(lines_of(Block(1, text)))


def test_chunks_have_the_size_that_was_asked_for(tmp_path: Path) -> None:
    """Of 25 requests in chunks of 10 the last has 5, and their rows go on."""
    path = written(tmp_path / "log", [LINE] * 25)
    parts = list(open_requests(path, chunk=10))
    assert [len(part) for part in parts] == [10, 10, 5]
    assert np.concatenate([part.row for part in parts]).tolist() == list(range(1, 26))


def test_a_request_that_is_delivered_twice_counts_once(tmp_path: Path) -> None:
    """Same id, same times. With other times it is another try, which used energy of its own."""
    rows = [LINE | {"request_id": "a"}, LINE | {"request_id": "b"}, LINE | {"request_id": "a"}]
    retry = {"start": NOON + 5, "end": NOON + 6, "request_id": "a"}
    found, log = read(written(tmp_path / "log", [*rows, retry]))
    assert [(r.request_id, r.start_us // 1_000_000 - NOON) for r in found] == [("a", 0), ("b", 0), ("a", 5)]
    assert log.tally.repeated == 1
    assert any("further tries" in note for note in log.tally.notes)


def test_a_request_that_two_logs_tell_of_counts_once(tmp_path: Path) -> None:
    """A log and its rotated copy, whether or not anybody wants the ids."""
    one = written(tmp_path / "log", [LINE | {"request_id": "a"}, LINE | {"request_id": "b"}])
    other = written(tmp_path / "log.1", [LINE | {"request_id": "b"}])
    seen = Seen()
    logs = [open_requests(path, with_ids=False, seen=seen) for path in (one, other)]
    assert [sum(len(part) for part in log) for log in logs] == [2, 0]
    assert (logs[1].tally.repeated, logs[1].tally.bad_rows) == (1, 0)


def test_ids_are_kept_only_where_they_are_wanted(tmp_path: Path) -> None:
    """They are the largest column."""
    path = written(tmp_path / "log", [LINE | {"request_id": "a"}])
    assert [len(part.request_id) for part in open_requests(path, with_ids=False)] == [0]
    assert [part.request_id.tolist() for part in open_requests(path)] == [[b"a"]]


def test_requests_without_an_id_are_never_taken_for_one(tmp_path: Path) -> None:
    """Two requests may well have started and ended together."""
    found, log = read(written(tmp_path / "log", [LINE, LINE]))
    assert (len(found), log.tally.repeated) == (2, 0)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3)), max_size=30), st.integers(1, 7))
def test_of_equal_deliveries_the_first_stays(told: list[tuple[str, int]], size: int) -> None:
    """Across parts of any size."""
    requests = [
        Request(request_id=name, service=Service(), start_us=at * 10**15, end_us=at * 10**15 + 5)
        for name, at in told
    ]
    parts = [columns.of(requests[i : i + size]) for i in range(0, len(requests), size)]
    tally = Tally("log")
    found = [r for part in chunked(parts, 4, tally) for r in part.requests()]
    assert found == list(dict.fromkeys(requests))
    assert tally.taken + tally.repeated == len(requests)


@given(st.lists(st.text("abcé", min_size=1, max_size=20), unique=True, min_size=1))
def test_a_hash_does_not_depend_on_how_wide_its_column_is(names: list[str]) -> None:
    """And differs between names."""
    as_bytes = np.array([name.encode() for name in names])
    wide = as_bytes.astype(f"S{as_bytes.dtype.itemsize + 13}")
    assert hashed(as_bytes).tolist() == hashed(wide).tolist()
    assert len(set(hashed(as_bytes).tolist())) == len(names)


def test_the_rows_of_a_log_add_up(tmp_path: Path) -> None:
    """Taken, ignored, repeated and bad are all of them."""
    rows = [LINE | {"request_id": "a"}] * 2 + [{"event": "start", "start": NOON}, {"start": 1}, LINE, LINE]
    _, log = read(written(tmp_path / "log", rows))
    tally = log.tally
    assert (tally.taken, tally.ignored, tally.repeated, tally.bad_rows, tally.rows) == (3, 1, 1, 1, 6)
