"""``wattmark autoscale``: what autoscalers of Kubernetes are told, and the evidence for a scale-down."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from wattmark.cli.options import json_option

if TYPE_CHECKING:
    from wattmark.server.external_metrics import Tls
    from wattmark.server.fleet import Fleet

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group()
def group() -> None:
    """Scale by energy: metrics for HPA and KEDA, evidence for draining nodes."""


def agents_options(command: Command) -> Command:
    """Where the agents are."""
    options = (
        click.option("--agent", "urls", multiple=True, metavar="URL", help="Address of a node's agent."),
        click.option(
            "--agents-dns",
            "names",
            multiple=True,
            metavar="HOST:PORT",
            help="A headless service: each of its addresses is an agent.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@group.command("metrics", short_help="What autoscalers would be told now.")
@agents_options
@click.option("--model", default="", help="Of this model only.")
@click.option(
    "--component", default="", help="Of these devices: gpu, cpu, ... [accelerators before processors]."
)
@json_option
def metrics(urls: Sequence[str], names: Sequence[str], model: str, component: str, as_json: bool) -> None:
    """What autoscalers may ask for, and what they would be told now.

    Exit code 3: none of it is known.
    """
    from wattmark.core.figure import Missing
    from wattmark.core.serving.scaling import METRICS
    from wattmark.reports.as_json import document
    from wattmark.server.fleet import Fleet, Seen, agents_of, answer

    seen = Fleet(agents_of(urls, names)).look() if urls or names else Seen()
    asked = bool(urls or names)
    rows: list[dict[str, Any]] = []
    for name, metric in METRICS.items():
        told = answer(seen, name, model, component) if asked else None
        rows.append(
            {
                "metric": name,
                "unit": metric.unit,
                "target": "AverageValue" if metric.total else "Value",
                "value": None if told is None or isinstance(told, Missing) else told.value,
                "missing": str(told) if isinstance(told, Missing) else "",
                "what": metric.what,
            }
        )
    if as_json:
        click.echo(document("autoscale-metrics", 1, {"metrics": rows, "unanswered": seen.unanswered}))
    else:
        click.echo(_metrics_text(rows, asked))
    if asked and all(row["value"] is None for row in rows):
        raise SystemExit(3)


def _metrics_text(rows: Sequence[Mapping[str, Any]], asked: bool) -> str:
    from wattmark.reports.as_text import table
    from wattmark.reports.quantities import number

    cells = [
        (
            r["metric"],
            r["target"],
            "-" if r["value"] is None else f"{number(r['value'])} {r['unit']}",
            r["what"],
        )
        for r in rows
    ]
    lines = [table(("metric", "target", "now", "what it is"), cells)]
    lines += [f"  {reason}" for reason in dict.fromkeys(r["missing"] for r in rows if r["missing"])]
    if not asked:
        lines.append("\nNo agent was asked: --agent http://NODE:9465 shows values.")
    return "\n".join(lines)


@group.command("plan", short_help="Which nodes the traffic would not need.")
@agents_options
@click.option(
    "--target",
    default=0.65,
    show_default=True,
    type=click.FloatRange(0, 1, min_open=True),
    help="Share of the kept nodes' devices that may be busy.",
)
@click.option(
    "--hours",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Look at so much of the past; less than an hour is too little to go by.",
)
@click.option(
    "--steps",
    type=click.Choice(("kubectl", "karpenter", "cluster-autoscaler")),
    help="Write the commands that would do it, each as a dry run.",
)
@json_option
def plan_command(
    urls: Sequence[str], names: Sequence[str], target: float, hours: float, steps: str | None, as_json: bool
) -> None:
    """Which nodes the traffic would not need, with the evidence. Nothing is changed.

    Exit code 3: some node has not enough evidence, or does not answer.
    """
    from wattmark.core.serving.consolidation import LEAST_SECONDS, plan
    from wattmark.reports.as_json import document
    from wattmark.reports.consolidation import plan_body, plan_text, steps_text
    from wattmark.server.fleet import Fleet, agents_of

    seen = Fleet(agents_of(urls, names), window_seconds=hours * 3600).look()
    found = plan(seen.loads, target=target, least_seconds=max(LEAST_SECONDS, 0.95 * hours * 3600))
    if as_json:
        click.echo(document("autoscale-plan", 1, {**plan_body(found), "unanswered": seen.unanswered}))
    elif steps is not None:
        click.echo(steps_text(found, steps))
    else:
        click.echo(plan_text(found) if found.verdicts else "No agent answered.")
    for url, reason in seen.unanswered.items():
        click.echo(f"{url}: {reason}; its node is neither drained nor counted on", err=True)
    short = [v for v in found.verdicts if v.reason.startswith("not enough evidence")]
    if seen.unanswered or short:
        raise SystemExit(3)


@group.command("serve", short_help="Tell autoscalers of models, for good.")
@agents_options
@click.option("--http", "http", metavar="HOST:PORT", help="Answer HPA here (external.metrics.k8s.io).")
@click.option("--grpc", "grpc", metavar="HOST:PORT", help="Answer KEDA here (external scaler).")
@click.option("--cert", type=click.Path(path_type=Path), help="Certificate of the HTTP server, PEM.")
@click.option("--key", type=click.Path(path_type=Path), help="Its key, PEM.")
@click.option("--client-ca", type=click.Path(path_type=Path), help="Answer only clients of this authority.")
@click.option(
    "--every", default=15.0, show_default=True, type=click.FloatRange(min=1), help="Seconds between looks."
)
def serve(
    urls: Sequence[str],
    names: Sequence[str],
    http: str | None,
    grpc: str | None,
    cert: Path | None,
    key: Path | None,
    client_ca: Path | None,
    every: float,
) -> None:
    """Tell autoscalers joules per token and utilisation of models, as the nodes' agents see them."""
    from wattmark.core.errors import UsageError
    from wattmark.server.fleet import Fleet, agents_of

    if http is None and grpc is None:
        raise UsageError("say whom to answer: --http 0.0.0.0:6443 for HPA, --grpc 0.0.0.0:9466 for KEDA")
    fleet = Fleet(agents_of(urls, names), every_seconds=every)
    closing: list[Callable[[], object]] = []
    try:
        if http is not None:
            closing.append(_start_http(fleet, http, _tls(cert, key, client_ca)))
        if grpc is not None:
            closing.append(_start_grpc(fleet, grpc, every))
        fleet.start()
        closing.append(fleet.stop)
        for url, reason in fleet.seen.unanswered.items():
            click.echo(f"wattmark: {url}: {reason}; it is asked again every {every:g} s", err=True)
        _until_told()
    finally:
        for close in reversed(closing):
            close()


