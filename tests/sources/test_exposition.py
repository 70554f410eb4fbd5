"""Files in the text format and in OpenMetrics, as exporters print them in old and new versions."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.imported import Imported
from wattmark.core.known import Scope
from wattmark.ports import Source
from wattmark.sources.catalog import Asked, open_source
from wattmark.sources.exposition_lines import sample_of, series_of, time_us
from wattmark.sources.identity import host_of
from wattmark.testing.source_suite import SourceSuite, SourceWorld

FILES = Path(__file__).parent / "files" / "expositions"
T_MS = 1_790_000_000_000
H1 = host_of("n1")


class ExpositionWorld:
    """Five scrapes of a GPU and of something else, in the text format."""

    named = "metrics.prom"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / self.named
        self._lines = ["# TYPE nv_energy_consumption counter"]
        self._scrape(0, 5)

    def _scrape(self, first: int, last: int) -> None:
        for i in range(first, last):
            at = T_MS + 15_000 * i
            self._lines.append(f'nv_energy_consumption{{gpu_uuid="GPU-1"}} {i * 1500} {at}')
            self._lines.append(f'nv_gpu_utilization{{gpu_uuid="GPU-1"}} 0.5 {at}')
        self._write()

    def _write(self) -> None:
        self.path.write_text("\n".join(self._lines) + "\n")
        self.rows = len(self._lines)

    def open(self) -> Source:
        return open_source("exposition", [str(self.path)], Asked(host="n1"))

    def grow(self) -> None:
        self._scrape(5, 8)

    def move(self) -> None:
        (self._folder / "elsewhere").mkdir()
        self.path = Path(shutil.move(self.path, self._folder / "elsewhere" / "old.prom"))

    def damage(self) -> str:
        self._lines[5] = self._lines[5].replace("3000 ", "three thousand ")
        self._write()
        return f"{self.named}:6"

    def garble(self) -> None:
        self.path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))

    def remove(self) -> None:
        self.path.unlink()


class TestExposition(SourceSuite):
    """The rules that every source keeps."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        return ExpositionWorld(tmp_path)


def read(*paths: Path, host: str | None = "n1", **settings: str) -> Imported:
    source = open_source("exposition", [str(p) for p in paths], Asked(host=host, settings=settings))
    (portion,) = source.read()
    return portion


def joules(portion: Imported) -> dict[str, float]:
    """Energy of each whole device."""
    found: dict[str, float] = {}
    for s in portion.samples:
        if s.stream.unit == "J" and s.stream.scope is Scope.WHOLE:
            found[s.stream.device_id] = found.get(s.stream.device_id, 0) + sum(s.energy_uj) / 1e6
    return found


GROWS = re.compile(r"<([\d.]+)\+([\d.]+)>")


def scrapes(folder: Path, text: str, steps: int = 5, seconds: int = 15) -> Path:
    """A file with successive scrapes of what an exporter prints; ``<7+1500>`` grows by 1500 each time."""
    path = folder / "scrapes.prom"
    with path.open("w") as file:
        for i in range(steps):
            for line in text.splitlines():
                parts = GROWS.split(line)
                if len(parts) == 4:
                    line = f"{parts[0]}{float(parts[1]) + i * float(parts[2])!r}{parts[3]}"  # noqa: PLW2901
                file.write(line if line.startswith("#") else f"{line} {T_MS + i * seconds * 1000}")
                file.write("\n")
    return path


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dcgm-3", {"GPU-6d5c": 6000}),
        ("dcgm-4.6", {"GPU-6d5c": 6000}),
        ("kepler-0.7", {f"cpu:{H1}/package": 3000, f"dram:{H1}/package": 300, f"node:{H1}": 12_000}),
        ("kepler-0.11", {f"cpu:{H1}/package": 3000, f"dram:{H1}/package": 300, "GPU-6d5c": 6000}),
        ("scaphandre-1", {f"cpu:{H1}/package-0": 3000, f"dram:{H1}/package-0": 300}),
        (
            "node_exporter-1.5",
            {f"cpu:{H1}/package-0": 3000, f"dram:{H1}/package-0": 300, f"node:{H1}": 12_000},
        ),
        ("amd-1.4", {f"gpu:{H1}/SN-0": 6000}),
        ("xpumd-2", {f"gpu:{H1}/12345678": 6000}),
        ("xpum-1", {f"gpu:{H1}/uuid-1": 6000}),
        ("gaudi-1", {f"gpu:{H1}/01P0": 6000}),
        ("nvidia_gpu_exporter-1", {"GPU-df6e": 6000}),
        ("triton-2", {"GPU-71ce": 6000}),
        ("ipmi-1", {f"node:{H1}": 12_000}),
        ("redfish-1", {f"node:{H1}": 12_000}),
        ("idrac-2", {f"node:{H1}": 12_000}),
        ("otel-hw", {f"gpu:{H1}/gpu-0": 6000, f"cpu:{H1}/cpu-0": 3000, f"node:{H1}": 12_000}),
        ("codecarbon-3", {f"cpu:{H1}/package": 3000, f"dram:{H1}/package": 300}),
        ("wattmark", {}),
    ],
)
def test_what_exporters_print_is_understood(tmp_path: Path, name: str, expected: dict[str, float]) -> None:
    """A minute of every exporter: CPU 50 W, memory 5 W, GPU 100 W, node 200 W, whatever it calls them."""
    portion = read(scrapes(tmp_path, (FILES / f"{name}.prom").read_text()))
    assert joules(portion) == pytest.approx(expected)
    assert not any("read like energy" in n for n in portion.notes)
    assert portion.bad == ()


