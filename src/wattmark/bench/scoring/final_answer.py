r"""The final answer of a text that reasons, and whether it is the right one.

What is thought aloud (``<think> ... </think>``) does not count; a thought that never ended has no answer. The
answer is what stands in the last ``\boxed{}``, after the last ``####`` (as GSM8K writes it) or ``answer:`` /
``answer is``, else the last number of the text.
"""

from __future__ import annotations

import re

_THOUGHT_ENDS = ("</think>", "</thinking>", "<|end_of_thought|>")
_THOUGHT_BEGINS = ("<think>", "<thinking>", "<|begin_of_thought|>")
_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
_MARKED = (
    re.compile(r"\\boxed\s*\{([^{}]*)\}"),
    re.compile(r"####\s*([^\n]+)"),
    re.compile(r"\banswer\s*(?:is|:|=)\s*([^\n]+)", re.IGNORECASE),
)


def without_thoughts(text: str) -> str | None:
    """What was said after thinking; None where thinking did not come to an end."""
    ends = [text.rfind(mark) + len(mark) for mark in _THOUGHT_ENDS if mark in text]
    if ends:
        return text[max(ends) :]
    return None if any(mark in text for mark in _THOUGHT_BEGINS) else text


def thought_aloud(text: str) -> bool:
    """Whether there is a thought that is marked as one and not empty."""
    inside = re.split("|".join(map(re.escape, _THOUGHT_BEGINS)), text)[-1]
    parts = re.split("|".join(map(re.escape, _THOUGHT_ENDS)), inside)
    return bool(parts[0].strip()) and (len(parts) > 1 or inside != text)


def final_answer(text: str) -> str | None:
    """The answer, plain; None where there is none."""
    said = without_thoughts(text)
    if said is None:
        return None
    for mark in _MARKED:
        found = mark.findall(said)
        if found:
            return _plain(found[-1])
    numbers = _NUMBER.findall(said)
    return _plain(numbers[-1]) if numbers else _plain(said) or None


def exact_match(reference: str, text: str) -> float:
    """1 where the final answer is that of the reference (numbers by value), else 0."""
    wanted, given = final_answer(reference), final_answer(text)
    return float(wanted is not None and wanted == given)


def _plain(answer: str) -> str:
    """The number in it, without separators of thousands and a fraction of zero; else its words."""
    numbers = _NUMBER.findall(answer)
    if not numbers:
        return " ".join(answer.lower().strip(" .*`\"'$").split())
    whole, _, fraction = numbers[0].lstrip("+").replace(",", "").partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole
