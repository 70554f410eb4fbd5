"""Options that say what was run, for the verbs that make records."""

from __future__ import annotations

import difflib
from typing import Any

import click

from wattmark.core.errors import UsageError

STAGES = ("data_preparation", "training", "fine_tuning", "evaluation", "inference")
TAGS = (
    ("--model", "Name of the model."),
    ("--model-version", "Its version."),
    ("--stage", f"{', '.join(STAGES)}, or your own word."),
    ("--task", "What it does, e.g. text-classification."),
    ("--workload-class", "Decides which targets apply, e.g. classical, vision-batch."),
    ("--project", "Project."),
    ("--team", "Team."),
    ("--region", "Cloud region or site."),
)


def tag_options(function: Any) -> Any:
    """Add an option for each tag; ``tags_from`` collects them."""
    for name, text in reversed(TAGS):
        function = click.option(name, help=text)(function)
    return function


def tags_from(options: dict[str, Any]) -> dict[str, Any]:
    """The tags among a command's keyword arguments; None for what was not given."""
    names = (name.removeprefix("--").replace("-", "_") for name, _ in TAGS)
    return {name: options[name] for name in names}


def pairs(texts: tuple[str, ...], option: str) -> dict[str, str]:
    """What stands as NAME=VALUE. Raises UsageError for anything else and for a name that comes twice."""
    found: dict[str, str] = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign or not key or not value:
            raise UsageError(f"{option} {text!r} is not of the form NAME=VALUE")
        if key in found:
            raise UsageError(f"{option} {key} is given twice: give it once")
        found[key] = value
    return found


def warn_of_stage(stage: str | None) -> None:
    """Any word may be a stage, but a slip of the pen would keep its energy out of the KPIs."""
    close = difflib.get_close_matches(stage or "", STAGES, n=1, cutoff=0.75)
    if stage not in STAGES and close:
        click.echo(
            f"wattmark: the stage {stage!r} is a word of your own; did you mean {close[0]!r}?", err=True
        )
