"""What DVC calls a dataset: the MD5 that stands in ``dvc.lock`` and in ``.dvc`` files since DVC 3.

A file has the MD5 of its bytes. A folder has the MD5 of a JSON list of its files, each with ``md5`` and
``relpath``, in the order of their paths, and ``.dir`` after it (DVC's own ``dvc_data.hashfile.tree``,
https://github.com/treeverse/dvc-data). Hidden files belong to it, and files that ``.dvcignore`` names do not.
DVC 2 changed line ends of text before hashing (``md5-dos2unix``): such a hash is another one, and not ours.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from wattmark.core.errors import EvidenceError

REPOSITORY = ".dvc"
IGNORES = ".dvcignore"
ALWAYS_LEFT_OUT = frozenset({".git", ".hg", REPOSITORY})
BLOCK_BYTES = 1 << 20


def repository_of(path: Path) -> Path | None:
    """The DVC repository that holds a path; None when it is in none."""
    whole = path.absolute()
    return next((p for p in (whole, *whole.parents) if (p / REPOSITORY).is_dir()), None)


def dvc_md5(path: Path) -> str:
    """The MD5 of a file, or of a folder with ``.dir`` after it, as DVC 3 states it.

    Raises EvidenceError for what cannot be read, and where a ``.dvcignore`` says what belongs to the folder.
    """
    try:
        return _of_folder(path) if path.is_dir() else _of_file(path)
    except OSError as error:
        raise EvidenceError(str(path), f"cannot be read: {error.strerror or error}") from None


def _of_file(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _of_folder(folder: Path) -> str:
    _refuse_patterns(folder)
    found = sorted((path.relative_to(folder).as_posix(), path) for path in _walk(folder))
    listed = json.dumps([{"md5": _of_file(path), "relpath": name} for name, path in found], sort_keys=True)
    return hashlib.md5(listed.encode(), usedforsecurity=False).hexdigest() + ".dir"


def _walk(root: Path) -> Iterator[Path]:
    for folder, inside, names in os.walk(root):
        inside[:] = sorted(d for d in inside if d not in ALWAYS_LEFT_OUT)
        yield from (Path(folder, name) for name in names if name not in ALWAYS_LEFT_OUT)


def _refuse_patterns(folder: Path) -> None:
    """Raise EvidenceError where a pattern may leave files out: ours would be the hash of other data."""
    root = repository_of(folder)
    around: list[Path] = []
    if root is not None:
        whole = folder.absolute()
        around = [p for p in (whole, *whole.parents) if p == root or root in p.parents]
    files = {p / IGNORES for p in around} | set(folder.rglob(IGNORES))
    for file in sorted(files):
        if file.is_file() and any(
            _is_pattern(line) for line in file.read_text("utf-8", "replace").splitlines()
        ):
            raise EvidenceError(
                str(file), "names files to leave out: only DVC itself can tell this folder's hash"
            )


def _is_pattern(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")
