"""Between MLflow and what we know: runs that are told of there, and models with their evidence."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from wattmark.core.errors import DeliveryError, EvidenceError, UsageError
from wattmark.core.governance.audit import Entry
from wattmark.core.governance.decision import Decision
from wattmark.core.governance.promotion import (
    AUDIT_HEAD,
    AUDIT_SEQ,
    DECISION,
    GATE,
    NO_EVIDENCE,
    PASSED,
    Refusal,
    Shelved,
    gate_word,
    refusal,
    tags_of_version,
    tags_refusal,
    untellable,
)
from wattmark.core.outcome import parse_goal
from wattmark.core.run import MOST_COUNT, Quality, Run
from wattmark.exporters.mlflow_server import (
    AS_ONE,
    EVIDENCE,
    FOLDER,
    RECORD_ID,
    ModelVersion,
    Server,
    outer_of,
)
from wattmark.hashing import sha256
from wattmark.ledger.decisionfile import parse_decision
from wattmark.ledger.runfile import SUFFIX

if TYPE_CHECKING:
    from datetime import datetime

    from wattmark.wiring.governing import PolicyHere, Surroundings

PASSED_ALIAS = "wattmark-passed"
DECISIONS = f"{FOLDER}/decisions"


def quality_from(server: Server, run_id: str, name: str) -> Quality:
    """A metric of a run in MLflow as a quality. Raises EvidenceError for none, or no number."""
    metrics = server.run(run_id).metrics
    if name not in metrics:
        there = ", ".join(sorted(m for m in metrics if not m.startswith(("wattmark", "system/")))) or "none"
        raise EvidenceError(server.place, f"run {run_id} has no metric {name!r}; it has {there}")
    if not abs(metrics[name]) <= MOST_COUNT:  # NaN is not, either; stores keep infinity as the largest number
        said = f"{metrics[name]:g}"
        raise EvidenceError(server.place, f"metric {name!r} of run {run_id} is {said}: that says no quality")
    return Quality(name=name, value=metrics[name])


def with_quality(run: Run, quality: Quality) -> Run:
    """The run with a quality that it did not state itself, as a later version of its record."""
    if any(q.name == quality.name for q in run.quality):
        return run
    qualities = (*run.quality, quality)
    goal = run.outcome
    if goal is not None and goal.reached is None:
        goal = parse_goal(goal.condition).outcome(qualities)
    return replace(run, seq=run.seq + 1, quality=qualities, outcome=goal)


@dataclass(frozen=True, slots=True)
class Named:
    """``MODEL/VERSION`` or ``MODEL@ALIAS``, as somebody wrote it."""

    model: str
    version: str = ""
    alias: str = ""


def named(text: str) -> Named:
    """Read a version's name. Raises UsageError that shows the form."""
    whole = text.removeprefix("models:/")
    model, at, alias = whole.rpartition("@")
    if at and model and alias:
        return Named(model, alias=alias)
    model, slash, version = whole.rpartition("/")
    if slash and model and version.isascii() and version.isdigit():
        return Named(model, version)
    raise UsageError(f"{text!r} is no version of a model: write MODEL/VERSION, e.g. sorter/3, or MODEL@ALIAS")


def version_of(server: Server, name: Named) -> ModelVersion:
    """The version that is meant. Raises EvidenceError where nothing has the alias."""
    if name.version:
        return server.version(name.model, name.version)
    found = server.aliased(name.model, name.alias)
    if found is None:
        raise EvidenceError(server.place, f"no version of {name.model} has the alias {name.alias!r}")
    return found


def shelved(server: Server, version: ModelVersion) -> Shelved:
    """The version with what the run that it comes from says of our records."""
    tags = server.run(version.run_id).tags if version.run_id else {}
    return Shelved(
        name=version.name,
        version=version.version,
        record_ids=tuple(word.strip() for word in tags.get(RECORD_ID, "").split(",") if word.strip()),
        evidence_sha256=tags.get(EVIDENCE, ""),
        as_one=tags.get(AS_ONE) == "true",
        tags=version.tags,
    )


