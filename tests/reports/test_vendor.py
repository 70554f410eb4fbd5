"""Files of others that are shipped."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import wattmark.reports

VENDOR = Path(wattmark.reports.__file__).parent / "vendor"


def test_every_shipped_file_is_listed_with_its_hash_and_unchanged() -> None:
    """What is in the folder is what the list says, byte for byte, with its licence beside it."""
    listed = tomllib.loads((VENDOR / "vendor.toml").read_text(encoding="utf-8"))
    hashes = {name: digest for part in listed.values() for name, digest in part["sha256"].items()}
    there = {
        f.name: hashlib.sha256(f.read_bytes()).hexdigest()
        for f in VENDOR.iterdir()
        if f.name != "vendor.toml"
    }
    assert there == hashes
    for part in listed.values():
        assert part["version"]
        assert part["licence_file"] in hashes


def test_no_shipped_script_can_end_its_script_tag() -> None:
    """The page sets the files inside a script and a style element as they are."""
    for folder in (VENDOR, VENDOR.parent / "templates"):
        for file in (*folder.glob("*.js"), *folder.glob("*.css")):
            text = file.read_text(encoding="utf-8").lower()
            assert "</script" not in text
            assert "</style" not in text
            assert "<!--" not in text
