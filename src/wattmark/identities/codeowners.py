"""Who owns a file, by a ``CODEOWNERS`` file. It says who must be asked, and shows of nobody that they were.

GitHub: About code owners, https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners;
GitLab: Code Owners syntax, https://docs.gitlab.com/user/project/codeowners/reference/.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

BLANKS = " \t\r\f\v"
_SECTION = re.compile(r"^(\^?)\[([^\]]+)\](?:\[(\d+)\])?\s*(.*)$")
_WORDS = re.compile(r"(?:\\.|\S)+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: who owns what its pattern fits. Without owners it takes what lines above gave."""

    pattern: str
    owners: tuple[str, ...]
    section: str = ""
    """Of GitLab: in each section the last line that fits counts. Empty: before the first."""
    excludes: bool = False
    """Of GitLab: what it fits has no owners in its section, whatever other lines say."""


@dataclass(frozen=True, slots=True)
class CodeOwners:
    """All lines of a file."""

    rules: Sequence[Rule] = field(default_factory=tuple)
    gitlab: bool = False
    """Whether patterns are read as GitLab reads them."""
    optional: frozenset[str] = frozenset()
    """Sections of which nobody need approve: whoever owns something there alone is no owner here."""

    def of(self, path: str) -> tuple[str, ...]:
        """Owners of a path from the repository's root: of the last line that fits, in each section."""
        fit = fits_gitlab if self.gitlab else fits
        last: dict[str, Rule] = {}
        for rule in self.rules:
            before = last.get(rule.section)
            if (
                rule.section not in self.optional
                and not (before and before.excludes)
                and fit(rule.pattern, path)
            ):
                last[rule.section] = rule
        return tuple(dict.fromkeys(owner for rule in last.values() for owner in rule.owners))


def parse(text: str, *, gitlab: bool = False) -> CodeOwners:
    """Read a file, as GitHub does or as GitLab. Lines that name nothing are left out, as the forges do."""
    rules: list[Rule] = []
    needed: dict[str, bool] = {}
    section, default = "", ()  # type: tuple[str, tuple[str, ...]]
    # As the forges do: another mark that ends a line for Python would make a rule of a comment's second half.
    for line in text.split("\n"):
        said = re.sub(r"(?<!\\)#.*", "", line).strip(BLANKS)
        if not said:
            continue
        if gitlab and (heading := _SECTION.match(said)) is not None:  # to GitHub it is a line like others
            section, default = heading[2].strip().lower(), _owners(heading[4].split())
            needed[section] = needed.get(section, False) or not (heading[1] or heading[3] == "0")
            continue
        pattern, *owners = _WORDS.findall(said)
        pattern = re.sub(r"\\([ #\\])", r"\1", pattern)
        if not pattern.startswith("!"):
            rules.append(Rule(pattern, _owners(owners) or (default if section else ()), section))
        elif gitlab:  # GitHub does not know it
            rules.append(Rule(pattern[1:], (), section, excludes=True))
    optional = frozenset(name for name, must in needed.items() if gitlab and not must)
    return CodeOwners(tuple(rules), gitlab, optional)


def fits(pattern: str, path: str) -> bool:
    """Whether a pattern, written as in ``.gitignore``, fits a path or a folder above it."""
    anchored = "/" in pattern.rstrip("/")
    body = pattern.strip("/")
    inside = "" if pattern.endswith("/") else "|$"
    deep = "" if body.endswith(("/*", "/**")) or body == "" else f"(?:/.*{inside})"
    found = "" if anchored else "(?:.*/)?"
    parts = re.split(r"(\*\*/|/\*\*$|\*\*|\*|\?)", body)
    meant = {"**/": "(?:.*/)?", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    found += "".join(meant.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(found + deep, path) is not None


def fits_gitlab(pattern: str, path: str) -> bool:
    """Whether a pattern fits a path in GitLab: without a slash before it at any depth; folders end in one."""
    body = pattern[1:] if pattern.startswith("/") else f"**/{pattern}"
    body += "**/*" if body.endswith("/") or not body else ""
    meant = {"**/": "(?:.*/)?", "**": "[^/]*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"((?:(?<=/)|^)\*\*/|\*+|\?)", body)
    found = "".join(
        meant.get(part, "[^/]*" if part.strip("*") == "" and part else re.escape(part)) for part in parts
    )
    return re.fullmatch(found, path) is not None


def _owners(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for word in words if "@" in word)
