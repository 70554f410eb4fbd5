"""One comment that is kept up to date on a pull or merge request: found by its marker, whatever the forge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from wattmark.core.errors import DeliveryError
from wattmark.webapi.answers import Answer

OUTDATED = "<!-- wattmark:outdated -->"
"""What stands in place of the marker where a comment is no longer the one to update."""


class Behaviour(StrEnum):
    """What becomes of the comment of an earlier run."""

    UPDATE = "update"
    """The newest is written anew where it stands; older ones, of jobs that ran at once, are folded."""
    NEW = "new"
    """It stays; there is one more."""
    DELETE_AND_NEW = "delete-and-new"
    """It goes, and the new one stands last."""
    HIDE_AND_NEW = "hide-and-new"
    """It is folded as outdated, and the new one stands last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment of ours."""

    id: str
    body: str
    url: str = ""
    node: str = ""
    """Its name in GraphQL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What became of a comment."""

    done: str
    """``updated`` or ``created``."""
    url: str = ""
    removed: int = 0
    """Earlier ones that were deleted or folded."""
    problem: str = ""
    """Why an earlier one could not be deleted or folded; the new one stands all the same."""


class Forge(Protocol):
    """Comments of one pull or merge request, and statuses of its commit."""

    def comments(self, marker: str) -> Iterable[Comment]:
        """Ours that begin with the marker, the oldest first: never what others wrote."""
        ...

    def create(self, body: str) -> Comment:
        """Write a new one."""
        ...

    def update(self, comment: Comment, body: str) -> Comment:
        """Write it anew."""
        ...

    def delete(self, comment: Comment) -> None:
        """Remove it; it is no error when it is gone already."""
        ...

    def hide(self, comment: Comment) -> None:
        """Fold it as outdated."""
        ...

    def status(self, exit_code: int, description: str, context: str) -> None:
        """Say beside the commit how it stands."""
        ...


def post(forge: Forge, marker: str, body: str, behaviour: Behaviour = Behaviour.UPDATE) -> Posted:
    """Write ``body``, which begins with the marker. Raises DeliveryError when it could not be written.

    What may have been taken although the answer was lost is looked for before it is sent a second time.
    """
    earlier = list(forge.comments(marker))
    if behaviour is Behaviour.UPDATE and earlier:
        try:
            url = forge.update(earlier[-1], body).url
        except DeliveryError as error:
            if error.status not in (404, 410):  # somebody deleted it in between: then a new one
                raise
        else:
            # Two jobs that found none wrote one each: the verdict of one must not stand there for ever.
            removed, problem = _removed(forge.hide, earlier[:-1])
            return Posted(done="updated", url=url, removed=removed, problem=problem)
    made = _created(forge, marker, body, {comment.id for comment in earlier})
    if behaviour not in (Behaviour.DELETE_AND_NEW, Behaviour.HIDE_AND_NEW):
        return Posted(done="created", url=made.url)
    removed, problem = _removed(
        forge.delete if behaviour is Behaviour.DELETE_AND_NEW else forge.hide, earlier
    )
    return Posted(done="created", url=made.url, removed=removed, problem=problem)


def _removed(remove: Callable[[Comment], None], comments: Iterable[Comment]) -> tuple[int, str]:
    """(how many went, why one of them did not)."""
    removed, problem = 0, ""
    for comment in comments:
        try:
            remove(comment)
            removed += 1
        except DeliveryError as error:
            problem = str(error)
    return removed, problem


def _created(forge: Forge, marker: str, body: str, known: set[str]) -> Comment:
    try:
        return forge.create(body)
    except DeliveryError as error:
        if not error.unsure:
            raise
    taken = [comment for comment in forge.comments(marker) if comment.id not in known]
    return taken[-1] if taken else forge.create(body)


def outdated(body: str) -> str:
    """The words of a comment without the marker by which it is found."""
    return f"{OUTDATED}\n{body.partition(chr(10))[2]}"


@contextmanager
def explained(advice: Callable[[DeliveryError], str]) -> Iterator[None]:
    """Adds what to do to the refusals that people meet."""
    try:
        yield
    except DeliveryError as error:
        if said := advice(error):
            raise DeliveryError(
                error.place, f"{error.problem}; {said}", error.status, unsure=error.unsure
            ) from None
        raise


def objects(page: Answer) -> list[dict[str, Any]]:
    """The objects of a list. Raises DeliveryError for anything else."""
    found = page.json()
    if not isinstance(found, list):
        raise DeliveryError(page.place, "answered with something else than a list", page.status)
    return [item for item in found if isinstance(item, dict)]


def one_object(answer: Answer) -> dict[str, Any]:
    """An object. Raises DeliveryError for anything else."""
    found = answer.json()
    if not isinstance(found, dict):
        raise DeliveryError(answer.place, "answered with something else than an object", answer.status)
    return found
