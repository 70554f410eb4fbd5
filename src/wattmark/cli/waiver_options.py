"""Options that the commands of ``wattmark waiver`` share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from wattmark.core.governance.identity import Identity
    from wattmark.core.governance.rules import IdentityRules
    from wattmark.wiring.voices import Voice
    from wattmark.wiring.waiver_deeds import Office

policy_option = click.option(
    "--policy", type=click.Path(path_type=Path), help="Policy file [nearest wattmark-policy.toml]."
)
now_option = click.option(
    "--now", metavar="TIME", help="Another day or time, UTC: 2026-12-31 or 2026-12-31T10:00:00Z [now]."
)


def voice_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say who speaks; they arrive as ``key``, ``who``, ``token_env`` and ``github``."""
    for option in reversed(
        (
            click.option(
                "--key",
                type=click.Path(path_type=Path),
                help="Sign with this private SSH key (or the public half of one that ssh-agent holds).",
            ),
            click.option(
                "--as",
                "who",
                metavar="NAME",
                help="Who you are, as the policy names you; alone a claim until a signed commit says so.",
            ),
            click.option(
                "--token-env",
                metavar="VARIABLE",
                help="Variable that holds an identity token of the CI system.",
            ),
            click.option(
                "--github", is_flag=True, help="Ask GitHub Actions for an identity token (id-token: write)."
            ),
        )
    ):
        function = option(function)
    return function


def office_for(policy: Path | None, now: str | None) -> Office:
    """The policy with its waivers. Raises UsageError."""
    from wattmark.wiring.waiver_deeds import office_at

    return office_at(policy, Path.cwd(), moment(now))


def voice_of(rules: IdentityRules, options: dict[str, Any], digest: str = "") -> Voice:
    """Who speaks. A token of GitHub is asked for here, bound to what it is for."""
    from wattmark.wiring.voices import Voice

    key, variable, github = options.pop("key"), options.pop("token_env"), options.pop("github")
    if sum(map(bool, (key, variable, github))) > 1:
        raise UsageError("--key, --token-env and --github contradict each other: give one of them")
    token = ""
    if variable:
        token = os.environ.get(variable, "")
        if not token:
            raise UsageError(f"--token-env {variable}: there is no such variable, or it is empty")
    if github:
        from wattmark.identities.tokens import github_token

        token = github_token(os.environ, f"{rules.audience}:{digest}" if digest else rules.audience)
    return Voice(name=options.pop("who") or "", key=key.expanduser() if key else None, token=token)


def moment(text: str | None) -> datetime:
    """Now, or the moment that was asked for; a day is its end. Raises UsageError."""
    from wattmark.wiring.governing import moment as at

    whole_day = text is not None and len(text) == len("2026-12-31")
    return at(f"{text}T23:59:59Z" if whole_day else text)


def day(option: str, text: str | None) -> date | None:
    """A day. Raises UsageError that names the option."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is no day: write 2026-12-31") from None


def ids() -> Iterable[str]:
    """Ids of waivers; none where the files cannot be read."""
    from wattmark.core.errors import WattmarkError

    try:
        return office_for(None, None).found.ids
    except WattmarkError:  # a shell that completes must not show errors
        return ()


def rules() -> Iterable[str]:
    """Ids of rules; none where the policy cannot be read."""
    from wattmark.core.errors import WattmarkError
    from wattmark.wiring.waivers import digests_of

    try:
        return digests_of(office_for(None, None).policy)
    except WattmarkError:  # a shell that completes must not show errors
        return ()


def say_who(who: Identity) -> None:
    """Say how somebody is known; of a claim, what would make it more."""
    click.echo(f"by {who}" + (f" [{who.detail}]" if who.verified else ""))
    if not who.verified:
        click.echo(
            "wattmark: note: a typed name is a claim: commit it with a signed commit of that name", err=True
        )
