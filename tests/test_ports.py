"""The ports that tests give to servers: each is given once, to whichever process asks."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

from tests.fakes.ports import HIGHEST, LOWEST, free_port

MANY = """
from tests.fakes.ports import free_port
print(*(free_port() for _ in range(200)), flush=True)
input()
"""


def test_no_port_is_given_twice() -> None:
    """Not to three processes that hold 600 of 17,000 at the same time; and all lie where they should."""
    asking = [
        subprocess.Popen(
            [sys.executable, "-c", MANY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    given = sorted(
        int(port) for each in asking for port in (each.stdout.readline() if each.stdout else "").split()
    )
    for each in asking:
        each.communicate("\n")
    assert len(given) == 600
    assert all(one != other for one, other in pairwise(given))
    assert set(given) <= set(range(LOWEST, HIGHEST))
    assert free_port() in range(LOWEST, HIGHEST)
