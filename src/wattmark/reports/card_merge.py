"""Puts blocks into an existing model card by its text: whatever is not replaced stays, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from wattmark.core.errors import UsageError
from wattmark.reports.label_card import EMISSIONS, ENERGY, INDEX, OURS, Card

FENCE = "---"


@dataclass(frozen=True, slots=True)
class Merged:
    """The card as it is to be written, and what a person must know of it."""

    text: str
    kept: tuple[str, ...] = ()
    """What stood there already and was left."""


def merged(old: str, card: Card, name: str, *, replace: bool = False) -> Merged:
    """The old card with our blocks in it. Somebody else's ``co2_eq_emissions`` stay unless ``replace``.

    Raises UsageError that names the file where its front matter has no shape that can be added to.
    """
    first = old.find("\n")
    end = "\r" if first > 0 and old[first - 1] == "\r" else ""  # as the first line ends
    mark = "\ufeff" if old.startswith("\ufeff") else ""
    opening, front, closing, body = _split(old.removeprefix(mark).split("\n"), name)
    kept: list[str] = []
    for key, block in sorted(card.front.items()):
        front = _put(front, key, [line + end for line in block.split("\n")], kept, replace=replace)
    if EMISSIONS not in card.front:
        _tell_of_stale(front, kept)
    section = [line + end for line in card.section.split("\n")]
    body = _with_section(body, section, card.marks, end)
    whole = [opening or FENCE + end, *front, closing or FENCE + end, *body]
    return Merged(mark + "\n".join(whole), tuple(kept))


def _split(lines: list[str], name: str) -> tuple[str, list[str], str, list[str]]:
    """Opening fence, front matter, closing fence, what follows; without fences the first three are empty."""
    if lines[0].rstrip() != FENCE:
        return "", [], "", lines if not lines[0].strip() else ["", *lines]
    end = next((i for i, line in enumerate(lines[1:], 1) if line.rstrip() == FENCE), None)
    if end is None:
        raise UsageError(f"{name}: the front matter that begins in line 1 has no end (`---`)")
    front = lines[1:end]
    first = next((line for line in front if line.strip() and not line.lstrip().startswith("#")), "")
    if first.startswith(("{", "[", "-", " ", "\t", "%", "?", "&", "!")):
        raise UsageError(
            f"{name}: the front matter is no block of `key: value` lines: {first.strip()[:40]!r}; "
            "write it that way first"
        )
    return lines[0], front, lines[end], lines[end + 1 :]


def _put(front: list[str], key: str, block: list[str], kept: list[str], *, replace: bool) -> list[str]:
    """The front matter with this block: in the place of the old one, or at its end."""
    found = _find(front, key)
    if found is None:
        tail = len(front)
        while tail and not front[tail - 1].strip():
            tail -= 1
        return [*front[:tail], *block, *front[tail:]]
    start, end = found
    old = front[start:end]
    if key == ENERGY:
        new = _with_item(old, block)
        if new is None:
            kept.append(
                f"`{key}` is no list in block style and stays as it is: the section below has the figures"
            )
            return front
        return [*front[:start], *new, *front[end:]]
    if key == INDEX and not _is_our_index(old):
        kept.append(f"`{key}` has results of others and stays as it is: the section below has the figures")
        return front
    if key != INDEX and not replace and not _is_ours(old):
        kept.append(f"`{key}` was there already and stays as it is")
        return front
    return [*front[:start], *block, *front[end:]]


def _find(front: Sequence[str], key: str) -> tuple[int, int] | None:
    """First line of a key's block and the line after its last; comments and blanks below it stay outside."""
    head = re.compile(rf"""(?:{re.escape(key)}|"{re.escape(key)}"|'{re.escape(key)}')\s*:(?:\s|$)""")
    start = next((i for i, line in enumerate(front) if head.match(line)), None)
    if start is None:
        return None
    end = start + 1
    while end < len(front) and (not front[end].strip() or front[end][:1] in " \t-#]})"):
        end += 1
    while end > start + 1 and (not front[end - 1].strip() or front[end - 1].startswith("#")):
        end -= 1
    return start, end


def _with_item(old: list[str], block: list[str]) -> list[str] | None:
    """The list with our item in it: in the place of the one of the same task and key, else at its end.

    None where the old one is no list in block style.
    """
    head, *rest = old
    ends = "\r" if head.endswith("\r") else ""
    key, _, after = head.partition(":")
    if after.split(" #")[0].strip() not in ("", "[]", "null", "~"):
        return None
    dash = next((line for line in rest if line.strip() and not line.lstrip().startswith("#")), None)
    if dash is None:
        return [key + ":" + ends, *rest, *block[1:]]
    if not dash.lstrip().startswith("- "):
        return None
    indent = dash[: len(dash) - len(dash.lstrip())]
    new = [indent + line[2:] for line in block[1:]]
    done, replaced = [], False
    for item in _items(rest, indent + "- "):
        same = not replaced and _names(item) == _names(new)
        done.append(new if same else item)
        replaced = replaced or same
    return [head, *(line for item in (done if replaced else [*done, new]) for line in item)]


def _items(lines: Sequence[str], start: str) -> list[list[str]]:
    """The lines cut before each item; what stands before the first is a part of its own."""
    found: list[list[str]] = []
    for line in lines:
        if line.startswith(start) or not found:
            found.append([line])
        else:
            found[-1].append(line)
    return found


_TASK = re.compile(r"""\btask["']?\s*:[^\n]*\n?[^\n]*?\btype["']?\s*:\s*["']?([\w-]+)""")
_KEY = re.compile(r"""(?:^|[\s{,])["']?key["']?\s*:\s*["']?([0-9a-f]{12})\b""")


def _names(item: Sequence[str]) -> tuple[str, str]:
    """Task and key of an item, however another program wrote it again; empty where it tells none."""
    text = "\n".join(item)
    task, key = _TASK.search(text), _KEY.search(text)
    return (task[1] if task else "", key[1] if key else "")


def _is_ours(block: Sequence[str]) -> bool:
    return any(re.match(rf"""\s+["']?source["']?\s*:\s*["']?{OURS}: """, line) for line in block)


def _is_our_index(block: Sequence[str]) -> bool:
    """Whether it holds one result, and that is ours (reports.run_card)."""
    text = "\n".join(block)
    return "wattmark_energy" in text and len(re.findall(r"""(?:^|[\s{,-])["']?task["']?\s*:""", text)) == 1


def _tell_of_stale(front: list[str], kept: list[str]) -> None:
    """Grams that cannot be made again now must not stand beside new energy unsaid."""
    found = _find(front, EMISSIONS)
    if found is not None:
        whose = "an earlier label's" if _is_ours(front[found[0] : found[1]]) else "somebody else's"
        kept.append(f"`{EMISSIONS}` is {whose} and stays: no grid intensity was given to make it again")


def _with_section(body: list[str], section: list[str], marks: tuple[str, str], end: str) -> list[str]:
    start = next((i for i, line in enumerate(body) if line.strip() == marks[0]), None)
    if start is not None:
        last = next((i for i, line in enumerate(body) if i > start and line.strip() == marks[1]), None)
        if last is not None:
            return [*body[:start], *section, *body[last + 1 :]]
    tail = len(body)
    while tail and not body[tail - 1].strip():
        tail -= 1
    return [*body[:tail], end, *section, *(body[tail:] or [""])]
