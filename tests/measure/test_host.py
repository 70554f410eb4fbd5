"""Which machine: always the same answer, and no name in it."""

from __future__ import annotations

from pathlib import Path

from wattmark.measure.host import host_id, this_host
from wattmark.sources.identity import host_of
from wattmark.testing.fakes import a_device

FILES = {"machine_id": "etc/machine-id", "boot_id": "proc/sys/kernel/random/boot_id"}
ASSET_TAG = "sys/devices/virtual/dmi/id/board_asset_tag"


def a_root(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        path = tmp_path / FILES[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_the_machine_id_is_hashed(tmp_path: Path) -> None:
    """The same machine gives the same id; the id of the system is not in it."""
    root = a_root(tmp_path, machine_id="0123456789abcdef\n")
    assert host_id(root) == host_id(root)
    assert "0123456789abcdef" not in host_id(root)
    assert len(host_id(root)) == 16


def test_without_a_machine_id_the_name_is_hashed(tmp_path: Path) -> None:
    """Containers: their name is their own."""
    assert host_id(tmp_path) == host_id(a_root(tmp_path, machine_id=" \n"))


def test_the_fingerprint_follows_the_hardware_and_the_boot_the_boot(tmp_path: Path) -> None:
    """Another GPU is another fingerprint; order is none; without a boot id there is none."""
    cpu, gpu = a_device(name="Xeon"), a_device("gpu:0", component="gpu", name="H200")
    root = a_root(tmp_path, boot_id="1-2-3\n")
    one = this_host([cpu, gpu], "id", root)
    assert one == this_host([gpu, cpu], "id", root)
    assert one.fingerprint != this_host([cpu], "id", root).fingerprint
    assert one.boot_id is not None
    assert one.boot_id != this_host([cpu], "id", a_root(tmp_path, boot_id="4-5-6\n")).boot_id
    assert this_host([cpu], "id", tmp_path / "nowhere").boot_id is None


def test_names_are_hashed_as_importers_hash_them(tmp_path: Path) -> None:
    """With the domain and without: an exporter that names the machine gives the same id."""
    names = this_host([], "id", tmp_path, "GPU-1.cluster.example").names
    assert names == (host_of("gpu-1.cluster.example"), host_of("gpu-1"))
    assert this_host([], "id", tmp_path, "gpu-1").names == (host_of("gpu-1"),)


def test_a_name_that_many_machines_have_is_none(tmp_path: Path) -> None:
    """Nobody is known by localhost."""
    for name in ("localhost", "localhost.localdomain", ""):
        assert this_host([], "id", tmp_path, name).names == ()


def test_a_machine_of_amazon_knows_the_name_that_its_bill_has(tmp_path: Path) -> None:
    """So that what was measured on it replaces what the bill states; another board's tag is no instance."""
    tag = tmp_path / ASSET_TAG
    tag.parent.mkdir(parents=True)
    tag.write_text("i-0123456789abcdef0\n")
    names = this_host([], "id", tmp_path, "ip-10-0-0-5").names
    assert names == (host_of("ip-10-0-0-5"), host_of("i-0123456789abcdef0"))
    for other in ("Not Specified", "i-am-a-tag", "\u00e9"):
        tag.write_text(other)
        assert this_host([], "id", tmp_path, "a").names == (host_of("a"),)
