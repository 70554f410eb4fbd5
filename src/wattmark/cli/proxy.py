"""``wattmark proxy``: a reverse proxy in front of model servers that tells what each request costs."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import click

from wattmark.core.errors import ConfigError, UsageError

MIB = 1 << 20
COLUMNS = ["key_sha256", "tenant"]
WRONG_ROW = "must be the SHA-256 of a key, 64 lower-case hexadecimal digits, and a tenant"
PATH = click.Path(path_type=Path)


@click.command()
@click.option("--upstream", required=True, metavar="URL", help="Where requests go: http://HOST:PORT.")
@click.option(
    "--listen", default="127.0.0.1:8080", show_default=True, metavar="HOST:PORT", help="Where they come."
)
@click.option("--model", default="", help="Name of the model of every request [what answers say].")
@click.option("--model-version", default="", help="The release that answers.")
@click.option("--release-header", default="", metavar="NAME", help="Header of the answer that names it.")
@click.option("--tenant", default="", help="For whom all requests are.")
@click.option("--tenant-header", default="", metavar="NAME", help="Header of the request that names it.")
@click.option("--tenants", type=PATH, help="CSV key_sha256,tenant: whose each API key is, by its SHA-256.")
@click.option("--target", default="", help="Name of the server behind, as the agent's settings have it.")
@click.option("--path", "paths", multiple=True, help="End of a path that runs a model; may be given again.")
@click.option("--agent", metavar="URL", help="The agent, for estimates [WATTMARK_AGENT or this machine's].")
@click.option("--socket", metavar="PATH", help="The agent's socket, for request lines [the usual one].")
@click.option("--log", default="", metavar="FILE", help="Append request lines to a file, instead.")
@click.option("--comment", is_flag=True, help="End event streams with a comment that holds the estimate.")
@click.option("--ask-usage", is_flag=True, help="Ask streams for their tokens where clients do not.")
@click.option("--no-headers", is_flag=True, help="Attach no headers to answers.")
@click.option("--max-body", type=click.IntRange(1, 4096), default=64, show_default=True, metavar="MIB",
              help="Largest request.")  # fmt: skip
@click.option("--max-requests", type=click.IntRange(1), default=1000, show_default=True,
              help="Answer 503 when more are under way.")  # fmt: skip
@click.option("--connect-timeout", type=click.FloatRange(0.1, 600), default=5.0, show_default=True,
              metavar="SECONDS", help="How long an upstream may take to accept.")  # fmt: skip
@click.option("--timeout", type=click.FloatRange(0.1, 86400), default=600.0, show_default=True,
              metavar="SECONDS", help="How long an upstream may say nothing.")  # fmt: skip
@click.option("--tls-cert", type=PATH, help="Certificate chain, PEM: serve HTTPS.")
@click.option("--tls-key", type=PATH, help="Its private key, PEM.")
def command(**options: Any) -> None:
    """Hand requests on to a model server, and tell what each of them costs.

    For servers with the API of OpenAI, Anthropic or Ollama that nothing can be put into. Bodies and streams
    pass as they are; answers get the headers Wattmark-Request, Wattmark-Energy and Wattmark-Carbon; the agent
    on this machine is told of each request. Ctrl+C or SIGTERM ends it in order.
    """
    if bool(options["tls_cert"]) != bool(options["tls_key"]):
        raise UsageError("--tls-cert and --tls-key belong together: give both")
    from wattmark.integrations.asgi import EnergyMiddleware
    from wattmark.integrations.request_path.exchange import RequestPath
    from wattmark.server.ask_usage import ENDS, AskUsage
    from wattmark.server.proxy import ReverseProxy
    from wattmark.server.proxy_status import Status
    from wattmark.server.serve import bound, serve

    host, port = _place(options["listen"])
    proxy = ReverseProxy(_upstream(options))
    path = RequestPath(_settings(options))
    with bound(host, port) as listening:
        shown = f"[{host}]" if ":" in host else host
        scheme = "https" if options["tls_cert"] else "http"
        at = listening.getsockname()[1]
        click.echo(f"wattmark: handing {scheme}://{shown}:{at} on to {options['upstream']}", err=True)
        metered = EnergyMiddleware(proxy, path=path)
        ends = tuple(end for end in path.settings.paths if end.endswith(ENDS))
        inner = AskUsage(metered, ends) if options["ask_usage"] else metered
        app = Status(inner, proxy, path.teller.dropped)
        try:
            serve(app, listening, certificate=options["tls_cert"], key=options["tls_key"], dated=False)
        finally:
            path.companion.stop()
    if dropped := path.teller.dropped.total():
        reasons = ", ".join(f"{n} x {reason}" for reason, n in path.teller.dropped.items())
        click.echo(f"wattmark: {dropped} request lines were lost: {reasons}", err=True)


def _place(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"--listen {listen}: write HOST:PORT, such as 127.0.0.1:8080")
    return host, int(port)


def _upstream(options: dict[str, Any]) -> Any:
    from wattmark.server.proxy import Upstream

    return Upstream(
        url=options["upstream"],
        connect_seconds=options["connect_timeout"],
        silent_seconds=options["timeout"],
        most_body=options["max_body"] * MIB,
        most_at_once=options["max_requests"],
    )


def _settings(options: dict[str, Any]) -> Any:
    from wattmark.integrations.request_path.settings import INFERENCE_PATHS, Settings

    agent = options["agent"]
    return Settings(
        model=options["model"],
        model_version=options["model_version"],
        release_header=options["release_header"],
        tenant=options["tenant"],
        tenant_header=options["tenant_header"],
        tenants=tenants_in(options["tenants"]) if options["tenants"] else {},
        target=options["target"],
        paths=options["paths"] or INFERENCE_PATHS,
        headers=not options["no_headers"],
        comment=options["comment"],
        socket=options["socket"],
        log=options["log"],
        agent=os.environ.get("WATTMARK_AGENT") if agent is None else agent,
    )


def tenants_in(file: Path) -> dict[str, str]:
    """Whose each API key is: SHA-256 of the key -> tenant. Raises ConfigError with file and line."""
    try:
        rows = list(csv.reader(file.read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(str(file), "", f"cannot be read: {error}") from None
    if not rows or rows[0] != COLUMNS:
        raise ConfigError(str(file), "line 1", f"must be {','.join(COLUMNS)}")
    found: dict[str, str] = {}
    for number, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        digest = row[0].strip()
        if len(row) != 2 or len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise ConfigError(str(file), f"line {number}", WRONG_ROW)
        if digest in found:
            raise ConfigError(str(file), f"line {number}", "gives a key a second tenant")
        found[digest] = row[1].strip()
    return found
