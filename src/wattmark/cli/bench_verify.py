"""``wattmark bench verify BUNDLE...``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from wattmark.cli.options import json_option

if TYPE_CHECKING:
    from wattmark.core.bench.findings import Checked

DIFFERS = 1
UNREADABLE = 2
UNDECIDED = 3
GRAVEST = (DIFFERS, UNREADABLE, UNDECIDED, 0)
"""Which code stands for many bundles."""


@click.command()
@click.argument("bundles", metavar="BUNDLE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--signer",
    "signers",
    type=click.Path(path_type=Path),
    help="List of allowed signers (ssh-keygen's allowed_signers): the bundle must be signed by one of them.",
)
@click.option("--identity", default="", help="Who of them must have signed it, as the list names them.")
@json_option
def command(bundles: tuple[Path, ...], signers: Path | None, identity: str, as_json: bool) -> None:
    """Work the result of bundles out again from their readings, offline, and find any edit.

    Exit codes: 0 genuine, 1 it differs, 2 it is no bundle, 3 only another version of wattmark can tell; of
    many bundles the first of 1, 2, 3 that one of them has.
    """
    from wattmark.core.errors import EvidenceError, UsageError
    from wattmark.reports.bundle_text import verify_text

    if as_json and len(bundles) > 1:
        raise UsageError(f"--json is of one bundle, here are {len(bundles)}")
    codes: list[int] = []
    for bundle in bundles:
        try:
            checked = _checked(bundle, signers, identity)
        except EvidenceError as error:
            if len(bundles) == 1:
                raise
            click.echo(f"{error}\n")
            codes.append(UNREADABLE)
            continue
        codes.append(_code(checked))
        if as_json:
            from wattmark.reports.bundle_json import verify_json

            click.echo(verify_json(checked))
        elif len(bundles) == 1:
            click.echo(verify_text(checked))
        else:
            click.echo(f"{bundle}\n{verify_text(checked)}\n")
    click.get_current_context().exit(next(code for code in GRAVEST if code in codes))


def _checked(bundle: Path, signers: Path | None, identity: str) -> Checked:
    """What a check came to, with the signature. Raises EvidenceError for what is no bundle."""
    from wattmark.bench.bundle.layout import MANIFEST, SIGNATURE
    from wattmark.bench.bundle.signing import check_signature
    from wattmark.bench.bundle.verify import verify
    from wattmark.core.bench.findings import with_signature

    found = verify(bundle)
    signature = check_signature(
        found.files[MANIFEST], found.files.get(SIGNATURE), signers=signers, identity=identity
    )
    return with_signature(found.checked, signature, asked=signers is not None)


def _code(checked: Checked) -> int:
    from wattmark.core.bench.findings import Verdict

    return {Verdict.GENUINE: 0, Verdict.DIFFERS: DIFFERS, Verdict.UNDECIDED: UNDECIDED}[checked.verdict]
