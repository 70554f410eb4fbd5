"""What a server says of itself: which engine it is, in which version, and which model it serves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from wattmark.bench.endpoint.dialects import DIALECTS, PLAIN, Dialect
from wattmark.bench.endpoint.http import Client, Failed
from wattmark.core.errors import EvidenceError, UsageError

MOST_NAMED = 5
MOST = 1 << 53
"""Parameters and tokens: no bundle would hold more."""
VERSION = re.compile(r"[\w.+-]{1,60}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One model of one server."""

    model: str
    """As the server must be asked for it."""
    dialect: Dialect = PLAIN
    engine: str = ""
    """Name and version of the engine, as far as it tells them."""
    parameters: int | None = None
    longest: int | None = None
    """Tokens that input and output may be together."""

    @property
    def shown(self) -> str:
        """The model's name; of a path of somebody's machine only the last part."""
        if self.model.startswith(("/", "\\", ".", "~")) or re.match(r"[A-Za-z]:[\\/]", self.model):
            return re.split(r"[\\/]", self.model.rstrip("\\/"))[-1]
        return self.model


def look(client: Client, model: str | None) -> Served:
    """What is served there.

    Raises UsageError where the model must be named or is not there, EvidenceError where nothing answers.
    """
    try:
        said = client.get("/models")
    except Failed as error:
        if model is None or not str(error).startswith(("status 404", "status 405", "status 501")):
            raise EvidenceError(
                client.address.url, f"{error}; is a server with OpenAI's API running there?"
            ) from None
        return Served(model=model)
    rows = _rows(said)
    row = _chosen(rows, model, client.address.url)
    dialect = DIALECTS.get(str(row.get("owned_by")), PLAIN)
    meta = row.get("meta")
    return Served(
        model=str(row["id"]) if model is None or not _is(row, model) else model,
        dialect=dialect,
        engine=" ".join(filter(None, (dialect.name, _version(client, dialect)))),
        parameters=_whole(meta.get("n_params")) if isinstance(meta, dict) else None,
        longest=_whole(row.get("max_model_len")),
    )


def _rows(said: Any) -> list[dict[str, Any]]:
    data = said.get("data") if isinstance(said, dict) else None
    return [
        row for row in (data if isinstance(data, list) else []) if isinstance(row, dict) and row.get("id")
    ]


def _is(row: dict[str, Any], model: str) -> bool:
    aliases = row.get("aliases")
    return model == row["id"] or (isinstance(aliases, list) and model in aliases)


def _chosen(rows: list[dict[str, Any]], model: str | None, url: str) -> dict[str, Any]:
    names = ", ".join(str(row["id"]) for row in rows[:MOST_NAMED]) + (
        " ..." if len(rows) > MOST_NAMED else ""
    )
    if model is None:
        if len(rows) != 1:
            raise UsageError(
                f"{url} serves {names or 'no model that it names'}: say which with --served-model"
            )
        return rows[0]
    for row in rows:
        if _is(row, model):
            return row
    if not rows:
        return {"id": model}
    raise UsageError(f"{url} does not serve {model!r}; it serves {names}")


def _version(client: Client, dialect: Dialect) -> str:
    """Its version; empty where it does not tell one."""
    if not dialect.version_path:
        return ""
    try:
        said = client.get(dialect.version_path, root=True)
    except Failed:
        return ""
    version = said.get(dialect.version_key) if isinstance(said, dict) else None
    return version if isinstance(version, str) and VERSION.fullmatch(version) else ""


def _whole(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 < value <= MOST else None
