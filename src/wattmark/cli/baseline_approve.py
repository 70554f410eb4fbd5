"""``wattmark baseline approve NAME``, and who sets a baseline."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.waiver_options import voice_of, voice_options
from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from wattmark.core.baseline import Baseline
    from wattmark.wiring.baseline_approval import Said
    from wattmark.wiring.governing import PolicyHere
    from wattmark.wiring.voices import Voice

FILE = "wattmark-baseline.json"


def _names() -> list[str]:
    from wattmark.core.errors import WattmarkError
    from wattmark.ledger.baselinefile import find_baseline, read_baselines

    try:
        found = find_baseline(Path.cwd())
        return list(read_baselines(found)) if found is not None else []
    except WattmarkError:  # a shell that completes must not show errors
        return []


def _completed(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    return [name for name in _names() if name.startswith(begun)]


def set_by_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say who sets it, as ``voice_options`` does, and why, as ``reason``."""
    function = voice_options(function)
    return click.option("--reason", help="Why it is set; a policy may ask for it.")(function)


@dataclass(frozen=True, slots=True)
class Setter:
    """Who sets a baseline, and why, under the policy that is near."""

    rules: PolicyHere | None
    voice: Voice
    reason: str

    def said(self, new: Baseline) -> Said | None:
        """The baseline with who says so; None where nobody does. Raises UsageError."""
        from wattmark.wiring.baseline_approval import set_by

        if self.voice.silent:
            return None
        policy, folder = (self.rules.policy, self.rules.folder) if self.rules else (None, Path())
        return set_by(policy, folder, new, self.reason, datetime.now(UTC), self.voice)

    def log(self, new: Baseline, said: Said | None) -> None:
        """Into the audit log, where the policy has one."""
        _log(self.rules, new, said, "set", new.set_at)

    def say(self, new: Baseline) -> None:
        """What is still needed before a gate holds anything against it."""
        if self.rules is not None and self.rules.policy.baseline.asks:
            _say_problems(self.rules, new, datetime.now(UTC))


def setter_of(options: dict[str, Any]) -> Setter:
    """Who sets it, out of a command's options. Raises UsageError for what the policy asks and nobody said."""
    rules = _policy_near()
    reason = options.pop("reason") or ""
    voice = _voice(rules, options)
    if rules is not None and rules.policy.baseline.reason and not reason:
        raise UsageError("the policy asks why a baseline is set: give --reason")
    if rules is not None and rules.policy.baseline.approvers and voice.silent:
        raise UsageError("the policy asks for approvals of a baseline: say who sets it with --key or --as")
    if reason and not reason.isprintable():
        raise UsageError("--reason holds a character that does not show: write plain text")
    return Setter(rules, voice, reason)


@click.command()
@click.argument("name", required=False, default="default", shell_complete=_completed)
@click.option("--file", type=click.Path(path_type=Path), help=f"Baseline file [nearest {FILE}].")
@voice_options
def approve(name: str, file: Path | None, **options: Any) -> None:
    """Approve a kept baseline as it is: its evidence, its factors, its reason. Setting it anew voids that.

    Nobody approves what they set. The policy says how many approvals a gate asks for. A name alone is a
    claim, until a signed commit of theirs or a code owner's review brings it in.
    """
    from wattmark.ledger.baselinefile import find_baseline, read_baseline, read_baselines, write_baselines
    from wattmark.wiring.baseline_approval import approval_digest, approved_by

    rules, now = _policy_near(), datetime.now(UTC)
    if rules is None:
        raise UsageError("there is no policy here or above that says who may approve a baseline")
    target = file or find_baseline(Path.cwd())
    if target is None:
        raise UsageError(f"there is no {FILE} here or above: `wattmark baseline set RUN` writes one")
    kept = read_baseline(target, name)
    voice = _voice(rules, options, approval_digest(kept))
    found = approved_by(rules.policy, rules.folder, kept, now, voice)
    write_baselines(target, {**read_baselines(target), name: found.kept})
    _log(rules, found.kept, found, "approved", found.said.at)
    click.echo(f"approved baseline {name!r} in {target} as {found.who.name}")
    _say_problems(rules, found.kept, now)


def _say_problems(rules: PolicyHere, kept: Baseline, now: datetime) -> None:
    from wattmark.wiring.baseline_approval import problems

    for problem in problems(rules.policy, rules.folder, kept, now.date()):
        click.echo(f"wattmark: note: a gate will not take it yet: {problem}", err=True)


def _policy_near() -> PolicyHere | None:
    """The policy in force here. Raises UsageError where it requires a log that nobody named."""
    from wattmark.wiring.auditing import log_to_write
    from wattmark.wiring.authentic import nearest

    rules = nearest(Path.cwd())
    if rules is not None:
        log_to_write(rules.policy.audit, rules.folder)
    return rules


def _voice(rules: PolicyHere | None, options: dict[str, Any], digest: str = "") -> Voice:
    from wattmark.core.governance.rules import IdentityRules

    voice = voice_of(rules.policy.identity if rules else IdentityRules(), options, digest)
    if voice.name and not (voice.name.strip() and voice.name.isprintable()):
        raise UsageError(f"--as {voice.name!r:.80} names nobody")
    if rules is None and (voice.token or (voice.key is not None and not voice.name)):
        raise UsageError(
            "there is no policy here or above that says whose --key or token this is: give --as NAME"
        )
    return voice


def _log(rules: PolicyHere | None, new: Baseline, said: Said | None, what: str, at: str) -> None:
    from wattmark.wiring.actors import actor_here
    from wattmark.wiring.auditing import log_of, record_baseline

    if rules is None:
        return
    log = log_of(rules.policy.audit, rules.folder)
    if log is None:
        return
    detail = {"what": what, "reason": new.reason, "approved_by": ", ".join(who.by for who in new.approvals)}
    if said is None:
        record_baseline(log, new, actor=actor_here(None, os.environ, rules.folder), at=at, detail=detail)
        return
    if token := said.said.token:
        detail |= {"token": token["id"]}
    record_baseline(log, new, actor=said.who, at=at, detail={**detail, "digest": said.digest})