def _tls(cert: Path | None, key: Path | None, client_ca: Path | None) -> Tls | None:
    from wattmark.core.errors import UsageError
    from wattmark.server.external_metrics import Tls

    if cert is None and key is None and client_ca is None:
        return None
    if cert is None or key is None:
        raise UsageError("--cert and --key go together; --client-ca needs both")
    return Tls(certificate=cert, key=key, client_ca=client_ca)


def _start_http(fleet: Fleet, address: str, tls: Tls | None) -> Callable[[], object]:
    from wattmark.core.errors import UsageError
    from wattmark.server.external_metrics import MetricsServer

    host, port = _address(address)
    try:
        server = MetricsServer(host, port, lambda: fleet.seen, tls)
    except OSError as error:
        raise UsageError(f"cannot listen at {address}: {error.strerror or error}") from None
    threading.Thread(target=server.serve_forever, name="wattmark-http", daemon=True).start()
    scheme = "https" if tls is not None else "http"
    click.echo(
        f"wattmark: HPA at {scheme}://{host}:{server.server_port}/apis/external.metrics.k8s.io/v1beta1",
        err=True,
    )

    def close() -> None:
        server.shutdown()
        server.server_close()

    return close


def _start_grpc(fleet: Fleet, address: str, every: float) -> Callable[[], object]:
    from wattmark.server.keda import scaler_server

    host, _ = _address(address)
    server, port = scaler_server(lambda: fleet.seen, address, every)
    server.start()
    click.echo(f"wattmark: KEDA at {host}:{port} (gRPC externalscaler.ExternalScaler)", err=True)
    return partial(server.stop, 1.0)


def _address(text: str) -> tuple[str, int]:
    from wattmark.core.errors import UsageError

    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise UsageError(f"{text}: write HOST:PORT, such as 0.0.0.0:6443")
    return host.strip("[]"), int(port)


def _until_told() -> None:
    """Wait for SIGTERM or Ctrl-C."""
    told = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: told.set())
    try:
        told.wait()
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)


@group.command("manifests", short_help="Write manifests for Kubernetes.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the files into this folder.")
@click.option("--image", default="wattmark:0.1.0", show_default=True, help="Image that has wattmark in it.")
@click.option("--namespace", default="wattmark", show_default=True)
def manifests(out: Path | None, image: str, namespace: str) -> None:
    """Kubernetes manifests: the agent on every node, the metrics server, an HPA and a ScaledObject."""
    from wattmark.reports.manifests import manifests_of

    files = manifests_of(image=image, namespace=namespace)
    if out is None:
        click.echo("---\n".join(text for _, text in files), nl=False)
        return
    out.mkdir(parents=True, exist_ok=True)
    for name, text in files:
        (out / name).write_text(text, encoding="utf-8")
        click.echo(str(out / name))
