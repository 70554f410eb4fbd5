"""``wattmark ledger listen``: take OpenTelemetry metrics over HTTP."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from wattmark.cli.ledger_options import chosen_ledger, ledger_option, note, now_us
from wattmark.cli.tags import pairs, tag_options, tags_from, warn_of_stage
from wattmark.core.errors import UsageError

TOKEN = "WATTMARK_LISTEN_TOKEN"
MIB = 1 << 20


@click.command()
@ledger_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=4318, show_default=True, help="0: any free.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    help=f"Take only requests that bear the token in this file [{TOKEN}].",
)
@click.option("--insecure", is_flag=True, help="Let anybody who reaches the address send, without a token.")
@click.option("--tls-cert", type=click.Path(path_type=Path), help="Certificate chain, PEM: serve HTTPS.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="Its private key, PEM.")
@click.option(
    "--journal", type=click.Path(path_type=Path), help="Folder of this listener's own, on a local disk."
)
@click.option(
    "--land-every", type=click.FloatRange(0.1, 3600), default=30.0, show_default=True, metavar="SECONDS",
    help="How often what came in is brought to the ledger.",
)  # fmt: skip
@click.option(
    "--fold-every", type=click.FloatRange(1, 86400), metavar="SECONDS",
    help="Also fold the ledger so often; otherwise whoever reads it does.",
)  # fmt: skip
@click.option("--max-body", type=click.IntRange(1, 1024), default=16, show_default=True, metavar="MIB",
              help="Largest request, unpacked.")  # fmt: skip
@click.option("--max-backlog", type=click.IntRange(1), default=1024, show_default=True, metavar="MIB",
              help="Answer 503 while more than this waits for the ledger.")  # fmt: skip
@click.option("--longest-gap", type=click.FloatRange(min=0, min_open=True, max=86400), default=120.0,
              show_default=True, metavar="SECONDS",
              help="A device whose points lie further apart was not watched.")  # fmt: skip
@click.option("--keep", multiple=True, metavar="ATTRIBUTE", help="Keep this attribute as a label, too.")
@click.option("--method", help="How readings are known where the sender does not say it, e.g. modelled.")
@click.option("--from-start", is_flag=True, help="Counters of energy were zero at their start time.")
@click.option("--label", "labels", multiple=True, metavar="K=V", help="A label; may be given again.")
@click.option("--country", help="Country of the grid, ISO 3166 alpha-3.")
@tag_options
def command(ledger: str | None, **options: Any) -> None:
    """Take OpenTelemetry metrics (OTLP/HTTP) into the ledger: hw.energy, hw.power and gen_ai usage.

    A request is answered once its points are on disk; a listener that is killed loses none of them. Tags and
    labels that are given here hold where the sender states none. Ctrl+C or SIGTERM ends it in order.
    """
    token = _token(options, os.environ)
    warn_of_stage(options["stage"])
    opened = chosen_ledger(ledger)
    from wattmark.wiring.ledger import require_tables

    require_tables()
    from wattmark.ledger.door import Door
    from wattmark.server.landing import Landing
    from wattmark.server.listen import App
    from wattmark.server.listener import Listener
    from wattmark.server.serve import bound, serve

    naming = _naming(options, Door(opened.store, opened.settings.tags))
    folder = options["journal"] or journal_folder(opened.url, os.environ)
    with bound(options["host"], options["port"]) as listening:
        listener = Listener(
            _journal(folder, round(options["longest_gap"] * 1e6)),
            naming,
            Landing(opened.store),
            note,
            land_every=options["land_every"],
            most_backlog=options["max_backlog"] * MIB,
            fold=lambda: _fold(opened.store),
            fold_every=options["fold_every"],
        )
        scheme = "https" if options["tls_cert"] else "http"
        host, port = listening.getsockname()[:2]
        place = f"[{host}]" if ":" in host else host
        note(f"listening on {scheme}://{place}:{port}/v1/metrics for {opened.url}; journal in {folder}")
        app = App(listener, token=token, most_body=options["max_body"] * MIB)
        serve(app, listening, certificate=options["tls_cert"], key=options["tls_key"])


def journal_folder(url: str, environ: Mapping[str, str]) -> Path:
    """Where this machine keeps what is on its way to one ledger, beside its outbox."""
    from wattmark.hashing import sha256
    from wattmark.measure.home import outbox_folder

    return outbox_folder(environ).with_name("listen") / sha256(url.encode()).hexdigest()[:16]


def _journal(folder: Path, longest_gap_us: int) -> Any:
    from wattmark.server.journal import Journal

    try:
        return Journal(folder, longest_gap_us)
    except OSError as error:
        raise UsageError(
            f"{folder}: no journal can be kept there: {error.strerror}; name a folder on a local disk "
            "that this user may write to, with --journal"
        ) from None


def _naming(options: Mapping[str, Any], door: Any) -> Any:
    from wattmark.core.known import Method
    from wattmark.core.run import Place, Subject
    from wattmark.sources.catalog import Asked
    from wattmark.sources.otlp_names import Naming

    method = options["method"]
    if method is not None and method not in list(Method):
        raise UsageError(f"--method {method}: use one of {', '.join(Method)}")
    asked = Asked(
        subject=Subject(**tags_from(dict(options)), labels=pairs(options["labels"], "--label")),
        place=Place(country=options["country"]),
    )
    return Naming(
        asked=asked,
        keep=options["keep"],
        method=Method(method) if method else None,
        from_start=options["from_start"],
        refusal=door.refusal,
    )


def _token(options: Mapping[str, Any], environ: Mapping[str, str]) -> str | None:
    """What requests must bear. Raises UsageError where others could send without one."""
    from wattmark.server.serve import is_loopback

    if bool(options["tls_cert"]) != bool(options["tls_key"]):
        raise UsageError("--tls-cert and --tls-key belong together: give both")
    file = options["token_file"]
    if file is not None:
        try:
            token = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--token-file {file}: cannot be read: {error}") from None
    else:
        token = environ.get(TOKEN, "").strip()
    if token:
        return str(token)
    if file is not None:
        raise UsageError(f"--token-file {file}: is empty; write a token into it")
    if not is_loopback(options["host"]) and not options["insecure"]:
        raise UsageError(
            f"--host {options['host']}: others would reach the listener: give --token-file (or {TOKEN}), or "
            "--insecure to let anybody send"
        )
    return None


def _fold(store: Any) -> None:
    from wattmark.ledger.fold import fold

    for bad in fold(store, now_us()).rejected:
        note(f"not taken, moved to rejected/: {bad.place}: {bad.reason}")
