"""``wattmark policy``: look at the policy itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from wattmark.cli.lazy import LazyGroup

if TYPE_CHECKING:
    from wattmark.core.policy import Policy

VERBS: dict[str, tuple[str, str]] = {
    "check": ("wattmark.cli.policy_check:check", "Validate it, and say what makes little sense."),
    "show": ("wattmark.cli.policy_check:show", "Show the rules that are in force, with all defaults."),
    "digest": ("wattmark.cli.policy_check:digest", "Print the hash of what it says, or of one rule."),
    "schema": ("wattmark.cli.policy_check:schema", "Print the JSON Schema of policy files."),
    "simulate": (
        "wattmark.cli.policy_simulate:command",
        "Say how often a limit fails or misses with the noise of these runs.",
    ),
}

policy_option = click.option(
    "--policy", type=click.Path(path_type=Path), help="Policy file [nearest wattmark-policy.toml]."
)


@click.group(cls=LazyGroup, verbs=VERBS)
def group() -> None:
    """Look at the policy itself: what it says, whether it makes sense, how surely it decides."""


def policy_named(path: Path | None) -> Policy:
    """The policy named, or the nearest one; its name is told without folders of this machine."""
    from wattmark.wiring.governing import policy_here

    return policy_here(path, Path.cwd()).policy
