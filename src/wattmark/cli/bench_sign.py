"""``wattmark bench sign BUNDLE --key KEY``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--key",
    required=True,
    type=click.Path(path_type=Path),
    help="Private SSH key, e.g. ~/.ssh/id_ed25519; its public half where ssh-agent holds the private one.",
)
def command(bundle: Path, key: Path) -> None:
    """Sign a bundle with an SSH key: your word that its readings are what you saw.

    Only a genuine bundle is signed. The signature is put into it; `wattmark bench verify --signer` checks it.
    """
    from wattmark.bench.bundle.signing import NAMESPACE, sign_bundle

    sign_bundle(bundle, key.expanduser())
    click.echo(f"signed {bundle} (namespace {NAMESPACE})")
