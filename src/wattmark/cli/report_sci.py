"""``wattmark report --format sci`` and ``--format sci-ai``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from wattmark.cli.options import config_here, load, stated_from
from wattmark.config import Config
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.inventory_use import span_of
from wattmark.core.run import Run
from wattmark.core.sci import Sci, lacking_in, sci_of, taken_apart
from wattmark.core.sci_ai import Stated as StatedAi
from wattmark.core.sci_ai import score_for, with_parameters
from wattmark.fields import EPOCH
from wattmark.reports.as_json import document
from wattmark.reports.sci import REQUIRED, REQUIRED_AI, sci_body, sci_markdown
from wattmark.wiring import facts_for

NOT_ENOUGH = 3


def sci_report(
    runs: Sequence[Path], options: Mapping[str, Any], persona: str | None, *, as_json: bool, check: bool
) -> tuple[str, int]:
    """The report as text, and the exit code: 3 where ``check`` finds that something is missing.

    Without a score there is no text either: that is missing evidence where it is checked, else EvidenceError.
    """
    config = config_here()
    _, loaded = load(tuple(runs))
    facts = facts_for(loaded, config, stated_from(dict(options)))
    about = _about(config, loaded)
    if persona is None:
        found = sci_of(facts)
    else:
        stated = StatedAi(
            persona=persona,
            normalisation=config.sci.normalisation,
            assumptions=config.sci.assumptions,
            parameters_billion=config.sci.parameters_billion,
        )
        facts = with_parameters(facts, stated)
        found = taken_apart(facts, score_for(facts, stated), facts.energy, facts.unit_work)
        about |= {
            "persona": persona,
            "normalisation": stated.normalisation,
            "assumptions": list(stated.assumptions),
        }
    if not isinstance(found, Sci):
        none = EvidenceError("SCI", f"there is no score: {found}")
        if check:
            click.echo(f"wattmark: {none}", err=True)
            return "", NOT_ENOUGH
        raise none
    body = sci_body(found, about)
    lacking = lacking_in(body, REQUIRED if persona is None else REQUIRED_AI)
    if check:
        for problem in lacking:
            click.echo(f"missing: {problem}", err=True)
    name = "sci-report" if persona is None else "sci-ai-report"
    text = document(name, 1, body) + "\n" if as_json else sci_markdown(body)
    return text, NOT_ENOUGH if check and lacking else 0


def persona_of(kind: str, persona: str | None) -> str | None:
    """The persona of SCI for AI. Raises UsageError where one is lacking, or given for the plain SCI."""
    if kind == "sci-ai" and persona is None:
        raise UsageError(
            "--format sci-ai needs --persona consumer or --persona provider: there are two scores"
        )
    if kind != "sci-ai" and persona is not None:
        raise UsageError("--persona is for --format sci-ai")
    return persona


def _about(config: Config, runs: Sequence[Run]) -> dict[str, Any]:
    spans = [span_of(run) for run in runs]
    start, end = (_day(at) for at in (min(s for s, _ in spans), max(e for _, e in spans)))
    subject, sci = runs[0].subject, config.sci
    return {
        "application_name": config.tags.model or subject.model,
        "application_version": config.tags.model_version or subject.model_version,
        "application_description": sci.application_description,
        "application_url": sci.application_url,
        "organisation": config.tags.organisation or subject.organisation,
        "organisation_url": sci.organisation_url,
        "accountable_organisation": sci.accountable_organisation,
        "accountable_person": sci.accountable_person,
        "accountable_contact": sci.accountable_contact,
        "measurement_date": end,
        "measurement_timespan": f"{start} - {end}",
        "manifest": sci.manifest,
        "functional_unit_rationale": sci.functional_unit_rationale,
        "summary": sci.summary,
    }


def _day(at_us: int) -> str:
    return (EPOCH + timedelta(microseconds=at_us)).date().isoformat()
