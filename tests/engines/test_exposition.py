"""The samples that are wanted, and only those, whatever form a page has."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.engines.exposition import begins_one_of, read_page, wanted
from wattmark.sources.exposition_lines import sample_of, series_of

PAGES = Path(__file__).with_name("pages")

TEXT = b"""\
# HELP a:tokens_total Tokens.
# TYPE a:tokens_total counter
a:tokens_total{model="x",why="say \\"hi\\" }\\n"} 12.0
a:tokens_total{model="y"} 1.5e3 1790000000000
# HELP a:tokens_total_more Not wanted.
# TYPE a:tokens_total_more counter
a:tokens_total_more{model="x"} 7
# TYPE a:time_seconds histogram
a:time_seconds_bucket{model="x",le="+Inf"} 3
a:time_seconds_sum{model="x"} 0.25
a:time_seconds_count{model="x"} 3
# TYPE a:bare gauge
a:bare 2
# TYPE a:empty counter
"""


def read(page: bytes, *names: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    found = read_page(page, wanted(names)).samples
    return {name: [(dict(labels), value) for labels, value in series] for name, series in found.items()}


def test_wanted_samples_are_read_with_their_labels() -> None:
    """Escaped quotes, braces and line ends in a label; times after the value are left."""
    assert read(TEXT, "a:tokens_total") == {
        "a:tokens_total": [({"model": "x", "why": 'say "hi" }\n'}, 12.0), ({"model": "y"}, 1500.0)]
    }


def test_the_sum_of_a_histogram_is_a_sample_of_its_own() -> None:
    """And its buckets are none."""
    assert read(TEXT, "a:time_seconds_sum") == {"a:time_seconds_sum": [({"model": "x"}, 0.25)]}


def test_a_sample_without_labels_is_read() -> None:
    """Its labels are none."""
    assert read(TEXT, "a:bare", "a:absent") == {"a:bare": [({}, 2.0)]}


def test_a_family_without_samples_is_declared() -> None:
    """It says that the engine knows such a thing and has counted none."""
    page = read_page(TEXT, wanted(["a:empty", "a:absent"]))
    assert (page.samples, page.declared) == ({}, frozenset({"a:empty"}))


def test_a_page_without_type_lines_is_read_as_well() -> None:
    """Formats do not ask for them."""
    bare = b"\n".join(line for line in TEXT.split(b"\n") if not line.startswith(b"#"))
    assert read(bare, "a:tokens_total", "a:bare") == read(TEXT, "a:tokens_total", "a:bare")


def test_openmetrics_names_counters_without_their_end() -> None:
    """The TYPE line lacks _total, a sample may carry an exemplar."""
    page = (
        b'# TYPE a:n counter\na:n_total{m="x"} 4 # {trace="1"} 0.5 1790000000\na:n_created{m="x"} 9\n# EOF\n'
    )
    assert read(page, "a:n_total") == {"a:n_total": [({"m": "x"}, 4.0)]}


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf"])
def test_numbers_that_are_none_are_left_out(value: str) -> None:
    """They are no zero."""
    assert read(f"a:bare {value}\n".encode(), "a:bare") == {}


@pytest.mark.parametrize("page", [b'a:bare{x="1', b"a:bare ", b"a:bare abc\n", b'a:bare{x="1"} \n'])
def test_a_wanted_line_that_breaks_off_is_refused(page: bytes) -> None:
    """Half a page is no page."""
    with pytest.raises(ValueError, match=r"breaks off|is no number"):
        read(page, "a:bare")


def test_signs_are_names_of_metrics_and_no_words_in_between() -> None:
    """A help text that mentions another engine is none of its metrics."""
    assert begins_one_of(b"# HELP a like vllm:x\n# TYPE vllm:x counter\n", ["vllm:"])
    assert begins_one_of(b"vllm:x 1\n", ["sglang:", "vllm:"])
    assert not begins_one_of(b"# HELP a like vllm:x\na 1\n", ["vllm:"])


NAMES = st.sampled_from(["a:n_total", "a:m", "b_sum", "process_start_time_seconds"])
LABELS = st.dictionaries(
    st.sampled_from(["model", "le", "engine"]), st.text(st.characters(codec="utf-8"), max_size=8), max_size=3
)


@given(st.lists(st.tuples(NAMES, LABELS, st.floats(0, 1e18)), max_size=8), st.booleans())
def test_what_is_written_is_read(series: list[tuple[str, dict[str, str], float]], typed: bool) -> None:
    """Every sample of every wanted name, in its order, whatever its labels hold."""
    lines = []
    for name in dict.fromkeys(n for n, _, _ in series):
        lines += [f"# TYPE {name} untyped"] if typed else []
        lines += [written(n, labels, value) for n, labels, value in series if n == name]
    found = read("".join(f"{line}\n" for line in lines).encode(), "a:n_total", "a:m", "b_sum")
    expected: dict[str, list[tuple[dict[str, str], float]]] = {}
    for name, labels, value in series:
        if name != "process_start_time_seconds":
            expected.setdefault(name, []).append((labels, value))
    assert found == expected


def written(name: str, labels: dict[str, str], value: float) -> str:
    """A line as client libraries write it."""
    escaped = {k: v.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"") for k, v in labels.items()}
    inside = ",".join(f'{k}="{v}"' for k, v in escaped.items())
    return f"{name}{{{inside}}} {value!r}" if labels else f"{name} {value!r}"


@pytest.mark.parametrize("path", sorted(PAGES.glob("*.prom")), ids=lambda p: p.stem)
def test_real_pages_are_read_as_the_importer_reads_them(path: Path) -> None:
    """The fast reader and the one that reads every line agree on every sample of every real page."""
    page = path.read_bytes()
    expected: dict[str, list[tuple[dict[str, str], float]]] = {}
    for line in page.decode().splitlines():
        if line and not line.startswith("#"):
            series, value, _ = sample_of(line)
            name, labels = series_of(series)
            expected.setdefault(name, []).append((dict(labels), value))
    assert read(page, *expected) == expected
