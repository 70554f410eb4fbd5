"""Everything wattmark raises on purpose.

    WattmarkError
    ├── UsageError            the caller asked for something that does not exist or fit
    │   ├── ConfigError       a configuration, policy or rubric file is wrong (names file and place)
    │   └── MissingExtra      an optional package is needed (names the pip command)
    ├── EvidenceError         a run file cannot be read or does not hold what is needed
    ├── LedgerError           a ledger cannot be reached, read or written (names its address)
    ├── GridError             a provider of grid intensity gave no figure that can be used (names it)
    ├── DeliveryError         another service did not take or tell what it was asked (names its address)
    ├── NotComparable         two figures may not be compared or added (names the differing terms)
    ├── MeterUnavailable      a meter cannot work on this machine (names the reason)
    └── RefusedError          a figure that would mislead is refused (names what to give instead)

Each message says what to do next; each class has a page in ``docs/errors``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence


class WattmarkError(Exception):
    """Base of all errors that wattmark raises on purpose."""

    exit_code = 2


class UsageError(WattmarkError):
    """What was asked for does not exist or does not fit together."""


class ConfigError(UsageError):
    """A configuration, policy or rubric file is wrong."""

    def __init__(self, file: str, place: str, problem: str) -> None:
        self.file = file
        self.place = place
        self.problem = problem
        super().__init__(f"{file}: {place}: {problem}" if place else f"{file}: {problem}")


class MissingExtra(UsageError):
    """Something needs an optional package that is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        self.what = what
        self.extra = extra
        super().__init__(f"{what}: an optional part is not installed: pip install 'wattmark[{extra}]'")


class EvidenceError(WattmarkError):
    """A run file cannot be read, or does not hold what is needed."""

    def __init__(self, file: str, problem: str) -> None:
        self.file = file
        self.problem = problem
        super().__init__(f"{file}: {problem}")


class LedgerError(WattmarkError):
    """A ledger cannot be reached, read or written. It may work later: nothing half done counts."""

    def __init__(self, url: str, problem: str) -> None:
        self.url = url
        self.problem = problem
        super().__init__(f"{url}: {problem}")


class GridError(WattmarkError):
    """A provider of grid intensity gave no figure that can be used; its kinds say why. Never a default."""

    def __init__(self, provider: str, problem: str) -> None:
        self.provider = provider
        self.problem = problem
        super().__init__(f"{provider}: {problem}")


class DeliveryError(WattmarkError):
    """Another service did not take what was sent there, or did not tell what it was asked for."""

    def __init__(self, place: str, problem: str, status: int | None = None, *, unsure: bool = False) -> None:
        self.place = place
        """The address as it may be shown: without secrets."""
        self.problem = problem
        self.status = status
        """Of HTTP, when there was an answer."""
        self.unsure = unsure
        """Whether it may have been taken all the same: sending it again could make two of it."""
        super().__init__(f"{place}: {problem}")


class NotComparable(WattmarkError):
    """Two figures were made on different terms and may not be compared or added."""

    def __init__(
        self, differing: Sequence[tuple[str, str | None, str | None]], what: str = "figures"
    ) -> None:
        self.differing = tuple(differing)
        fields = "; ".join(
            f"{name}: {a or 'not stated'} against {b or 'not stated'}" for name, a, b in self.differing
        )
        super().__init__(f"these {what} may not be compared: {fields}")


def without_paths(error: BaseException) -> str:
    """What went wrong, for a run file: paths are left out, because they tell the names of users."""
    match error:
        case OSError():
            return error.strerror or type(error).__name__
        case EvidenceError() | ConfigError() | LedgerError() | DeliveryError():
            return without_secrets(error.problem)
        case _:
            return without_secrets(_USER.sub(r"\1***", str(error)))


def without_secrets(text: str) -> str:
    """A message without the accounts, tokens and signatures that addresses in it carry."""
    return _SECRET_VALUE.sub(r"\1***", _ACCOUNT.sub("***@", text))


_USER = re.compile(r"([\\/](?:home|Users)[\\/])[^\\/\s'\":]+")
"""The folder of a user within a path: /home/NAME, C:\\Users\\NAME."""
_ACCOUNT = re.compile(r"(?<=://)[^\s/?#]*@")
_SECRET_VALUE = re.compile(
    r"([?&](?:sig|signature|token|[\w-]*[_-](?:token|signature|credential)|(?:api[_-]?|access[_-]?)?key"
    r"|password|secret)=)[^&\s'\"<>)]+",
    re.IGNORECASE,
)


class MeterUnavailable(WattmarkError):
    """A meter cannot work on this machine; the message is the reason shown to the user."""


class RefusedError(WattmarkError):
    """A figure that would mislead is refused; the message names what to give instead."""
