"""The cheap question "have I any child?" is answered rightly, and harms no one who waits for a child."""

from __future__ import annotations

import subprocess
import sys

ASK = """
import subprocess, sys, time
from wattmark.measure.processes import ProcessTree, childless
WORK = "sum(i * i for i in range(3_000_000))"
print(childless())
child = subprocess.Popen([sys.executable, "-c", WORK], stdout=subprocess.PIPE)
print(childless())
child.stdout.read()  # it has ended, or is about to, and nobody has waited for it
time.sleep(0.05)
print(childless(), ProcessTree(with_self=False).cpu_seconds() > 0)
print(child.wait(), childless(), ProcessTree(with_self=False).cpu_seconds() > 0)
"""


def test_children_are_noticed_and_left_to_be_waited_for() -> None:
    """None, one running, one ended: the last is still there for its parent, with exit code and CPU time."""
    said = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ["True", "False", "False True", "0 True True"]
