"""What ``nvidia-smi --query-gpu`` writes, line by line."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.imported import Imported
from wattmark.core.known import Grade, Method
from wattmark.core.telemetry import Samples
from wattmark.ports import Source
from wattmark.sources.catalog import Asked, open_source
from wattmark.sources.nvidia_smi import ROWS
from wattmark.testing.source_suite import SourceSuite, SourceWorld

POWERS = "power.draw [W], power.draw.average [W], power.draw.instant [W], power.limit [W]"
HEADER = f"timestamp, index, uuid, name, {POWERS}"
A100 = "GPU-11111111-1111-4111-8111-111111111111"
RTX = "GPU-22222222-2222-4222-8222-222222222222"
J = 1_000_000


def line(second: float, index: int = 0, watts: str = "100.00 W", average: str = "[N/A]") -> str:
    """A look at GPU 0, an A100 of 400 W, or GPU 1, an RTX 4090 of 450 W."""
    stamp = f"2026/11/21 12:00:{second:06.3f}"
    uuid, name, limit = ((A100, "NVIDIA A100-SXM4-80GB", 400), (RTX, "NVIDIA GeForce RTX 4090", 450))[index]
    return f"{stamp}, {index}, {uuid}, {name}, {watts}, {average}, [N/A], {limit}.00 W"


class NvidiaSmiWorld:
    """Two GPUs, looked at once a second for five seconds."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "power.csv"
        self._folder = folder
        self._write([HEADER, *(line(s, i, f"{100 + 10 * s}.00 W") for s in range(5) for i in (0, 1))])

    def _write(self, lines: list[str]) -> None:
        self.path.write_text("\n".join(lines) + "\n")
        self.rows = len(lines) - 1

    @property
    def named(self) -> str:
        return self.path.name

    def open(self) -> Source:
        return open_source("nvidia-smi", [str(self.path)], Asked())

    def grow(self) -> None:
        self._write([*self.path.read_text().splitlines(), line(5), line(5, 1)])

    def move(self) -> None:
        (self._folder / "elsewhere").mkdir()
        self.path = Path(shutil.move(self.path, self._folder / "elsewhere" / "gpu.csv"))

    def damage(self) -> str:
        lines = self.path.read_text().splitlines()
        lines[5] = lines[5].replace("120.00 W", "12a.00 W")
        self._write(lines)
        return f"{self.path.name}:6"

    def garble(self) -> None:
        self.path.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")

    def remove(self) -> None:
        self.path.unlink()


