"""Charter files: what a project states before it begins, read strictly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from wattmark.config import nearest
from wattmark.core.errors import UsageError
from wattmark.core.estimate import energy_from
from wattmark.core.governance.budget import CARBON_UNITS, ENERGY_UNITS
from wattmark.core.governance.charter import BASES, Charter, Estimated
from wattmark.core.known import Boundary, Grade
from wattmark.core.outcome import parse_goal
from wattmark.fields import Fields, text_of
from wattmark.ledger.keys import Holds, Key, Table, read_keys
from wattmark.ledger.policyschema import schema_of
from wattmark.ledger.tomllines import parsed

CHARTER_NAME = "wattmark-charter.toml"
TOP: Mapping[str, Key] = {
    "project": Key(says="the project, as its runs are tagged", required=True, example='"sorter"'),
    "owner": Key(says="who answers for it"),
    "purpose": Key(says="what it is for, in a sentence"),
    "model": Key(says="the model, as its runs are tagged"),
    "team": Key(says="the team, as its runs are tagged"),
    "task": Key(says="what the model does, as its runs are tagged"),
    "outcome": Key(says="when it is done: a quality and its goal", example='"accuracy>=0.95"'),
    "functional_unit": Key(says="what its work is counted in, such as inferences"),
    "lifetime_inferences": Key(
        holds=Holds.NUMBER, says="inferences that the model will serve in its life", above=0.0
    ),
    "alternatives": Key(holds=Holds.TEXTS, says="what else was considered: a smaller model, none at all"),
    "budget": Key(says="id of the budget of the policy that it falls under"),
    "review_by": Key(holds=Holds.DAY, says="when it is looked at again"),
    "approved_by": Key(holds=Holds.TEXTS, says="who approved it; names that were typed are claims"),
}
ESTIMATE = Table(
    says="Energy-to-Solution as it is expected: all stages and attempts until the outcome holds.",
    keys={
        "energy": Key(holds=Holds.NUMBER, says="energy in `unit`", above=0.0),
        "unit": Key(says="of `energy`", choices=tuple(ENERGY_UNITS), left_out="`kWh`"),
        "boundary": Key(says="what it counts", choices=tuple(Boundary), left_out="`node`"),
        "uncertainty": Key(
            holds=Holds.NUMBER,
            says="relative half width of the 95 % interval: 0.5 is 50 %",
            least=0.0,
            most=10.0,
            left_out="1, as of anything that is only declared",
        ),
        "basis": Key(says="how it is known", choices=BASES, left_out="`declared`"),
        "grade": Key(says="how well", choices=tuple(Grade), left_out="D; E for what is declared"),
        "source": Key(says="the runs, the publication or the reasoning behind it"),
        "from": Key(
            says="a result that `wattmark estimate --out` stored beside this file: it states energy, "
            "uncertainty, boundary and basis"
        ),
        "carbon": Key(holds=Holds.NUMBER, says="carbon in `carbon_unit`", above=0.0),
        "carbon_unit": Key(says="of `carbon`", choices=tuple(CARBON_UNITS), left_out="`kgCO2e`"),
        "accounting": Key(says="of the carbon", choices=("location", "market"), left_out="`location`"),
        "pue": Key(holds=Holds.NUMBER, says="PUE that was assumed", least=1.0),
        "grid": Key(says="grid that was assumed: a country, a region, or gCO2e/kWh with its source"),
    },
)
OF_FILE = ("energy", "unit", "uncertainty", "boundary", "basis", "grade")


def find_charter(start: Path) -> Path | None:
    """The nearest charter in this folder or one above it."""
    return nearest(start, CHARTER_NAME)


def read_charter(path: Path) -> Charter:
    """Read a charter file. Raises ConfigError that names the file, the line and the place in it."""
    return parse_charter(text_of(path), str(path), path.parent)


def parse_charter(text: str, file: str, folder: Path | None = None) -> Charter:
    """A charter from text; estimates that it names lie in ``folder``. Raises ConfigError."""
    return parsed(text, file, lambda fields, _: _charter(fields, folder))


def charter_schema() -> dict[str, Any]:
    """JSON Schema of charter files, draft 2020-12."""
    what = "What a project states before it begins: wattmark-charter.toml."
    return {**schema_of("wattmark charter", what, TOP, {"estimate": ESTIMATE}), "required": ["project"]}


def _charter(fields: Fields, folder: Path | None) -> Charter:
    fields.only(*TOP, "estimate")
    top = Fields(fields.file, "", {k: v for k, v in fields.values.items() if k != "estimate"})
    values = read_keys(top, TOP)
    if values.get("outcome"):
        try:
            parse_goal(values["outcome"])
        except UsageError as error:
            raise fields.wrong("outcome", str(error)) from None
    return Charter(**values, estimate=_estimate(fields.table("estimate"), folder), file=fields.file)


def _estimate(fields: Fields, folder: Path | None) -> Estimated:
    values = read_keys(fields, ESTIMATE.keys)
    values = {k: v.value if isinstance(v, Boundary) else v for k, v in values.items()}
    named = values.pop("from", "")
    if not named:
        return Estimated(**values)
    twice = [key for key in OF_FILE if key in values]
    if twice:
        raise fields.wrong("from", f"stands beside {', '.join(twice)}, which that file states: leave one out")
    name = fields.beside("from")
    kept = _kept(fields, (folder or Path()) / name)
    return replace(Estimated(**values), from_file=name, **kept)


def _kept(fields: Fields, path: Path) -> dict[str, Any]:
    """What `wattmark estimate --out` stored."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        figure = energy_from(body["estimate"])
        basis = body["basis"]
    except OSError as error:
        raise fields.wrong("from", f"{path.name} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, ValueError, KeyError, TypeError):
        raise fields.wrong(
            "from", f"{path.name} is not a stored estimate: `wattmark estimate --out` writes one"
        ) from None
    if basis not in BASES:
        raise fields.wrong("from", f"{path.name} rests on {basis!r:.40}, which is none of {', '.join(BASES)}")
    return {
        "energy": figure.value,
        "unit": "J",
        "uncertainty": figure.relative,
        "boundary": figure.terms["boundary"],
        "basis": basis,
        "grade": Grade.D,
    }
