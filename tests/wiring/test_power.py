"""Power by its name: run files, samples, importers, a Prometheus and a ledger."""

from pathlib import Path

import pytest

from tests.builders import a_row, a_run
from tests.sources.prometheus_server import Served, serving
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.known import Grade, Method, Scope
from wattmark.core.run import Series, SourceId
from wattmark.core.telemetry import Samples, Stream
from wattmark.ledger.door import Door
from wattmark.ledger.fold import fold
from wattmark.ledger.runfile import SUFFIX
from wattmark.measure.spool import write_atomically
from wattmark.wiring.ledger import open_ledger
from wattmark.wiring.power import open_power

NOON = 1_793_534_400
NOON_US = NOON * 1_000_000


def samples(path: Path) -> Path:
    """100 W for 10 s from noon on."""
    lines = ["time,watts", *(f"{NOON + s},100" for s in range(11))]
    path.write_text("\n".join(lines))
    return path


def test_a_run_file_is_known_by_what_it_holds(tmp_path: Path) -> None:
    """90 J of a CPU."""
    series = Series(
        device_id=a_row().device_id, component="cpu", t_seconds=(0.0, 10.0), energy_joules=(0.0, 90.0)
    )
    path = tmp_path / f"a{SUFFIX}"
    write_atomically(path, a_run(series=(series,)), tmp_path)
    assert [s.energy_joules for s in open_power(str(path))] == [90]
    assert open_power(str(path), {"zone": "Europe/Paris"})[0].energy_joules == 90
    with pytest.raises(UsageError, match="a run file has no option 'device'"):
        open_power(str(path), {"device": "gpu"})


def test_only_the_stretch_that_is_asked_for_is_given(tmp_path: Path) -> None:
    """Two seconds of 100 W; whole stretches between samples, never parts of them."""
    path = str(samples(tmp_path / "p.csv"))
    (found,) = open_power(path, start_us=NOON_US + 3_000_000, end_us=NOON_US + 5_000_000)
    assert (found.energy_joules, found.times_us[0]) == (200, NOON_US + 3_000_000)
    with pytest.raises(EvidenceError, match="no device's power in that stretch of time"):
        open_power(path, start_us=NOON_US + 60_000_000)
    with pytest.raises(UsageError, match="must end after it starts"):
        open_power(path, start_us=NOON_US, end_us=NOON_US)


def test_what_nvidia_smi_wrote_is_known_by_its_header(tmp_path: Path) -> None:
    """Two looks at one GPU, a second apart, at 100 W."""
    path = tmp_path / "gpu.csv"
    path.write_text(
        "timestamp, uuid, power.draw [W]\n"
        "2026/11/01 12:00:00.000, GPU-1, 100.00 W\n"
        "2026/11/01 12:00:01.000, GPU-1, 100.00 W\n"
    )
    for spec in (str(path), f"nvidia-smi:{path}"):
        (found,) = open_power(spec, {"time_zone": "UTC"})
        assert (found.device_id, found.energy_joules, found.grade) == ("GPU-1", 100, Grade.C)
        assert found.times_us[0] == NOON_US
    (paris,) = open_power(str(path), {"zone": "Europe/Paris"})
    assert paris.times_us[0] == NOON_US - 3_600_000_000


def test_a_ledger_gives_the_whole_devices_of_its_telemetry(tmp_path: Path) -> None:
    """An hour that was landed and folded; shares of devices are none."""
    stream = Stream(
        source=SourceId(name="dcgm"),
        host_id="h",
        device_id="GPU-1",
        component="gpu",
        method=Method.HARDWARE_COUNTER,
        grade=Grade.B,
    )
    share = Stream(
        source=SourceId(name="kepler"),
        host_id="h",
        device_id="GPU-1",
        component="gpu",
        scope=Scope.SHARE,
        attribution_rule="kepler",
    )
    moments = [NOON_US + i * 60_000_000 for i in range(61)]
    parts = [
        Samples(stream=s, start_us=moments[:-1], end_us=moments[1:], energy_uj=[6_000_000] * 60)
        for s in (stream, share)
    ]
    url = str(tmp_path / "ledger")
    _landed(url, parts)
    for spec in (url, f"ledger:{url}"):
        (found,) = open_power(spec, start_us=NOON_US + 600_000_000, end_us=NOON_US + 1_200_000_000)
        assert (found.device_id, found.energy_joules) == ("GPU-1", 60)


def _landed(url: str, parts: list[Samples]) -> None:
    ledger = open_ledger(url, begin=True)
    Door(ledger.store, ledger.settings.tags).samples(parts, "stream")
    fold(ledger.store, NOON_US + 10**12)


def test_a_prometheus_is_asked_for_the_stretch_of_time(tmp_path: Path) -> None:
    """A GPU's counter in millijoules, scraped every 15 s: 100 W for 60 s."""
    values = [i * 15 * 100_000.0 for i in range(41)]
    labels = {"UUID": "GPU-1", "gpu": "0", "Hostname": "n1", "instance": "n1:9400"}
    held = Served()
    held.series("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", NOON, 15, values, **labels)
    with serving(held) as served:
        (found,) = open_power(served.url, start_us=NOON_US, end_us=NOON_US + 60_000_000)
    assert (found.device_id, found.energy_joules, found.grade) == ("GPU-1", 6000, Grade.B)


def test_what_is_no_power_says_what_may_be(tmp_path: Path) -> None:
    """A file that is not there, a folder, an importer that does not exist."""
    with pytest.raises(UsageError, match=r"there is no such file; power may be FILE.run.json, SAMPLES.csv"):
        open_power(str(tmp_path / "none.csv"))
    with pytest.raises(UsageError, match="is a folder that holds no ledger"):
        open_power(str(tmp_path))
    with pytest.raises(UsageError, match="there is no source 'nvidia'; did you mean 'nvidia-smi'"):
        open_power(f"nvidia:{tmp_path}/x.csv")