class TestNvidiaSmi(SourceSuite):
    """The rules that every source keeps."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        return NvidiaSmiWorld(tmp_path)


def write(tmp_path: Path, *lines: str, name: str = "power.csv") -> Path:
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n")
    return path


def read(*paths: Path, host: str | None = None, **settings: str) -> list[Imported]:
    asked = Asked(host=host, settings=settings)
    return list(open_source("nvidia-smi", [str(p) for p in paths], asked).read())


def samples_of(*paths: Path, host: str | None = None, **settings: str) -> list[Samples]:
    return [s for portion in read(*paths, host=host, **settings) for s in portion.samples]


def test_power_is_integrated_gpu_by_gpu(tmp_path: Path) -> None:
    """100 W, then 300 W a second later: 200 J, of each GPU for itself."""
    lines = [line(0), line(0.01, 1), line(1, 0, "300.00 W"), line(1.01, 1, "50.00 W")]
    one, two = samples_of(write(tmp_path, HEADER, *lines))
    assert (list(one.energy_uj), one.stream.device_id) == ([200 * J], A100)
    assert (list(two.energy_uj), two.stream.device_id) == ([75 * J], RTX)


def test_a_sensor_that_looks_now_and_then_is_less_certain(tmp_path: Path) -> None:
    """Grade C; 25 % on an A100, whose sensor sleeps three quarters of the time, and 10 % elsewhere."""
    one, two = samples_of(write(tmp_path, HEADER, line(0), line(0, 1), line(1), line(1, 1)))
    assert {s.stream.grade for s in (one, two)} == {Grade.C}
    assert one.stream.method is Method.INTEGRATED_POWER
    assert (one.stream.sensor_duty, list(one.stream.errors.values())) == (0.25, [0.25])
    assert (two.stream.sensor_duty, list(two.stream.errors.values())) == (1.0, [0.10])
    assert (one.stream.max_watts, two.stream.max_watts) == (400.0, 450.0)


@pytest.mark.parametrize(
    "cell", ["[N/A]", "N/A", "[Not Supported]", "[Unknown Error]", "ERR!", "[GPU requires reset]"]
)
def test_what_could_not_be_read_is_a_gap(tmp_path: Path, cell: str) -> None:
    """Neither zero nor a bad row: the GPU was there, and its sensor did not answer."""
    path = write(tmp_path, HEADER, line(0), line(1, 0, cell), line(2), line(3))
    portions = read(path)
    (only,) = [s for p in portions for s in p.samples]
    assert list(only.observed) == [False, False, True]
    assert list(only.energy_uj) == [0, 0, 100 * J]
    assert not any(p.bad for p in portions)


def test_nonsense_is_a_gap(tmp_path: Path) -> None:
    """600 W of a card that is limited to 400 W."""
    (only,) = samples_of(write(tmp_path, HEADER, line(0), line(1, 0, "600.00 W"), line(2), line(3)))
    assert list(only.observed) == [False, False, True]


def test_a_silence_is_a_gap(tmp_path: Path) -> None:
    """Looked at every second, and then not for ten."""
    (only,) = samples_of(write(tmp_path, HEADER, *(line(s) for s in (0, 1, 2, 12, 13))))
    assert list(only.observed) == [True, True, False, True]


def test_the_mean_over_a_second_goes_before_a_moment(tmp_path: Path) -> None:
    """Where the driver gives it; the column that was taken is told, and another can be asked for."""
    path = write(tmp_path, HEADER, line(0, 0, "900.00 W", "200.00 W"), line(1, 0, "0.00 W", "200.00 W"))
    (only,) = samples_of(path)
    assert list(only.energy_uj) == [200 * J]
    assert any("power.draw.average" in n for p in read(path) for n in p.notes)
    (asked,) = samples_of(path, power="power.draw")
    assert list(asked.observed) == [False]


def test_units_may_be_left_out(tmp_path: Path) -> None:
    """``nounits`` keeps the header, ``noheader`` drops it: then the columns are named."""
    bare = [
        line(0, 0, "100.00").replace("400.00 W", "400.00"),
        line(1, 0, "100.00").replace("400.00 W", "400.00"),
    ]
    (only,) = samples_of(write(tmp_path, HEADER, *bare))
    assert list(only.energy_uj) == [100 * J]
    columns = "timestamp,index,gpu_uuid,gpu_name,power.draw,power.draw.average,power.draw.instant,power.limit"
    assert samples_of(write(tmp_path, *bare), columns=columns) == [only]
    with pytest.raises(EvidenceError, match="-o columns=timestamp"):
        read(write(tmp_path, *bare))


def test_columns_without_power_are_refused(tmp_path: Path) -> None:
    """Before anything is read, and with what is there."""
    path = write(tmp_path, HEADER, line(0))
    with pytest.raises(EvidenceError, match="names no timestamp with power"):
        read(path, columns="timestamp,uuid")
    with pytest.raises(UsageError, match=r"no column 'power\.max'"):
        read(path, power="power.max")


def test_times_are_in_the_zone_that_is_named(tmp_path: Path) -> None:
    """Noon in Paris is 11:00 UTC in November; unnamed it is noon UTC, and that is said."""
    path = write(tmp_path, HEADER, line(0), line(1))
    (utc,), (paris,) = samples_of(path), samples_of(path, time_zone="Europe/Paris")
    assert utc.start_us[0] - paris.start_us[0] == 3600 * J
    assert any("UTC" in n for p in read(path) for n in p.notes)
    assert not any("UTC" in n for p in read(path, time_zone="UTC") for n in p.notes)


def test_gpus_known_by_number_need_their_machine(tmp_path: Path) -> None:
    """GPU 0 of one machine is not GPU 0 of another."""
    lines = (
        "timestamp, index, power.draw [W]",
        "2026/11/21 12:00:00.000, 0, 100 W",
        "2026/11/21 12:00:01.000, 0, 100 W",
    )
    path = write(tmp_path, *lines)
    with pytest.raises(EvidenceError, match="--host"):
        read(path)
    (one,), (two,) = samples_of(path, host="node-1"), samples_of(path, host="node-2")
    assert one.stream.device_id != two.stream.device_id
    assert "node-1" not in repr(one.stream)


def test_a_restarted_log_writes_its_header_again(tmp_path: Path) -> None:
    """It is ignored and may name other columns; the time between is a gap."""
    again = "timestamp, uuid, power.draw [W]"
    lines = [HEADER, line(0), line(1), line(2), again, f"2026/11/21 12:00:30.000, {A100}, 100.00 W"]
    portions = read(write(tmp_path, *lines))
    (only,) = [s for p in portions for s in p.samples]
    assert list(only.observed) == [True, True, False]
    assert (sum(p.taken for p in portions), sum(p.ignored for p in portions)) == (4, 1)


def test_a_file_twice_is_there_once(tmp_path: Path) -> None:
    """The copy's rows are ignored and remarked; a file that goes on continues the series."""
    first = write(tmp_path, HEADER, line(0), line(1))
    second = write(tmp_path, HEADER, line(0), line(1), line(2), name="power2.csv")
    portions = read(first, second)
    (only,) = [s for p in portions for s in p.samples]
    assert list(only.energy_uj) == [100 * J, 100 * J]
    assert (sum(p.taken for p in portions), sum(p.ignored for p in portions)) == (3, 2)


def test_a_row_that_goes_back_in_time_is_bad(tmp_path: Path) -> None:
    """Within one file: a clock was set, or lines were shuffled."""
    portions = read(write(tmp_path, HEADER, line(1), line(0), line(2), "torn"))
    reasons = [b.reason for p in portions for b in p.bad]
    assert "does not come after" in reasons[0]
    assert "has 1 cells where 8 are named" in reasons[1]


def test_one_look_is_no_energy(tmp_path: Path) -> None:
    """It is taken, and there is nothing to bring yet."""
    portions = read(write(tmp_path, HEADER, line(0)))
    assert sum(p.taken for p in portions) == 1
    assert [s for p in portions for s in p.samples] == []


def test_a_long_log_comes_in_portions(tmp_path: Path) -> None:
    """Memory stays bounded, and the portions before the last do not change when the file grows."""
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    stamps = [f"{noon + timedelta(seconds=s):%Y/%m/%d %H:%M:%S.000}" for s in range(ROWS + 51)]
    header, *rows = ("timestamp, uuid, power.draw [W]", *(f"{stamp}, {A100}, 100 W" for stamp in stamps))
    first = samples_of(write(tmp_path, header, *rows[:-1]))
    assert [len(s) for s in first] == [ROWS - 1, 50]
    assert sum(sum(s.energy_uj) for s in first) == (ROWS + 49) * 100 * J
    assert samples_of(write(tmp_path, header, *rows))[0] == first[0]


def test_an_empty_file_is_said(tmp_path: Path) -> None:
    """Not an import of nothing with success."""
    with pytest.raises(EvidenceError, match="is empty"):
        read(write(tmp_path))
