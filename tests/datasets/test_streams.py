"""Files as streams of uncompressed bytes, and their rows."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.errors import EvidenceError, MissingExtra
from wattmark.datasets.streams import RowCounter, kind_of, uncompressed

TEXT = b"".join(b"line %d\n" % i for i in range(50_000))


def rows(kind: str, text: bytes, block: int = 7) -> int | None:
    """Rows of a text fed in small blocks."""
    counter = RowCounter(kind)
    for i in range(0, len(text), block):
        counter.feed(text[i : i + block])
    return counter.rows


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_packed_file_gives_what_it_holds(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    """Told by its first bytes, whatever its name."""
    path = tmp_path / "data.jsonl"
    path.write_bytes(pack(TEXT))
    assert b"".join(uncompressed(path)) == TEXT


def test_zstd_is_unpacked_where_it_can_be(tmp_path: Path) -> None:
    """With the standard library of Python 3.14, or with its package."""
    zstandard = pytest.importorskip(
        "zstandard", reason="packs the test file; pip install 'wattmark[datasets]'"
    )
    path = tmp_path / "data.zst"
    path.write_bytes(zstandard.compress(TEXT[:5000]) + zstandard.compress(TEXT[5000:]))
    assert b"".join(uncompressed(path)) == TEXT


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="zstd is in the standard library from Python 3.14 on")
def test_zstd_without_its_package_names_the_extra(tmp_path: Path) -> None:
    """Run where nothing but the standard library can be imported."""
    import subprocess

    path = tmp_path / "data.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd\0\0")
    source = Path(__file__).parents[2] / "src"
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n"
        "from wattmark.datasets.streams import uncompressed\n"
        f"from wattmark.core.errors import {MissingExtra.__name__}\n"
        "try: list(uncompressed(Path(sys.argv[2])))\n"
        "except MissingExtra as error: print(error)\n"
    )
    told = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(source), str(path)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "wattmark[datasets]" in told.stdout


def test_a_truncated_file_is_an_error_not_a_short_dataset(tmp_path: Path) -> None:
    """Half a gzip file is told, with its name."""
    path = tmp_path / "half.gz"
    path.write_bytes(gzip.compress(TEXT)[:-500])
    with pytest.raises(EvidenceError, match=r"half\.gz"):
        list(uncompressed(path))


def test_progress_is_told_in_bytes_on_disk(tmp_path: Path) -> None:
    """It ends at the file's size."""
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(TEXT))
    places: list[int] = []
    list(uncompressed(path, places.append))
    assert places[-1] == path.stat().st_size


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.jsonl", "lines"),
        ("a.NDJSON.gz", "lines"),
        ("a.txt.zst", "lines"),
        ("a.csv.bz2", "table"),
        ("a.tsv", "table"),
        ("a.png", "bytes"),
        ("gz", "bytes"),
    ],
)
def test_rows_are_counted_by_the_kind_of_file(name: str, kind: str) -> None:
    """Its name without the compression tells."""
    assert kind_of(Path(name)) == kind


@pytest.mark.parametrize(
    ("kind", "text", "count"),
    [
        ("lines", b"", 0),
        ("lines", b"a\nb\n", 2),
        ("lines", b"a\nb", 2),
        ("lines", b"a\r\n\r\nb\r\n\n\n", 2),
        ("table", b"", 0),
        ("table", b"name,age\nann,5\nbob,6\n", 2),
        ("table", b"1,2\n3,4\n", 2),
        ("table", b'id,text\n1,"two\nlines"\n2,"say ""hi""\n"\n', 2),
        ("table", b'"text"\n"a"\n"b\n"\n', 2),
        ("table", b'"1","2"\n"3","4"', 2),
        ("bytes", b"a\nb\n", None),
    ],
)
def test_rows_of_text(kind: str, text: bytes, count: int | None) -> None:
    """Blank lines and a header are no rows; a line break in quotes ends none; a last line needs no break."""
    assert rows(kind, text) == count


@given(cells=st.lists(st.text('ab"\n\r,', max_size=6), min_size=1, max_size=20), block=st.integers(1, 50))
def test_quoted_cells_never_make_rows(cells: list[str], block: int) -> None:
    """As many rows as the standard library's writer wrote, however the file is read."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["n", "text"])
    for i, cell in enumerate(cells):
        writer.writerow([i, cell])
    assert rows("table", out.getvalue().encode(), block) == len(cells)
