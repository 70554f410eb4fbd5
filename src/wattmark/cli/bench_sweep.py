"""``wattmark bench sweep TASK``: a benchmark at many operating points, and which of them to use."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.bench_endpoint import endpoint_options, server_from
from wattmark.cli.bench_options import (
    DTYPES,
    Decorated,
    asked_from,
    model_options,
    pin_options,
    profile_options,
)
from wattmark.cli.completing import one_of
from wattmark.cli.options import config_here, json_option
from wattmark.core.bench.task import TASKS
from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from wattmark.bench.bundle.layout import Bundle
    from wattmark.bench.sweep import Told
    from wattmark.config import Config
    from wattmark.core.bench.operating import Point, Sweep
    from wattmark.wiring.bench_asked import BenchAsked

OUT = Path("wattmark-sweep")
NOT_ALL = 1
NO_EVIDENCE = 3
LISTED = ("batch_size", "concurrency", "rate", "dtype", "device")
"""Options that take several values here; one alone elsewhere."""


def _listed(function: Decorated) -> Decorated:
    options = (
        click.option("--batch-size", metavar="N,...", help="Queries at a time, e.g. 1,2,4,8."),
        click.option("--concurrency", metavar="N,...", help="Requests in flight, of --endpoint."),
        click.option("--rate", metavar="X,...", help="Requests begun per second, of --endpoint."),
        click.option(
            "--dtype",
            metavar="TYPE,...",
            shell_complete=one_of(lambda: DTYPES),
            help="Of the weights, e.g. float32,bfloat16.",
        ),
        click.option("--device", metavar="DEVICE,...", help="cpu, cuda, cuda:1, mps; several."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def _without(decorate: Decorated, *names: str) -> Callable[[Decorated], Decorated]:
    """The same options without some that stand here in another form."""

    def add(function: Decorated) -> Decorated:
        before = list(getattr(function, "__click_params__", []))
        decorated: Decorated = decorate(function)
        kept = [p for p in vars(decorated)["__click_params__"][len(before) :] if p.name not in names]
        vars(decorated)["__click_params__"] = before + kept
        return decorated

    return add


@click.command()
@click.argument("task", shell_complete=one_of(lambda: TASKS))
@_listed
@_without(model_options, *LISTED)
@profile_options
@_without(pin_options, *LISTED)
@endpoint_options
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=OUT, help="Folder of the bundles."
)
@click.option(
    "--per",
    type=click.Choice(["query", "output"]),
    default="query",
    help="Whether energy is per query or per output unit [query].",
)
@click.option("--max-latency", type=click.FloatRange(0, min_open=True), metavar="SECONDS",
              help="Suggest only points whose latency (95 % quantile) keeps this.")  # fmt: skip
@click.option("--min-quality", type=float, help="Suggest only points whose quality keeps this.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page with the plots.")
@json_option
def command(
    task: str,
    out: Path,
    per: str,
    max_latency: float | None,
    min_quality: float | None,
    html: Path | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Run TASK at every combination of what is listed, and say which operating point to use.

    Each point leaves a bundle in the folder of --out. The same command again goes on where it was stopped.
    Points run in an order of chance (--seed). Exit codes: 0 all points have results, 1 some failed, 3 none.
    """
    from wattmark.bench.catalog import task_asked
    from wattmark.bench.sweep import points_of, swept
    from wattmark.core.bench.operating import weigh
    from wattmark.reports.as_json import document
    from wattmark.reports.sweep_html import sweep_html
    from wattmark.reports.sweep_json import SCHEMA, VERSION, sweep_body
    from wattmark.reports.sweep_text import sweep_text

    task_asked(task)  # a word that is no task is no failed point
    axes = {name: tuple(v.split(",")) for name in LISTED if (v := options.pop(name)) is not None}
    points = points_of(axes)
    plain = asked_from(task, {**options, **dict.fromkeys(LISTED), "device": "auto"})
    tried = _run(plain, points, out, options, config_here())
    model = next((t.result.model.id for t in tried if t.result is not None), plain.model or "the model")
    sweep = weigh(
        tried,
        swept(axes),
        task=task,
        model=model,
        per=per,
        max_latency=max_latency,
        min_quality=min_quality,
    )
    if html is not None:
        _write(html, sweep_html(sweep))
    click.echo(document(SCHEMA, VERSION, sweep_body(sweep)) if as_json else sweep_text(sweep))
    return exit_code(sweep)


def exit_code(sweep: Sweep) -> int:
    """As the command ends."""
    done = [t for t in sweep.tried if t.result is not None]
    if not any(t.result is not None and t.result.energy is not None for t in done):
        return NO_EVIDENCE
    return 0 if len(done) == len(sweep.tried) else NOT_ALL


def _run(
    plain: BenchAsked, points: tuple[Point, ...], out: Path, options: dict[str, Any], config: Config
) -> Any:
    """Run what is not there yet."""
    from wattmark.bench.bundle.read import load_bundle
    from wattmark.bench.sweep import run_sweep
    from wattmark.cli.bench_progress import watching
    from wattmark.wiring.bench import run_asked

    def run(point: Point, path: Path) -> Bundle:
        server = server_from(options["endpoint"], options)
        asked = _at(plain, point)
        if server is not None:
            asked = server.of(asked)
        unfinished = (path / "open").is_dir()
        with watching() as watch:
            done = run_asked(asked, path, config, watch, resume=unfinished, server=server)
        if done.bundle is None:
            raise KeyboardInterrupt
        return done.bundle

    server = server_from(options["endpoint"], options)  # what is wrong with it is wrong at every point
    many = [n for n in ("concurrency", "rate") if any(n in dict(p.settings) for p in points)]
    if many and server is None:
        raise UsageError(f"--{many[0]} is for a model behind a server: a model here takes --batch-size")
    if server is not None and any("batch_size" in dict(p.settings) for p in points):
        raise UsageError("--batch-size: a server makes its own batches; use --concurrency")
    return run_sweep(
        points,
        out,
        seed=plain.seed,
        definition=_definition(plain, options),
        run=run,
        load=load_bundle,
        told=_told,
    )


def _at(plain: BenchAsked, point: Point) -> BenchAsked:
    """What is asked at one point."""
    given: dict[str, Any] = dict(point.settings)
    for name in ("batch_size", "concurrency"):
        if name in given:
            given[name] = int(given[name])
    if "rate" in given:
        given["rate"] = float(given["rate"])
    return replace(plain, **given)


def _definition(plain: BenchAsked, options: dict[str, Any]) -> str:
    """Everything that all points share, as text that says the same for the same command."""
    server = {name: options[name] for name in ("endpoint", "served_model", "api", "power", "hardware")}
    return repr((plain, sorted(server.items())))


def _told(told: Told) -> None:
    """How far it is, on a terminal's standard error; failures anywhere."""
    if told.state.startswith("failed") or sys.stderr.isatty():
        click.echo(f"{told.number}/{told.of} {told.point.name}: {told.state}", err=True)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--html {path}: {error.strerror}") from None
