"""DVC's hash of a file or folder, worked out beside DVC."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from wattmark.core.errors import EvidenceError
from wattmark.datasets.describe import describe
from wattmark.datasets.dvc import dvc_md5, repository_of


def test_a_file_has_the_hash_of_its_bytes(tmp_path: Path) -> None:
    """Line ends and all: DVC 3 changes nothing."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"x\r\n1\r\n")
    assert dvc_md5(path) == hashlib.md5(b"x\r\n1\r\n").hexdigest()


def test_a_folder_has_the_hash_of_its_list(tmp_path: Path) -> None:
    """In the order of paths; hidden files belong to it, repositories inside do not."""
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / ".c").write_text("two")
    (tmp_path / "a").write_text("one")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("x")
    one, two = (hashlib.md5(text).hexdigest() for text in (b"one", b"two"))
    listed = f'[{{"md5": "{one}", "relpath": "a"}}, {{"md5": "{two}", "relpath": "b/.c"}}]'
    assert dvc_md5(tmp_path) == hashlib.md5(listed.encode()).hexdigest() + ".dir"


def test_it_is_stated_inside_a_dvc_repository_and_where_it_is_asked_for(tmp_path: Path) -> None:
    """Elsewhere the data is not read twice."""
    data = tmp_path / "data.txt"
    data.write_text("one\n")
    assert describe(data, cache=False).dataset.dvc_md5 is None
    assert describe(data, cache=False, dvc=True).dataset.dvc_md5 == dvc_md5(data)
    (tmp_path / ".dvc").mkdir()
    assert repository_of(data) == tmp_path
    assert describe(data, cache=False).dataset.dvc_md5 == dvc_md5(data)
    assert describe(data, cache=False, dvc=False).dataset.dvc_md5 is None
    assert describe([data], cache=False).dataset.dvc_md5 is None


def test_a_dvcignore_with_patterns_leaves_it_to_dvc(tmp_path: Path) -> None:
    """Ours could be the hash of other data: not stated, and refused where it is asked for."""
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvcignore").write_text("# only a comment\n\n")
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.tmp").write_text("x")
    assert dvc_md5(data).endswith(".dir")
    (tmp_path / ".dvcignore").write_text("*.tmp\n")
    assert describe(data, cache=False).dataset.dvc_md5 is None
    with pytest.raises(EvidenceError, match="names files to leave out"):
        describe(data, cache=False, dvc=True)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    """Not an empty hash."""
    with pytest.raises(EvidenceError, match="cannot be read"):
        dvc_md5(tmp_path / "none")
