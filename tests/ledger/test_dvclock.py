"""dvc.lock, read strictly."""

from __future__ import annotations

from pathlib import Path

import pytest

from wattmark.core.dvc import LockedPath
from wattmark.core.errors import EvidenceError
from wattmark.ledger.dvclock import read_lock

pytest.importorskip("yaml")
LOCK = """schema: '2.0'
stages:
  train:
    cmd: python train.py
    deps:
    - path: data
      hash: md5
      md5: 2329428987ecac779e584d9164e26ed3.dir
    - path: old.csv
      md5: 70820c39a6989875a8a1db6fe5de1b1c
    - path: s3://bucket/x
      etag: abc
    outs:
    - path: model
      hash: md5
      md5: 779041c1895fd50000a3f0709dc9df6b
  nothing:
    cmd: echo
"""


def test_hashes_of_dvc_3_and_2_are_told_apart(tmp_path: Path) -> None:
    """DVC 3 says `hash: md5`; what lies across the network has none of ours."""
    (tmp_path / "dvc.lock").write_text(LOCK)
    train, nothing = read_lock(tmp_path / "dvc.lock")
    assert train.deps == (
        LockedPath(path="data", md5="2329428987ecac779e584d9164e26ed3.dir"),
        LockedPath(path="old.csv", md5="70820c39a6989875a8a1db6fe5de1b1c", old=True),
    )
    assert [out.path for out in train.outs] == ["model"]
    assert (nothing.name, nothing.deps, nothing.outs) == ("nothing", (), ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stages: [", "is no YAML"),
        ("- a", "has no `stages`"),
        ("stages: 1", "has no `stages`"),
        ("stages: {train: 1}", r"stages\.train: is no mapping"),
        ("stages: {train: {deps: 1}}", r"stages\.train\.deps: is no list"),
        ("stages: {train: {outs: [1]}}", r"stages\.train\.outs\[0\]: has no `path`"),
        ("stages: !!python/object/apply:os.system [x]", "is no YAML"),
    ],
)
def test_what_is_no_lock_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    """Nothing in it is ever run."""
    (tmp_path / "dvc.lock").write_text(text)
    with pytest.raises(EvidenceError, match=said):
        read_lock(tmp_path / "dvc.lock")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """With the reason."""
    with pytest.raises(EvidenceError, match=r"dvc\.lock: cannot be read"):
        read_lock(tmp_path / "dvc.lock")
