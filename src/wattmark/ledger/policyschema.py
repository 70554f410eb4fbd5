"""The JSON Schema of policy files, from the description they are read by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wattmark.core.policy import BOUNDS
from wattmark.core.tags import LABEL, TAGS
from wattmark.ledger.keys import Holds, Key, Table
from wattmark.ledger.policykeys import TABLES, TOP

DRAFT = "https://json-schema.org/draft/2020-12/schema"
ONE_OR_MORE = {"anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "items": {"type": "string"}}]}


def policy_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12. Days are what TOML calls local dates; editors take them for strings."""
    return schema_of(
        "wattmark policy", "What `wattmark gate` holds runs against: wattmark-policy.toml.", TOP, TABLES
    )


def schema_of(
    title: str, description: str, top: Mapping[str, Key], tables: Mapping[str, Table]
) -> dict[str, Any]:
    """JSON Schema of a file that is described by its keys and tables."""
    properties = {name: _key(key) for name, key in top.items()}
    properties |= {name: _table(name, table) for name, table in tables.items()}
    return {
        "$schema": DRAFT,
        "title": title,
        "description": description,
        **_closed(properties),
        "$defs": {"scope": _scope()},
    }


def _table(name: str, table: Table) -> dict[str, Any]:
    if table.free:
        return {
            "description": table.says,
            "type": "object",
            "additionalProperties": _key(table.keys["*"]),
        }
    found = _closed({key: _key(value) for key, value in table.keys.items()})
    required = [key for key, value in table.keys.items() if value.required]
    found |= {"required": required} if required else {}
    if name == "limit":
        found["oneOf"] = [{"required": [bound]} for bound in BOUNDS]
    if not table.many:
        return {"description": table.says, **found}
    return {"description": table.says, "type": "array", "items": found}


def _closed(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": dict(properties)}


def _key(key: Key) -> dict[str, Any]:
    said = key.says.replace("`", "")
    left_out = key.left_out.replace("`", "")
    if left_out and not key.required:
        said += f". Left out: {left_out}"
    return {"description": said[:1].upper() + said[1:] + ".", **_kind(key)}


def _kind(key: Key) -> dict[str, Any]:
    match key.holds:
        case Holds.TEXT:
            found: dict[str, Any] = {"type": "string"}
            allowed = [str(choice) for choice in key.choices if choice not in key.refused]
            found |= {"enum": allowed} if allowed else {}
            return found | ({"pattern": f"^({key.pattern})$"} if key.pattern else {})
        case Holds.NUMBER | Holds.WHOLE:
            limits = {"minimum": key.least, "exclusiveMinimum": key.above, "maximum": key.most}
            kind = "integer" if key.holds is Holds.WHOLE else "number"
            return {"type": kind} | {name: value for name, value in limits.items() if value is not None}
        case Holds.FLAG:
            return {"type": "boolean"}
        case Holds.DAY:
            return {"type": "string", "format": "date"}
        case Holds.TEXTS:
            return {"type": "array", "items": {"type": "string"}}
        case Holds.SCOPE:
            return {"$ref": "#/$defs/scope"}
        case Holds.TAGS:
            tag = rf"^({'|'.join(TAGS)}|{LABEL.replace('.', chr(92) + '.')}.+)$"
            return {"type": "array", "items": {"type": "string", "pattern": tag}}
        case Holds.WORDS:
            return {"type": "object", "additionalProperties": {"type": "string", "minLength": 1}}


def _scope() -> dict[str, Any]:
    labels = {"description": "Free labels.", "type": "object", "additionalProperties": ONE_OR_MORE}
    return {
        "description": "Tag -> pattern (*, ?, [abc]) or several, any of which will do; every tag must fit.",
        **_closed({**dict.fromkeys(TAGS, ONE_OR_MORE), "label": labels}),
        "patternProperties": {rf"^{LABEL.rstrip('.')}\..+$": ONE_OR_MORE},
    }
