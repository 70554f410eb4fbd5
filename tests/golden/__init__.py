"""What a person reads, kept as files.

``WATTMARK_UPDATE_GOLDEN=1 pytest`` writes them anew; then read the diff.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

HERE = Path(__file__).parent
_SCRUBBED = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z| UTC)"), "<time>"),
    (re.compile(r"(/[\w.-]+){2,}/"), "<path>/"),
    (re.compile(r"wattmark \d+\.\d+\.\d+[\w.]*"), "wattmark <version>"),
)


def assert_same(name: str, text: str) -> None:
    """The text equals the golden file of this name, times, paths and versions scrubbed."""
    for pattern, word in _SCRUBBED:
        text = pattern.sub(word, text)
    file = HERE / name
    if os.environ.get("WATTMARK_UPDATE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8"), (
        f"{name} differs: set WATTMARK_UPDATE_GOLDEN=1, then read the diff"
    )
