"""Networks to run a tool in: this machine's own, none at all, or one that swallows every packet.

The last two are network namespaces, which need Linux, root, and the `unshare` and `ip` commands.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

OWN, NONE, DROPPED = "own network", "no network", "packets dropped"

# A pair of virtual interfaces whose far end answers nothing: every packet leaves, and is lost.
# 198.51.100.0/24 is reserved for documentation (RFC 5737). IPv6 is off, so that the kernel itself
# sends nothing that would be counted.
SWALLOW = """
set -e
ip link set lo up
ip link add out0 type veth peer name far0
for name in out0 far0; do echo 1 > /proc/sys/net/ipv6/conf/$name/disable_ipv6 2>/dev/null || true; done
ip link set far0 up
ip addr add 198.51.100.2/24 dev out0
ip link set out0 up
ip neigh add 198.51.100.1 lladdr 02:00:00:00:00:99 dev out0 nud permanent
ip route add default via 198.51.100.1 dev out0
echo 'nameserver 198.51.100.1' > "$1"
mount --bind "$1" /etc/resolv.conf
shift
exec "$@"
"""


def why_not() -> str:
    """Why namespaces cannot be made here; empty when they can."""
    if sys.platform != "linux":
        return "network namespaces exist on Linux only"
    if os.geteuid() != 0:
        return "network namespaces need root: run as root, or in a container with CAP_SYS_ADMIN"
    if missing := [name for name in ("unshare", "ip") if shutil.which(name) is None]:
        return f"install {' and '.join(missing)} (packages util-linux and iproute2)"
    tried = subprocess.run(["unshare", "-n", "-m", "--", "true"], capture_output=True, text=True, check=False)
    return f"unshare failed: {tried.stderr.strip()}" if tried.returncode else ""


def inside(network: str, command: list[str], folder: Path) -> list[str]:
    """The command that runs `command` in a network; `folder` may keep a scratch file."""
    if network == NONE:
        return ["unshare", "-n", "--", *command]
    if network == DROPPED:
        return ["unshare", "-n", "-m", "--", "sh", "-c", SWALLOW, "sh", str(folder / "resolv.conf"), *command]
    return command
