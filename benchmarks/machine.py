"""Describes the machine of a run: what bears on the figures, and nothing that tells which machine it is."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Any


def describe(root: Path = Path("/")) -> dict[str, Any]:
    """CPU, cores, memory, kernel, Python, and which energy sensors can be read."""
    cpuinfo = _text(root / "proc/cpuinfo")
    return {
        "cpu_model": _field(cpuinfo, "model name") or platform.processor() or "unknown",
        "cores": os.cpu_count(),
        "memory_gb": _memory_gb(_text(root / "proc/meminfo")),
        "virtual_machine": "hypervisor" in _field(cpuinfo, "flags").split(),
        "system": platform.system(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "rapl": any((root / "sys/class/powercap").glob("intel-rapl:*")),
        "nvidia_gpu": (root / "proc/driver/nvidia/version").exists(),
        "load": {"before": round(os.getloadavg()[0], 2)},
    }


def host_class(machine: dict[str, Any]) -> str:
    """A short name for the kind of machine: `linux-x86_64-amd-epyc-2cpu`."""
    model = re.sub(r"\(.*?\)|@.*|\bprocessor\b|\bcpu\b", " ", str(machine["cpu_model"]), flags=re.IGNORECASE)
    words = f"{machine['system']} {machine['architecture']} {model} {machine['cores']}cpu".lower()
    return re.sub(r"[^a-z0-9_]+", "-", words).strip("-")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # not Linux: the field is reported as unknown


def _field(text: str, name: str) -> str:
    found = re.search(rf"^{re.escape(name)}\s*:\s*(.+)$", text, flags=re.MULTILINE)
    return found.group(1).strip() if found else ""


def _memory_gb(meminfo: str) -> float | None:
    words = _field(meminfo, "MemTotal").split()
    return round(int(words[0]) * 1024 / 1e9, 1) if words else None
