"""``wattmark bench verify BUNDLE``."""

from __future__ import annotations

from pathlib import Path

import click

from wattmark.cli.options import json_option

DIFFERS = 1
UNDECIDED = 3


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--signer",
    "signers",
    type=click.Path(path_type=Path),
    help="List of allowed signers (ssh-keygen's allowed_signers): the bundle must be signed by one of them.",
)
@click.option("--identity", default="", help="Who of them must have signed it, as the list names them.")
@json_option
def command(bundle: Path, signers: Path | None, identity: str, as_json: bool) -> None:
    """Work a bundle's result out again from its readings, offline, and find any edit.

    Exit codes: 0 genuine, 1 it differs, 2 it is no bundle, 3 only another version of wattmark can tell.
    """
    from wattmark.bench.bundle.layout import MANIFEST, SIGNATURE
    from wattmark.bench.bundle.signing import check_signature
    from wattmark.bench.bundle.verify import verify
    from wattmark.core.bench.findings import Verdict, with_signature

    found = verify(bundle)
    signature = check_signature(
        found.files[MANIFEST], found.files.get(SIGNATURE), signers=signers, identity=identity
    )
    checked = with_signature(found.checked, signature, asked=signers is not None)
    if as_json:
        from wattmark.reports.bundle_json import verify_json

        click.echo(verify_json(checked))
    else:
        from wattmark.reports.bundle_text import verify_text

        click.echo(verify_text(checked))
    codes = {Verdict.GENUINE: 0, Verdict.DIFFERS: DIFFERS, Verdict.UNDECIDED: UNDECIDED}
    click.get_current_context().exit(codes[checked.verdict])
