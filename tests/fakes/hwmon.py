"""A folder that looks like /sys/class/hwmon."""

from __future__ import annotations

from pathlib import Path


class HwmonTree:
    """Chips with files; values can be changed while descriptors are open."""

    def __init__(self, root: Path) -> None:
        self.root = root / "class" / "hwmon"
        self.root.mkdir(parents=True)
        self._devices = root / "devices"

    def add(self, name: str, address: str = "", in_device: bool = False, **files: object) -> Path:
        """A chip with files (energy1_input=5); ``in_device`` puts them into the parent, as old drivers do."""
        folder = self.root / f"hwmon{len(list(self.root.iterdir()))}"
        folder.mkdir()
        parent = self._devices / (address or f"platform-{folder.name}")
        parent.mkdir(parents=True, exist_ok=True)
        (folder / "device").symlink_to(parent)
        (folder / "name").write_text(f"{name}\n")
        place = parent if in_device else folder
        for file, value in files.items():
            (place / file).write_text(f"{value}\n")
        return place


def grace(tree: HwmonTree, socket: int, module: int, chip: int, cpu: int, sysio: int) -> dict[str, Path]:
    """The four sensors of one NVIDIA Grace socket, in watts."""
    watts = {"Module": module, "Grace": chip, "CPU": cpu, "SysIO": sysio}
    return {
        kind: tree.add(
            "power_meter",
            in_device=True,
            power1_oem_info=f"{kind} Power Socket {socket}",
            power1_average=value * 1_000_000,
            power1_average_interval=50,
        )
        for kind, value in watts.items()
    }
