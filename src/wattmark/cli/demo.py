"""``wattmark demo``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.options import json_option
from wattmark.config import Config, PlaceConfig, ProjectConfig
from wattmark.core.errors import UsageError
from wattmark.version import __version__

if TYPE_CHECKING:
    from wattmark.core.repeats import Repeat
    from wattmark.core.run import Run
    from wattmark.core.score import Score
    from wattmark.core.verdict import Verdict
    from wattmark.reports.view import ReportData

LIFETIME_INFERENCES = 1e7
POLICY = """\
# The demonstration's policy. Limits live in files like this one and nowhere else.

[[limit]]
kpi = "energy_to_solution"
max_increase = 0.0
reason = "the new model must not cost more energy to reach an accuracy of 0.95"

[[limit]]
kpi = "carbon_per_inference_operational"
max_increase = 0.0
reason = "nor may it emit more per inference"
"""
SHOWN = (
    "energy_to_solution",
    "carbon_per_inference_operational",
    "inference_watts_per_query",
    "performance_per_watt",
    "model_efficiency_ratio",
    "data_efficiency_score",
)


@dataclass(frozen=True, slots=True)
class Told:
    """Everything the demonstration found."""

    baseline: tuple[Repeat, ...]
    leaner: tuple[Repeat, ...]
    score: Score
    verdict: Verdict
    reverse: Verdict
    """The same policy with the two models' places exchanged."""


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("wattmark-demo"),
    show_default=True,
    help="Folder for run files, policy and report.",
)
@click.option(
    "--repeats", type=click.IntRange(1, 50), default=3, show_default=True, help="Runs of each model."
)
@click.option("--quick", is_flag=True, help="A tenth of the work: to see that it works, not for the figures.")
@click.option("--country", help="Country of the grid, ISO 3166 alpha-3 [the world's mean, flagged].")
@click.option("--intensity", type=float, help="Grid intensity in gCO2e per kWh.")
@click.option(
    "--serving",
    is_flag=True,
    help="Instead: serve a model with a real engine, agent and load, and watch what each request costs.",
)
@click.option(
    "--bench",
    is_flag=True,
    help="Instead: benchmark a tiny model at each of the eleven tasks, and write a leaderboard.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=180,
    show_default=True,
    help="With --serving: so long, and at least until a whole minute is told of.",
)
@json_option
def command(
    out: Path,
    repeats: int,
    quick: bool,
    country: str | None,
    intensity: float | None,
    serving: bool,
    bench: bool,
    seconds: float,
    as_json: bool,
) -> None:
    """Measure two small real models, score one against the other, and write a report.

    With --serving: joules per request and token of a model that a real engine serves, live.
    With --bench: the benchmark's eleven tasks, from models to bundles and a leaderboard.
    """
    if serving and bench:
        raise UsageError("--serving and --bench are two demonstrations: ask for one at a time")
    if bench:
        from wattmark.cli.demo_bench import show_benchmark

        show_benchmark(_fresh_folder(out), quick, as_json)
        return
    if serving:
        from wattmark.cli.demo_serving import show_serving

        show_serving(_fresh_folder(out), seconds, country, intensity, as_json)
        return
    config = Config(
        place=PlaceConfig(
            site="office", country=country, intensity_g_per_kwh=intensity, world_average=not country
        ),
        project=ProjectConfig(lifetime_inferences=LIFETIME_INFERENCES),
    )
    folder = _fresh_folder(out)
    policy_file = folder / "wattmark-policy.toml"
    policy_file.write_text(POLICY, encoding="utf-8")
    wide, lean = _measure(folder, repeats, quick)
    told = _judge(wide, lean, config, policy_file)
    report = folder / "report.html"
    data = _report(wide, lean, told)
    from wattmark.reports.as_html import html_report

    report.write_text(html_report(data), encoding="utf-8")
    click.echo(_json(told, report) if as_json else _text(told, report, config, quick))


def _fresh_folder(out: Path) -> Path:
    """A folder of this demonstration's own inside ``out``, so that earlier ones stay as they are."""
    folder = out / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be made: {error.strerror}") from None
    return folder


def _measure(folder: Path, repeats: int, quick: bool) -> tuple[list[Run], list[Run]]:
    from wattmark.demo.digits import BASELINE, LEANER, Load, measure_in_turns

    load = Load(epochs=20, passes=1000) if quick else Load()
    total = 2 * repeats
    done = 0

    def tell(what: str) -> None:
        nonlocal done
        done += 1
        click.echo(f"[{done}/{total}] {what} ...", err=True)

    found = measure_in_turns({"baseline": BASELINE, "leaner": LEANER}, load, repeats, folder, tell)
    return found["baseline"], found["leaner"]


