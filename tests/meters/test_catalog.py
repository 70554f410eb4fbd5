"""The catalog of meters: names and strings, loaded through the door that third parties use."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from wattmark.core.errors import UsageError
from wattmark.meters import catalog


@pytest.mark.parametrize("name", list(catalog.METERS))
def test_every_row_leads_to_a_class_of_that_name(name: str) -> None:
    """The class says the name under which it is filed."""
    meter = catalog.meter_class(name)
    assert meter.name == name  # type: ignore[attr-defined]


def test_the_catalog_imports_no_meter() -> None:
    """Looking at the list costs nothing: no meter, no ctypes, no package metadata."""
    code = (
        "import sys, wattmark.meters.catalog;"
        "heavy = ('ctypes', 'urllib.request', 'importlib.metadata', 'subprocess', 'socket');"
        "print([m for m in sys.modules if m.startswith('wattmark.meters.') or m in heavy])"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert said.strip() == "['wattmark.meters.catalog']"


def test_meters_that_leave_the_machine_or_start_programs_are_never_tried_unasked() -> None:
    """No socket and no process unless a setting names them."""
    assert [n for n, r in catalog.METERS.items() if not r.automatic] == ["ipmi", "redfish"]


def test_the_model_comes_last() -> None:
    """Anything that measures is preferred to an estimate."""
    assert list(catalog.METERS)[-1] == "model"


def test_an_unknown_name_lists_the_known_ones() -> None:
    """The message is the way out."""
    with pytest.raises(UsageError, match="no meter 'rappel'; known meters: rapl_perf, rapl, nvml"):
        catalog.meter_class("rappel")


def test_a_third_partys_meter_is_found(tmp_path: Path) -> None:
    """A distribution with an entry point in the group wattmark.meters, seen by a fresh interpreter."""
    info = tmp_path / "acme_meter-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-meter\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[wattmark.meters]\nacme = acme_meter:AcmeMeter\n")
    (tmp_path / "acme_meter.py").write_text("class AcmeMeter:\n    name = 'acme'\n")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from wattmark.meters import catalog\n"
        "print(catalog.row('acme').what, '|', catalog.meter_class('acme').name)"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert said.strip() == "from the package acme-meter | acme"


def test_built_ins_could_be_entry_points() -> None:
    """Our targets have the shape that the packaging world uses for its own."""
    for name, row in catalog.METERS.items():
        entry = EntryPoint(name, row.target, catalog.GROUP)
        assert entry.load().name == name


def test_a_meter_without_a_sign_of_its_hardware_is_hopeless(tmp_path: Path) -> None:
    """No file, or an empty folder where something should be: one reason, and nothing was imported."""
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "sys" / "class" / "powercap").mkdir(parents=True)
    root = str(tmp_path)
    assert "/sys/class/powercap/ is not there" in (catalog.hopeless("rapl", root) or "")
    assert "none of /dev/nvidiactl" in (catalog.hopeless("nvml", root) or "")
    assert catalog.hopeless("model", root) is None
    assert catalog.hopeless("a third party's", root) is None


@pytest.mark.parametrize(
    ("name", "sign"),
    [
        ("rapl", "sys/class/powercap/intel-rapl:0"),
        ("rapl_perf", "sys/bus/event_source/devices/power"),
        ("nvml", "proc/driver/nvidia"),
        ("nvml", "dev/dxg"),
        ("amdsmi", "dev/kfd"),
        ("hwmon", "sys/class/hwmon/hwmon7"),
    ],
)
def test_any_sign_of_the_hardware_is_worth_a_try(tmp_path: Path, name: str, sign: str) -> None:
    """The meter itself then says whether it works."""
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / sign).mkdir(parents=True)
    assert catalog.hopeless(name, str(tmp_path)) is None


def test_on_other_systems_every_meter_is_tried(tmp_path: Path) -> None:
    """The signs are Linux's; where there is no /proc they say nothing."""
    assert catalog.hopeless("nvml", str(tmp_path)) is None
