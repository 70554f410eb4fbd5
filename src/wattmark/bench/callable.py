"""Somebody's function as a model: a list of inputs goes in, a list of outputs comes out."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from wattmark.bench.asking import Answer, Query
from wattmark.core.bench.pinned import ModelFacts
from wattmark.core.errors import UsageError, without_paths

Function = Callable[[list[Any]], Sequence[Any]]
COUNTS = ("input_tokens", "output_tokens", "images", "cached_input_tokens")
SECONDS = ("audio_seconds", "first_output_seconds")
OUTPUT = "output"
FAILED = "failed"
KNOWN = frozenset((OUTPUT, FAILED, *COUNTS, *SECONDS))
MOST_SAID = 200
MOST, MOST_SECONDS = 1 << 53, 1e8
"""What one answer may tell of: more is a mistake, and no bundle would hold it."""


def function_named(text: str, folder: Path) -> Function:
    """The function that ``module:function`` names; modules of ``folder`` are found too. Raises UsageError."""
    module_name, colon, name = text.partition(":")
    if not colon or not module_name or not name:
        raise UsageError(f"--callable {text!r}: write module:function, e.g. my_model:answer")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        found: Any = importlib.import_module(module_name)
    except ImportError as error:
        raise UsageError(f"--callable {text!r}: {module_name} cannot be imported: {error}") from error
    except (Exception, SystemExit) as error:
        # A module of somebody else may raise anything while it loads, and may be a script that ends itself.
        said = f"{type(error).__name__}: {error}"
        raise UsageError(
            f"--callable {text!r}: {module_name} failed while it was imported: {said}"
        ) from error
    for part in name.split("."):
        if not hasattr(found, part):
            raise UsageError(f"--callable {text!r}: {module_name} has no {name!r}")
        found = getattr(found, part)
    if not callable(found):
        raise UsageError(f"--callable {text!r}: it is no function")
    function: Function = found
    return function


class CallableAnswerer:
    """An Answerer around a function. What it raises is a failed batch; what it returns wrongly, too."""

    def __init__(self, function: Function, facts: ModelFacts, counts_tokens: bool = False) -> None:
        """``counts_tokens``: hand ``output_tokens`` on as a keyword, where a pass asks for one new token."""
        self._function = function
        self._facts = facts
        self._counts_tokens = counts_tokens

    @property
    def facts(self) -> ModelFacts:
        """What the caller said of it."""
        return self._facts

    def prepare(self, batch: Sequence[Query]) -> list[Any]:
        """The inputs as the function takes them: the only one of a query bare, several as a dictionary."""
        return [input_of(query) for query in batch]

    def answer(
        self, batch: Sequence[Query], prepared: Any, *, output_tokens: int | None = None
    ) -> list[Answer]:
        """An answer for each query of the batch."""
        asked = {"output_tokens": output_tokens} if self._counts_tokens and output_tokens is not None else {}
        try:
            said = self._function(prepared, **asked)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it raises is a failed query;
            # and a function that ends the process must not look like a benchmark that ended well
            return [_failed(why_of(error))] * len(batch)
        if isinstance(said, str | bytes | Mapping) or not isinstance(said, Sequence):
            return [_failed(f"the function gave {type(said).__name__}, not a list")] * len(batch)
        if len(said) != len(batch):
            return [_failed(f"the function gave {len(said)} outputs for {len(batch)} inputs")] * len(batch)
        return [_answer(one) for one in said]

    def close(self) -> None:
        """The function is its owner's."""


def input_of(query: Query) -> Any:
    """What the function is given for one query."""
    if len(query.inputs) == 1:
        return next(iter(query.inputs.values()))
    return dict(query.inputs)


def _answer(said: Any) -> Answer:
    """An output alone, or a dictionary with ``output`` and what was counted."""
    if not (isinstance(said, Mapping) and (OUTPUT in said or FAILED in said)):
        return Answer(output=said)
    unknown = sorted(str(key) for key in said.keys() - KNOWN)
    if unknown:
        return _failed(f"the function told of {', '.join(unknown)}, which is not known")
    wrong = [k for k in COUNTS if said.get(k) is not None and not _is_count(said[k])]
    wrong += [k for k in SECONDS if said.get(k) is not None and not _is_seconds(said[k])]
    if wrong:
        return _failed(f"the function gave a wrong {', '.join(wrong)}")
    return Answer(
        output=said.get(OUTPUT),
        input_tokens=said.get("input_tokens"),
        cached_input_tokens=said.get("cached_input_tokens"),
        output_tokens=said.get("output_tokens"),
        images=said.get("images"),
        audio_seconds=said.get("audio_seconds"),
        first_output_seconds=said.get("first_output_seconds"),
        failed=in_one_line(str(said.get(FAILED) or "")),
    )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST_SECONDS


def _failed(why: str) -> Answer:
    return Answer(output=None, failed=in_one_line(why))


def why_of(error: BaseException) -> str:
    """Kind and words of what somebody's function raised."""
    try:
        return in_one_line(f"{type(error).__name__}: {without_paths(error)}")
    except Exception:  # noqa: BLE001 - an error of a stranger that cannot even be said
        return type(error).__name__


def in_one_line(text: str) -> str:
    """What a stranger says, short, and nothing in it that does something on a terminal."""
    plain = " ".join(text[: 4 * MOST_SAID].split())
    return "".join(c if c.isprintable() else "?" for c in plain)[:MOST_SAID]