def test_openmetrics_says_times_in_seconds(tmp_path: Path) -> None:
    """With # EOF at the end the format is OpenMetrics; exemplars are none of ours."""
    path = tmp_path / "om.txt"
    path.write_text(
        "# TYPE kepler_node_cpu_joules counter\n"
        "# UNIT kepler_node_cpu_joules joules\n"
        'kepler_node_cpu_joules_total{zone="package",node_name="n1"} 100 1790000000.5 # {id="1"} 1 2\n'
        'kepler_node_cpu_joules_total{zone="package",node_name="n1"} 400 1790000015.500 # {id="1"} 1\n'
        "# EOF\n"
    )
    portion = read(path)
    assert joules(portion) == {f"cpu:{H1}/package": 300}
    assert list(portion.samples[0].start_us) == [1_790_000_000_500_000]


def test_scrapes_in_several_files_are_read_as_one(tmp_path: Path) -> None:
    """One file per scrape, without times: they were made when the files were written."""
    for i in range(3):
        path = tmp_path / f"{i}.prom"
        path.write_text(f'nv_energy_consumption{{gpu_uuid="GPU-1"}} {i * 1000}\n')
        os.utime(path, (1_790_000_000 + 10 * i,) * 2)
    assert joules(read(tmp_path, time="mtime")) == {"GPU-1": 2000}


def test_scrapes_without_times_need_one(tmp_path: Path) -> None:
    """The error says which option gives it."""
    path = tmp_path / "a.prom"
    path.write_text('nv_energy_consumption{gpu_uuid="GPU-1"} 1\n')
    with pytest.raises(EvidenceError, match="-o time=mtime"):
        read(path)
    with pytest.raises(UsageError, match="is no time"):
        read(path, time="soon")
    assert "energy is what lies between two" in read(path, time="2026-11-01T00:00:00Z").notes[0]


def test_lines_in_any_order_and_twice_give_the_same(tmp_path: Path) -> None:
    """Sorted by time; a repeated sample is ignored."""
    path = tmp_path / "a.prom"
    lines = [
        f'nv_energy_consumption{{gpu_uuid="GPU-1"}} {i * 1000} {T_MS + i * 10_000}' for i in (2, 0, 1, 1)
    ]
    path.write_text("\n".join(lines) + "\n")
    portion = read(path)
    assert joules(portion) == {"GPU-1": 2000}
    assert (portion.taken, portion.ignored) == (3, 1)


def test_a_web_page_is_no_exposition(tmp_path: Path) -> None:
    """Named with the first line that fits nothing."""
    path = tmp_path / "a.prom"
    path.write_text("<html>\n<body>Login</body></html>\n")
    with pytest.raises(EvidenceError, match=r"a.prom:1: is no text exposition of metrics"):
        read(path)


def test_a_file_without_energy_says_so(tmp_path: Path) -> None:
    """And what may have been meant is named."""
    path = tmp_path / "a.prom"
    path.write_text("up 1\nrack_energy_joules_total 5\n")
    portion = read(path)
    assert portion.samples == ()
    assert "rack_energy_joules_total" in portion.notes[0]
    assert "none of the metrics that are known is in it" in portion.notes[1]


@pytest.mark.parametrize(
    ("line", "series", "value", "at"),
    [
        ("a 1", "a", 1.0, None),
        ('a_b:c{x="1"} 1e3 1790000000000', 'a_b:c{x="1"}', 1000.0, "1790000000000"),
        ('a{x="}",y="\\"q\\" # {"} 2 -5', 'a{x="}",y="\\"q\\" # {"}', 2.0, "-5"),
        ("a{} +Inf", "a{}", float("inf"), None),
        ('{"hw.energy",hw_id="1"} 3', '{"hw.energy",hw_id="1"}', 3.0, None),
    ],
)
def test_a_line_is_taken_apart(line: str, series: str, value: float, at: str | None) -> None:
    """Braces, quotes and hashes inside of labels are part of them."""
    assert sample_of(line) == (series, value, at)


@pytest.mark.parametrize("line", ["a", "a b", "a 1_000", 'a{x="1} 1', "1a 1", "a 1 now", "a 1 2 3"])
def test_a_line_that_is_no_sample_is_refused(line: str) -> None:
    """With what is wrong."""
    with pytest.raises(ValueError, match="is no"):
        sample_of(line)


def test_labels_are_unescaped() -> None:
    """Line ends, quotes and backslashes; a quoted name is the metric's."""
    assert series_of('a{x="1\\n2",y="\\"\\\\",}') == ("a", {"x": "1\n2", "y": '"\\'})
    assert series_of('{"hw.energy", hw_id="1"}') == ("hw.energy", {"hw_id": "1"})
    with pytest.raises(ValueError, match="is no label"):
        series_of("a{x=1}")
    with pytest.raises(ValueError, match="names no metric"):
        series_of('{x="1"}')


def test_times_are_in_the_unit_of_the_format() -> None:
    """Milliseconds in the text format, seconds in OpenMetrics; what is neither is refused."""
    assert time_us("1790000000001", openmetrics=False) == 1_790_000_000_001_000
    assert time_us("1790000000.25", openmetrics=True) == 1_790_000_000_250_000
    with pytest.raises(ValueError, match="is no time in milliseconds"):
        time_us("-5", openmetrics=False)