def run_files(server: Server, run_id: str) -> list[tuple[str, bytes]]:
    """Run files among the artifacts of a run: name and content."""
    names = [name for name in server.files(run_id, FOLDER) if name.endswith(SUFFIX)]
    return [(name.rpartition("/")[2], server.fetch(run_id, name)) for name in names]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagged:
    """What was written of a version."""

    version: str
    gate: str
    tags: dict[str, str | None]
    alias: str = ""
    """The alias that it has now."""
    dropped: str = ""
    """The alias that was taken from it."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On which terms a version is tagged, promoted or served."""

    now: datetime
    max_age_days: float
    policy_digest: str = ""
    """Empty: whichever policy it met."""


def tag(
    server: Server,
    version: ModelVersion,
    decision: Decision,
    document: bytes,
    terms: Terms,
    ended: Refusal | None = None,
) -> Tagged | Refusal:
    """Write what was decided as tags of the version; it gets the alias ``wattmark-passed``, or loses it.

    Refused for a decision about something else, one that was altered, and one older than its tags: nothing is
    written. A pass that counts no more (too old, by a waiver that lapsed or has ``ended``) gives no alias.
    """
    shelf = shelved(server, version)
    if (other := untellable(decision, shelf, terms.now)) is not None:
        return other
    digest = sha256(document).hexdigest()
    tags = tags_of_version(decision, digest)
    notes = _keep(server, version, document, digest)
    server.tag_version(version.name, version.version, tags)
    gate = str(tags[GATE])
    holder = server.aliased(version.name, PASSED_ALIAS)
    passed = gate in PASSED and decision.exit_code == 0
    late = (refusal(decision, shelf, terms.now, terms.max_age_days) or ended) if passed else None
    if late is not None:
        notes = (*notes, f"no alias {PASSED_ALIAS}: {late.reason}")
    passes = passed and late is None
    if passes:
        server.set_alias(version.name, PASSED_ALIAS, version.version)
    elif holder is not None and holder.version == version.version:
        server.drop_alias(version.name, PASSED_ALIAS)
        return Tagged(version=str(version), gate=gate, tags=tags, dropped=PASSED_ALIAS, notes=notes)
    alias = PASSED_ALIAS if passes else ""
    return Tagged(version=str(version), gate=gate, tags=tags, alias=alias, notes=notes)


def may_promote(server: Server, version: ModelVersion, decision: Decision, terms: Terms) -> Refusal | None:
    """Why the version may not be promoted by this decision; None where it may. Nothing is written."""
    found = refusal(decision, shelved(server, version), terms.now, terms.max_age_days)
    if found is None and terms.policy_digest and decision.policy.digest != terms.policy_digest:
        return Refusal(
            f"the decision is by another policy than this one: {decision.policy.digest[:12] or 'unnamed'} "
            f"against {terms.policy_digest[:12]}",
            NO_EVIDENCE,
        )
    return found


