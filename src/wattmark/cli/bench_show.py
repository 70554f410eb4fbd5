"""``wattmark bench show BUNDLE``."""

from __future__ import annotations

from pathlib import Path

import click

from wattmark.cli.options import json_option


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--raw", is_flag=True, help="Print all that is in it, as it is kept.")
@click.option(
    "--html", type=click.Path(path_type=Path), help="Write a page with the power trace to this file."
)
@click.option(
    "--zip", "packed", type=click.Path(path_type=Path), help="Write the bundle to this one file, to send it."
)
@json_option
def command(bundle: Path, raw: bool, html: Path | None, packed: Path | None, as_json: bool) -> None:
    """Show what a bundle holds: result, power over the phases, repeats, validity with every reason.

    The result is worked out again. A changed bundle is not shown: `wattmark bench verify` says where it was.
    """
    from wattmark.bench.bundle.layout import MANIFEST, SIGNATURE
    from wattmark.bench.bundle.read import load_bundle
    from wattmark.bench.bundle.signing import check_signature
    from wattmark.bench.bundle.verify import verify
    from wattmark.core.bench.findings import Verdict, with_signature
    from wattmark.core.errors import EvidenceError

    if raw:
        files = load_bundle(bundle).files
        for name in sorted(files):
            click.echo(f"=== {name}")
            click.echo(files[name].decode("utf-8", errors="replace"), nl=False)
        return
    found = verify(bundle)
    signature = check_signature(found.files[MANIFEST], found.files.get(SIGNATURE))
    checked = with_signature(found.checked, signature, asked=False)
    if checked.verdict is Verdict.DIFFERS or found.evidence is None or checked.result is None:
        first = checked.found[0]
        raise EvidenceError(
            str(bundle), f"is not genuine: {first.file}: {first.text} (wattmark bench verify says it all)"
        )
    if as_json:
        from wattmark.reports.bundle_json import show_json

        click.echo(show_json(checked, found.evidence, checked.result))
    else:
        from wattmark.cli.output import only_ascii
        from wattmark.reports.bundle_text import show_text

        click.echo(show_text(checked, found.evidence, checked.result, ascii_only=only_ascii()))
    if packed is not None:
        from wattmark.bench.bundle.write import write_files
        from wattmark.core.errors import UsageError

        if packed.suffix != ".zip":
            raise UsageError(f"--zip {packed}: give a name that ends with .zip")
        write_files(packed, found.files)
        click.echo(f"wrote {packed}", err=True)
    if html is not None:
        from wattmark.reports.bundle_html import bundle_page

        _write(html, bundle_page(checked, found.evidence, checked.result))


def _write(path: Path, page: str) -> None:
    from wattmark.core.errors import UsageError

    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--html {path}: cannot be written: {error.strerror}") from None
    click.echo(f"wrote {path}", err=True)
