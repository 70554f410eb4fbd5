"""The page of licences is true: it names every package that may be needed, under the licence that it has."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from scripts.generate_docs import ROOT

PAGE = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (\w[\w-]*) \| ([\w`, -]+) \| ([\w.-]+) \|$", re.MULTILINE)
STATED = {name: (extras, licence) for name, extras, licence in ROW.findall(PAGE) if name != "package"}
COPYLEFT = re.compile(r"(?<![\w-])A?GPL|affero|(?<!lesser )general public license", re.IGNORECASE)
LIBRARY = re.compile(r"lesser general public|library or lesser|GCC-exception", re.IGNORECASE)
"""The LGPL, and what a compiler's libraries may be used under, bind nobody who links."""
WORDS = (
    # what metadata says where it has no SPDX expression -> the identifier it may stand for
    (r"^Apache(-| Software License$| License| 2)", "Apache-2.0"),
    (r"^MIT( License)?$", "MIT"),
    (r"^(3-Clause BSD|BSD 3-Clause)", "BSD-3-Clause"),
    (r"^FreeBSD$", "BSD-2-Clause"),
    (r"^BSD License$", "BSD-2-Clause"),
    (r"^BSD License$", "BSD-3-Clause"),
    (r"Permission is hereby granted, free of charge, to any person obtaining", "MIT"),
)


def test_the_page_names_every_package_and_the_extras_that_bring_it() -> None:
    """No more and no fewer than pyproject.toml."""
    wanted = {
        name: ", ".join(f"`{extra}`" if extra else "always" for extra in sorted(extras))
        for name, extras in _required().items()
    }
    assert {name: extras for name, (extras, _) in STATED.items()} == wanted


@pytest.mark.parametrize("name", STATED)
def test_a_package_has_the_licence_that_the_page_states(name: str) -> None:
    """By its own metadata, else by the licence that lies in it."""
    told = list(_told(name))
    if not told:
        pytest.skip(f"{name} is not installed")
    assert STATED[name][1] in {identifier for text in told for identifier in _identifiers(text)}, told


def test_nothing_that_these_packages_need_is_under_the_gpl_alone() -> None:
    """Of all that is installed of them; where one may choose, one way without it is enough."""
    found = _with_all_they_need(_required())
    assert len(found) >= len(_required(only_always=True))
    bound = {name: told for name in found if (told := list(_told(name))) and not any(map(_free, told))}
    assert not bound


@pytest.mark.parametrize(
    ("told", "free"),
    [
        ("GPL-3.0-or-later", False),
        ("GNU Affero General Public License v3", False),
        ("MIT AND AGPL-3.0-only", False),
        ("Apache-2.0 OR GPL-2.0-or-later", True),
        ("LGPL-2.1-or-later", True),
        ("GNU Lesser General Public License v2 (LGPLv2)", True),
        ("BSD-3-Clause AND GPL-3.0-or-later WITH GCC-exception-3.1", True),
        ("MIT", True),
    ],
)
def test_the_rule_tells_the_gpl_from_others(told: str, free: bool) -> None:
    """Else the test above would find nothing whatever was installed."""
    assert _free(told) is free


def _required(*, only_always: bool = False) -> dict[str, set[str]]:
    """Package -> extras that bring it; the empty one is no extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"": project["dependencies"], **({} if only_always else project["optional-dependencies"])}
    found: dict[str, set[str]] = {}
    for extra, lines in groups.items():
        for name in (Requirement(line).name for line in lines):
            if name != project["name"]:
                found.setdefault(name, set()).add(extra)
    return found


def _told(name: str) -> Iterator[str]:
    """What an installed package says of its licence; nothing where it is not installed."""
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return
    if expression := about.get("License-Expression"):
        yield expression
        return
    brief = (about.get("License") or "").strip()
    kinds = [c.rpartition(" :: ")[2] for c in about.get_all("Classifier") or () if c.startswith("License ::")]
    yield from kinds
    if brief and "\n" not in brief and brief != "UNKNOWN":
        yield brief
    if not kinds and not brief:
        for file in metadata.files(name) or ():
            if file.name.upper().startswith("LICEN"):
                yield " ".join(file.read_text(encoding="utf-8").split())


def _identifiers(told: str) -> Iterator[str]:
    yield from re.split(r"\s+(?:AND|OR|WITH)\s+|[()]", told)
    yield from (identifier for pattern, identifier in WORDS if re.search(pattern, told))


def _free(told: str) -> bool:
    """Whether one of the ways that an expression offers binds to no GPL."""
    ways = re.split(r"\s+OR\s+", told)
    return any(
        all(LIBRARY.search(part) or not COPYLEFT.search(part) for part in re.split(r"\s+AND\s+", way))
        for way in ways
    )


def _with_all_they_need(names: Iterable[str]) -> set[str]:
    """These and, in turn, what they need here, as far as it is installed."""
    found: set[str] = set()
    open_: list[tuple[str, frozenset[str]]] = [(name, frozenset()) for name in names]
    seen: set[tuple[str, frozenset[str]]] = set()
    while open_:
        name, extras = open_.pop()
        key = canonicalize_name(name), extras
        if key in seen:
            continue
        seen.add(key)
        try:
            lines = metadata.requires(name) or ()
        except metadata.PackageNotFoundError:
            continue
        found.add(key[0])
        for need in map(Requirement, lines):
            marker = need.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                open_.append((need.name, frozenset(need.extras)))
    return found
