"""A decision where people look: in files of its forms, and in what a CI system shows of a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from wattmark.core.errors import DeliveryError, UsageError
from wattmark.core.governance.decision import Decision
from wattmark.exporters.sticky import Behaviour, Forge, Posted, post
from wattmark.reports.ci.catalog import FORMATS, Format, format_named

CONTEXT = "wattmark/gate"
"""What names of commit statuses begin with."""
GITLAB_FILES = ("junit", "codequality", "openmetrics", "dotenv")
AZURE_FILES = ("junit", "markdown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was said where."""

    stdout: str = ""
    """What the step has to print: annotations, logging commands."""
    wrote: tuple[str, ...] = ()
    """Files, as they were named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What is to be said on a forge."""

    comment: Behaviour | None = None
    tag: str = ""
    """Tells comments and statuses of several gates apart; empty: by policy and what is judged."""
    status: bool = False
    number: int | None = None
    """Of the pull or merge request; None: as the environment says."""
    world: Mapping[str, Any] = field(default_factory=dict)
    """Clock, waiting, proxies and patience of the sender."""


def ci_of(env: Mapping[str, str]) -> str:
    """``github``, ``gitlab`` or ``azure``; empty where none of them says that it runs us."""
    if env.get("GITHUB_ACTIONS") == "true":
        return "github"
    if env.get("GITLAB_CI") == "true":
        return "gitlab"
    return "azure" if env.get("TF_BUILD", "").lower() == "true" else ""


def forms_asked(specs: Sequence[str]) -> list[tuple[Format, Path]]:
    """``FORMAT=FILE``, or ``FORMAT`` with its usual file. Raises UsageError before anything is done."""
    found = []
    for spec in specs:
        name, _, file = spec.partition("=")
        row = format_named(name)
        found.append((row, Path(file or row.file)))
    return found


def write_forms(decision: Decision, asked: Sequence[tuple[Format, Path]]) -> tuple[str, ...]:
    """Write the decision in these forms; folders are made. Raises UsageError that names the file."""
    for row, path in asked:
        text = row.render(decision)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror or error}") from None
    return tuple(str(path) for _, path in asked)


ROOTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR", "BUILD_SOURCESDIRECTORY")
"""Where CI systems say that the repository lies."""


def shown_as(row: Format, decision: Decision, env: Mapping[str, str], here: Path) -> Decision:
    """What that form shows: the decision itself letter by letter, in all others files as forges want them."""
    return decision if row is FORMATS["json"] else from_root(decision, env, here)


def from_root(decision: Decision, env: Mapping[str, str], here: Path) -> Decision:
    """The decision with files named from the repository's root, as forges want them, where they are there."""
    root = next((Path(env[name]).absolute() for name in ROOTS if env.get(name)), None)
    if root is None or not here.absolute().is_relative_to(root):
        return decision
    names = {rule.file for rule in decision.rules} | {decision.policy.file}
    found = {name: _placed(name, root, here.absolute()) for name in names if name}
    return replace(
        decision,
        rules=tuple(replace(rule, file=found.get(rule.file, rule.file)) for rule in decision.rules),
        policy=replace(decision.policy, file=found.get(decision.policy.file, decision.policy.file)),
    )


def _placed(name: str, root: Path, here: Path) -> str:
    """A file is named from the folder where the gate ran, or by its name alone in a folder above."""
    for folder in (here, *here.parents):
        try:
            there = (folder / name).is_file()
        except (OSError, ValueError):  # a name that no file can have
            return name
        if there and (folder / name).is_relative_to(root):
            return (folder / name).relative_to(root).as_posix()
        if folder == root:
            break
    return name


def tell_ci(decision: Decision, ci: str, env: Mapping[str, str], folder: Path) -> Told:
    """What that CI system shows of a step: annotations, summary, outputs; reports go below ``folder``."""
    if ci == "github":
        return _tell_github(decision, env)
    if ci == "gitlab":
        return Told(
            stdout=format_named("text").render(decision), wrote=_files(decision, GITLAB_FILES, folder)
        )
    if ci == "azure":
        wrote = _files(decision, AZURE_FILES, folder)
        summary = (folder / format_named("markdown").file).resolve()
        said = format_named("azure").render(decision)
        return Told(stdout=f"{said}##vso[task.uploadsummary]{summary}\n", wrote=wrote)
    raise UsageError("this is no CI system that wattmark knows: say --github, --gitlab or --azure")


def _files(decision: Decision, names: Sequence[str], folder: Path) -> tuple[str, ...]:
    return write_forms(decision, [(row := format_named(name), folder / row.file) for name in names])


def _tell_github(decision: Decision, env: Mapping[str, str]) -> Told:
    wrote = []
    for variable, form in (("GITHUB_STEP_SUMMARY", "markdown"), ("GITHUB_OUTPUT", "outputs")):
        file = env.get(variable, "")
        if file:
            _append(variable, Path(file), format_named(form).render(decision))
            wrote.append(f"${variable}")
    return Told(stdout=format_named("github").render(decision), wrote=tuple(wrote))


def _append(variable: str, path: Path, text: str) -> None:
    try:
        with path.open("ab") as file:
            file.write(text.encode())
    except OSError as error:
        raise UsageError(f"the file of ${variable} cannot be written: {error.strerror or error}") from None


def deliver(
    decision: Decision, ci: str, env: Mapping[str, str], asked: Delivery
) -> tuple[list[str], list[str]]:
    """Comment and commit status. Gives (what was done, what could not be done): it never raises for a forge.

    Neither keeps the other from being tried: a push has a commit and no pull request.
    Raises UsageError for what this run can never do: no token, an address that is none.
    """
    from wattmark.reports.ci.comment import GITHUB_MOST, GITLAB_MOST, comment_markdown

    forge, most = _forge(ci, env, asked), GITLAB_MOST if ci == "gitlab" else GITHUB_MOST
    done: list[str] = []
    problems: list[str] = []
    if asked.comment is not None:
        body = comment_markdown(decision, asked.tag, most)
        try:
            posted = post(forge, body.partition("\n")[0], body, asked.comment)
            done.append(_posted_words(posted))
            problems += [posted.problem] if posted.problem else []
        except (DeliveryError, UsageError) as error:
            problems.append(f"no comment: {error}")
    if asked.status:
        from wattmark.reports.ci.naming import gate_name
        from wattmark.reports.ci.words import counted

        try:
            context = "/".join(filter(None, (CONTEXT, asked.tag or gate_name(decision))))
            forge.status(decision.exit_code, counted(decision), context)
            done.append(f"commit status {context}")
        except (DeliveryError, UsageError) as error:
            problems.append(f"no commit status: {error}")
    return done, problems


def _posted_words(posted: Posted) -> str:
    gone = f", {posted.removed} earlier removed or folded" if posted.removed else ""
    return f"comment {posted.done}{f' at {posted.url}' if posted.url else ''}{gone}"


def _forge(ci: str, env: Mapping[str, str], asked: Delivery) -> Forge:
    if ci == "github":
        from wattmark.exporters.github import GitHub, pull_request_from

        return GitHub(pull_request_from(env, asked.number), **asked.world)
    if ci == "gitlab":
        from wattmark.exporters.gitlab import GitLab, merge_request_from

        return GitLab(merge_request_from(env, asked.number), **asked.world)
    raise UsageError("comments and commit statuses go to GitHub and GitLab: say --github or --gitlab")