def _judge(wide: Sequence[Run], lean: Sequence[Run], config: Config, policy_file: Path) -> Told:
    from wattmark.core.kpis import CATALOG
    from wattmark.core.repeats import repeats_of
    from wattmark.core.score import score_repeats
    from wattmark.core.verdict import gate
    from wattmark.ledger.policyfile import read_policy
    from wattmark.ledger.rubricfile import rubric_named
    from wattmark.wiring import Stated, given_from

    def total(runs: Sequence[Run]) -> tuple[Repeat, ...]:
        return repeats_of(runs, lambda group: given_from(config, Stated(), group))

    baseline, leaner = total(wide), total(lean)
    policy = replace(read_policy(policy_file), name=policy_file.name)
    return Told(
        baseline=baseline,
        leaner=leaner,
        score=score_repeats(
            [r.facts for r in leaner], [r.facts for r in baseline], rubric_named("default"), CATALOG
        ),
        verdict=gate(policy, leaner, CATALOG, baseline),
        reverse=gate(policy, baseline, CATALOG, leaner),
    )


def _report(wide: Sequence[Run], lean: Sequence[Run], told: Told) -> ReportData:
    from wattmark.reports.assembling import baseline_of, report_of

    old, new = (runs[0].subject.model or "" for runs in (wide, lean))
    return report_of(
        told.leaner,
        lean,
        title=f"{new} against {old}",
        score=told.score,
        verdict=told.verdict,
        baseline=baseline_of(told.baseline, wide, old),
        generated_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        wattmark_version=__version__,
    )


def _text(told: Told, report: Path, config: Config, quick: bool) -> str:
    from wattmark.core.kpis import CATALOG
    from wattmark.reports.as_text import answer_text, table

    old, new = told.baseline[0].facts, told.leaner[0].facts
    rows = [
        (CATALOG[k].title, answer_text(CATALOG[k].answer(old)), answer_text(CATALOG[k].answer(new)))
        for k in SHOWN
    ]
    folder, again = report.parent, _stated_again(config)
    return "\n".join(
        [
            "",
            table(("KPI (first run of each)", "wide model (baseline)", "lean model"), rows),
            "",
            f"score            {answer_text(told.score.value)}  (the baseline is 100, rubric "
            f"{told.score.rubric.label}, {len(told.leaner)} against {len(told.baseline)} runs)",
            "",
            f"the lean model, held against the wide one by {told.verdict.policy}:",
            *_ruled(told.verdict),
            "the wide model, held against the lean one:",
            *_ruled(told.reverse),
            "",
            *_undecided(told, quick),
            *_said(new, quick),
            "",
            f"report           {report}",
            f"run files        {folder}/baseline, {folder}/leaner",
            f"next             wattmark show {folder}/leaner {again}",
            f"                 wattmark compare {folder}/baseline {folder}/leaner {again}",
            f"                 wattmark gate {folder}/leaner --baseline {folder}/baseline "
            f"--policy {folder}/{told.verdict.policy} {again}",
            "your own         wattmark init",
        ]
    )


def _ruled(verdict: Verdict) -> list[str]:
    from wattmark.reports.decisions import verdict_text

    return [f"  {line}" for line in verdict_text(verdict).splitlines() if line]


def _undecided(told: Told, quick: bool) -> list[str]:
    """What would decide, when the runs differ too much among themselves."""
    wanted = [f.runs_needed for f in told.verdict.findings if f.runs_needed is not None]
    if not wanted or quick:
        return []
    runs = max(*wanted, len(told.leaner) + 1)
    return [f"to decide        a machine with nothing else to do, or more runs: --repeats {runs}"]


def _stated_again(config: Config) -> str:
    """The options that state the same to other verbs."""
    place = config.place
    where = "--world-average" if place.world_average else f"--country {place.country}"
    if place.intensity_g_per_kwh is not None:
        where = f"--intensity {place.intensity_g_per_kwh:g}"
    return f"{where} --pue 1 --lifetime-inferences {LIFETIME_INFERENCES:g}"


def _said(facts: Any, quick: bool) -> list[str]:
    """What a reader must know of these figures."""
    from wattmark.core.figure import Figure

    lines = [
        "stated           PUE 1.0 (an office), " + f"{LIFETIME_INFERENCES:g} inferences in the model's life"
    ]
    if isinstance(facts.intensity, Figure):
        lines.append(
            f"                 grid: {facts.intensity.sources[0]}, {facts.intensity.value:g} gCO2e/kWh"
        )
    if isinstance(facts.energy, Figure) and facts.energy.grade == "D":
        lines.append("known how        modelled, no sensor can be read here (`wattmark doctor` says why)")
    if quick:
        lines.append("quick            the windows are too short for figures: leave --quick out for those")
    return lines


def _json(told: Told, report: Path) -> str:
    from wattmark.core.kpis import CATALOG
    from wattmark.reports.as_json import answer_json, document

    return document(
        "demo",
        1,
        {
            "kpis": {
                side: {k: answer_json(CATALOG[k].answer(repeats[0].facts)) for k in SHOWN}
                for side, repeats in (("baseline", told.baseline), ("leaner", told.leaner))
            },
            "score": answer_json(told.score.value),
            "verdict": told.verdict.ruling,
            "verdict_reversed": told.reverse.ruling,
            "report": str(report),
        },
    )
