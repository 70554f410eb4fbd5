"""Which machine this is, without its name."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path

from wattmark.core.readings import Device
from wattmark.core.run import Host
from wattmark.hashing import id_of_name, sha256

LENGTH = 16


def host_id(root: Path = Path("/")) -> str:
    """A hash of the machine's own identity: stable, and it gives no name away."""
    for path in ("etc/machine-id", "var/lib/dbus/machine-id"):
        try:
            text = (root / path).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if text:
            return _hash("machine", text)
    return _hash("name", platform.node())  # containers often have no machine-id; their name is their own


def this_host(
    devices: Sequence[Device], identity: str, root: Path = Path("/"), name: str | None = None
) -> Host:
    """The machine with its fingerprint (what a calibration depends on), its boot and its names."""
    hardware = sorted(f"{d.component}:{d.name}:{d.source}" for d in devices)
    return Host(
        id=identity,
        fingerprint=_hash("hardware", platform.machine(), str(os.cpu_count()), *hardware),
        boot_id=_boot(root),
        names=_names(platform.node() if name is None else name, _instance(root)),
    )


def _names(name: str, instance: str) -> tuple[str, ...]:
    """Ids of the machine's names, its cloud's among them; none of one that many machines have."""
    known = dict.fromkeys((name, name.partition(".")[0], instance))
    return tuple(
        id_of_name(n) for n in known if n and n.lower() not in ("localhost", "localhost.localdomain")
    )


def _instance(root: Path) -> str:
    """The id by which bills of Amazon know the machine, ``i-0123456789abcdef0``; empty where there is none.

    Amazon Web Services, EC2 User Guide, "Detect whether a host is an EC2 instance": Nitro machines state it
    as the asset tag of their board.
    """
    try:
        text = (root / "sys/devices/virtual/dmi/id/board_asset_tag").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return text if text.startswith("i-") and set(text[2:]) <= set("0123456789abcdef") else ""


def _boot(root: Path) -> str | None:
    try:
        text = (root / "proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None
    return _hash("boot", text.strip())


def _hash(*parts: str) -> str:
    return sha256("\0".join(("wattmark", *parts)).encode()).hexdigest()[:LENGTH]
