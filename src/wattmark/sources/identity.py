"""Ids of imported records: the same row of the same input always has the same one."""

from __future__ import annotations

from wattmark.hashing import id_of_name, sha256


def import_id(source: str, instance: str, native_key: str) -> str:
    """A record id from the source, which installation or file of it, and the row's own key there."""
    text = "\x1f".join((source, instance, native_key))
    return f"{source}-{sha256(text.encode()).hexdigest()[:32]}"


IS_ID = "id:"
"""What follows this is a machine's id already, as run files show it."""


def host_of(name: str) -> str:
    """A machine's id from its name: the same in every source that states the name, and not the name."""
    if name.startswith(IS_ID):
        return name.removeprefix(IS_ID).strip()
    return id_of_name(name)
