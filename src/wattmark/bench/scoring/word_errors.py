"""Word errors of a transcript, counted by jiwer.

Both sides are made alike first: Unicode NFKC, lower case, every character of Unicode's punctuation and symbol
categories taken away (an apostrophe too: ``don't`` is ``dont``), a hyphen made a space, spaces made one.
Numbers and spellings stay as they are, so that rates here are a little above those that Whisper's own
normaliser gives.
"""

from __future__ import annotations

import unicodedata

from wattmark.core.errors import MissingExtra

_BETWEEN_WORDS = "-\u2010\u2011\u2012\u2013\u2014/"


def word_errors(reference: str, said: str) -> tuple[int, int] | None:
    """Substitutions, deletions and insertions, and the number of words of the reference.

    None where the reference has no word: nothing can be told. Raises MissingExtra where jiwer is absent.
    """
    wanted, heard = normalised(reference), normalised(said)
    words = len(wanted.split())
    if not words:
        return None
    if not heard:
        return words, words
    try:
        import jiwer
    except ImportError:
        raise MissingExtra("word error rate", "bench") from None
    found = jiwer.process_words(wanted, heard)
    return int(found.substitutions + found.deletions + found.insertions), words


def normalised(text: str) -> str:
    """Text as it is compared."""
    plain = unicodedata.normalize("NFKC", text).lower()
    kept = (
        " " if letter in _BETWEEN_WORDS else letter
        for letter in plain
        if letter in _BETWEEN_WORDS or unicodedata.category(letter)[0] not in "PS"
    )
    return " ".join("".join(kept).split())
