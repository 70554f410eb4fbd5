"""``wattmark label check FILE [RESULT]``: a label against itself, and against the result it is of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from wattmark.cli.label_make import one_of, result_options
from wattmark.cli.options import json_option
from wattmark.core.errors import EvidenceError
from wattmark.version import __version__

DISAGREES = 1
MOST_BYTES = 1 << 24


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("results", nargs=-1, metavar="[RESULT]...", type=click.Path(path_type=Path))
@result_options
@json_option
def command(file: Path, results: tuple[Path, ...], as_json: bool, **options: Any) -> int:
    """Check a label (SVG, PNG or JSON): what it shows, its numbers and its stars agree with each other.

    With RESULT (a bundle, or a result file) it is made anew from that and compared field by field.
    Exit code 1 where something disagrees.
    """
    from wattmark.reports.label_check import differences, drawn_faults, inner_faults

    label, svg = _read(file)
    faults = [*inner_faults(label), *(drawn_faults(svg, label) if svg is not None else ())]
    if results:
        faults += differences(label, _fresh(label, results, options))
    against = "its result" if results else "itself alone; give its bundle or result to hold it against that"
    if as_json:
        from wattmark.reports.as_json import document

        body = {
            "file": file.name,
            "agrees": not faults,
            "held_against_result": bool(results),
            "faults": faults,
        }
        click.echo(document("label_check", 1, body))
    else:
        click.echo(f"{file}: {'disagrees' if faults else 'agrees'} (held against {against})")
        for fault in faults:
            click.echo(f"  {fault}")
    return DISAGREES if faults else 0


def _fresh(label: dict[str, Any], results: tuple[Path, ...], options: dict[str, Any]) -> dict[str, Any]:
    """The label's document as its result gives it now, rated in the label's own mode."""
    from wattmark.reports.as_json import document
    from wattmark.reports.label_facts import SCHEMA, SCHEMA_VERSION, label_body

    mode = label.get("stars_mode") if label.get("stars_mode") in ("anchored", "aies") else options["mode"]
    asked = {**options, "mode": mode}
    asked["model"] = options["model"] or label.get("model_id")
    asked["task"] = options["task"] or label.get("task")
    result, rating = one_of(results, asked)
    made: dict[str, Any] = json.loads(
        document(SCHEMA, SCHEMA_VERSION, label_body(result, rating, version=__version__))
    )
    return made


def _read(file: Path) -> tuple[dict[str, Any], str | None]:
    """The document in a label, and the drawing where it is one. Raises EvidenceError."""
    from wattmark.reports.label_png import SIGNATURE, png_twin
    from wattmark.reports.label_svg import twin_of

    name = str(file)
    try:
        with open(file, "rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise EvidenceError(name, f"cannot be read: {error.strerror}") from None
    if len(content) > MOST_BYTES:
        raise EvidenceError(name, f"is larger than {MOST_BYTES >> 20} MiB: this is no label")
    svg = None
    if content.startswith(SIGNATURE):
        label = png_twin(content)
    else:
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            raise EvidenceError(name, "is neither text nor PNG: this is no label") from None
        svg = text if text.lstrip().startswith("<") else None
        label = twin_of(text) if svg is not None else _document(text)
    if label is None:
        raise EvidenceError(name, "holds no label: SVG, PNG or JSON that `wattmark label` wrote")
    if label.get("schema") != "wattmark.label":
        raise EvidenceError(name, f"holds no label: `schema` is {label.get('schema')!r}")
    return label, svg


def _document(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
