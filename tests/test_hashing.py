"""The light SHA-256 is the SHA-256 that everybody knows."""

from __future__ import annotations

import hashlib
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from wattmark.hashing import sha256


@given(st.binary())
def test_it_agrees_with_hashlib(data: bytes) -> None:
    """Any bytes have the same hash in both."""
    assert sha256(data).hexdigest() == hashlib.sha256(data).hexdigest()


def test_measuring_does_not_load_openssl() -> None:
    """A program that is measured is spared OpenSSL's memory."""
    measure = "import sys, wattmark; wattmark.track().start().stop(); print('_hashlib' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", measure], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