def promote(
    server: Server,
    version: ModelVersion,
    alias: str,
    decision: Decision,
    document: bytes,
    logged: Entry | None = None,
) -> Tagged:
    """Tag the version and give it the alias: whichever version had it before loses it.

    ``logged`` is the entry of the audit log that says so: its hash is a better anchor than the decision's.
    """
    digest = sha256(document).hexdigest()
    tags = tags_of_version(decision, digest)
    if logged is not None:
        tags |= {AUDIT_HEAD: logged.hash, AUDIT_SEQ: str(logged.seq)}
    notes = _keep(server, version, document, digest)
    server.tag_version(version.name, version.version, tags)
    for each in dict.fromkeys((PASSED_ALIAS, alias)):
        server.set_alias(version.name, each, version.version)
    return Tagged(version=str(version), gate=str(tags[GATE]), tags=tags, alias=alias, notes=notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What is known of the gate of a version that is served."""

    version: str
    gate: str
    refusal: Refusal | None
    decision: Decision | None
    """The decision that was kept beside the run; None where only tags are left."""


def check(server: Server, version: ModelVersion, terms: Terms) -> Checked:
    """Whether a version has a gate that holds: its tags, then the decision itself, by hash and by runs."""
    shelf = shelved(server, version)
    gate = version.tags.get(GATE, "")
    found = tags_refusal(shelf, terms.now, terms.max_age_days, terms.policy_digest)
    if found is not None:
        return Checked(version=str(version), gate=gate, refusal=found, decision=None)
    kept = kept_decision(server, version)
    if isinstance(kept, Refusal):
        return Checked(version=str(version), gate=gate, refusal=kept, decision=None)
    decision = kept[0]
    found = refusal(decision, shelf, terms.now, terms.max_age_days)
    if found is None and gate_word(decision) != gate:
        found = Refusal(f"its tag says {gate!r}, and the decision {gate_word(decision)!r}", NO_EVIDENCE)
    return Checked(version=str(version), gate=gate, refusal=found, decision=decision)


def kept_decision(server: Server, version: ModelVersion) -> tuple[Decision, bytes] | Refusal:
    """The decision that its tag names, and its bytes, kept beside the run; a refusal where it is altered."""
    digest = version.tags.get(DECISION, "")
    if not digest or not version.run_id:
        return Refusal(f"{version} names no decision that could be read: tag it again", NO_EVIDENCE)
    name = f"{DECISIONS}/{digest}.json"
    try:
        document = server.fetch(version.run_id, name)
    except DeliveryError as error:
        if error.status is not None and error.status < 500 and error.status not in (401, 403, 429):
            return Refusal(f"the decision of {version} is not kept beside its run any more", NO_EVIDENCE)
        raise
    if sha256(document).hexdigest() != digest:
        return Refusal(f"the decision kept beside the run of {version} was altered", NO_EVIDENCE)
    return parse_decision(document, name), document


def _keep(server: Server, version: ModelVersion, document: bytes, digest: str) -> tuple[str, ...]:
    """Keep the decision beside the run that the version comes from; says where that cannot be."""
    if not version.run_id:
        return (f"{version} names no run, so the decision is kept nowhere: `check` cannot read it again",)
    server.keep(version.run_id, f"{DECISIONS}/{digest}.json", document)
    return ()


def gate_version(
    server: Server, version: ModelVersion, rules: PolicyHere, around: Surroundings
) -> tuple[Decision, bytes]:
    """Run the gate now, on the run files that are kept beside the version's run. Raises EvidenceError.

    Limits that need a baseline use the nearest baseline file, as `wattmark gate` does.
    """
    from wattmark.reports.decision_json import decision_json
    from wattmark.wiring.decisions import group_of
    from wattmark.wiring.governing import govern, held_against

    against = held_against(rules, around)
    with tempfile.TemporaryDirectory(prefix="wattmark-") as folder:
        paths = []
        for name, content in run_files_of(server, version):
            paths.append(Path(folder) / name)
            paths[-1].write_bytes(content)
        as_one = len(paths) > 1 and _is_one(server, version)
        candidate = group_of(paths, around.config, around.stated, as_one=as_one)
    decision = govern(rules, candidate, against, around).decision
    return decision, decision_json(decision).encode()


def _is_one(server: Server, version: ModelVersion) -> bool:
    """Whether the run files behind a version are parts of one whole, and no repeats."""
    run_id = outer_of(server, version.run_id) or version.run_id
    return server.run(run_id).tags.get(AS_ONE) == "true"


def run_files_of(server: Server, version: ModelVersion) -> list[tuple[str, bytes]]:
    """The run files behind a version: name and content. Raises EvidenceError where there are none.

    Those of a nested run are kept beside the run in which it is counted.
    """
    if not version.run_id:
        raise EvidenceError(server.place, f"{version} names no run, so nothing is known of its energy")
    files = run_files(server, version.run_id)
    if not files and (outer := outer_of(server, version.run_id)):
        files = run_files(server, outer)
    if not files:
        raise EvidenceError(
            server.place,
            f"{version}: run {version.run_id} keeps no run file: `wattmark mlflow log` adds one",
        )
    return files
