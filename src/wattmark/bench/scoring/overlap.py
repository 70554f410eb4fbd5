"""How much of a reference text is in an answer: ROUGE-L, and the F1 of SQuAD.

ROUGE-L is the F-measure of the longest common subsequence of words, by Google's ``rouge-score`` without
stemming (C.-Y. Lin, ROUGE: A Package for Automatic Evaluation of Summaries, ACL Workshop 2004,
https://aclanthology.org/W04-1013).

F1 is that of the SQuAD evaluation (P. Rajpurkar et al., SQuAD, EMNLP 2016, https://aclanthology.org/D16-1264;
unanswerable questions as in SQuAD 2.0, ACL 2018, https://aclanthology.org/P18-2124): small letters, without
ASCII punctuation and the articles a, an, the; the share of words in common; the best over all gold answers.
Where there is no answer, only an empty one is right.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

from wattmark.core.errors import MissingExtra


def rouge_l(reference: str, said: str) -> float:
    """From 0 to 1. Raises MissingExtra where rouge-score is absent."""
    return float(_scorer().score(reference, said)["rougeL"].fmeasure)


def squad_f1(golds: Sequence[str], said: str) -> float:
    """From 0 to 1; no gold answers means that the question cannot be answered."""
    return max((_word_f1(gold, said) for gold in golds), default=float(not _plain_words(said)))


def _word_f1(gold: str, said: str) -> float:
    wanted, given = _plain_words(gold), _plain_words(said)
    if not wanted or not given:
        return float(wanted == given)
    shared = (Counter(wanted) & Counter(given)).total()
    return 2 * shared / (len(wanted) + len(given))


def _plain_words(text: str) -> list[str]:
    kept = text.lower().translate(str.maketrans("", "", string.punctuation))
    return re.sub(r"\b(a|an|the)\b", " ", kept).split()


@cache
def _scorer() -> Any:
    try:
        from rouge_score import rouge_scorer
    except ImportError:
        raise MissingExtra("ROUGE-L", "bench") from None
    return rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)
