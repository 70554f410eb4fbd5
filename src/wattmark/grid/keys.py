"""Keys of providers: from the environment, else from the system's keyring. Never shown, never stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wattmark.grid.failures import WrongKey

SERVICE = "wattmark"
"""Under which name keys lie in a keyring: ``keyring set wattmark ELECTRICITYMAPS_API_KEY``."""
Lookup = Callable[[str], str | None]


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A key. Its text is only seen by who asks for it: a log or a traceback shows three stars."""

    text: str

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


def from_keyring(name: str) -> str | None:
    """A key out of the system's keyring; None where there is none, or no keyring."""
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        return keyring.get_password(SERVICE, name)
    except (KeyringError, RuntimeError, OSError):  # a machine without a session, a locked keyring
        return None


def find_key(provider: str, name: str, environ: Mapping[str, str], keyring: Lookup = from_keyring) -> Secret:
    """The key of this name. Raises WrongKey, saying where one can be put."""
    text = (environ.get(name) or keyring(name) or "").strip()
    if not text:
        raise WrongKey(
            provider, f"needs a key: set {name} in the environment, or `keyring set {SERVICE} {name}`"
        )
    if not text.isprintable() or not text.isascii():
        raise WrongKey(provider, f"the key in {name} holds characters that no key has: copy it again")
    return Secret(text)
