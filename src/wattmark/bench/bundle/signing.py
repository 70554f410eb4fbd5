"""Signatures of bundles with SSH keys.

What is signed is the manifest, which lists the hash of every file.
"""

from __future__ import annotations

from pathlib import Path

from wattmark.bench.bundle.files import zipped
from wattmark.bench.bundle.layout import MANIFEST, SIGNATURE
from wattmark.bench.bundle.verify import verify
from wattmark.core.bench.findings import Signature, Signed, Verdict
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.identities import sshsig
from wattmark.measure.spool import replace_file

NAMESPACE = "wattmark-bundle"
PROGRAM = sshsig.PROGRAM


def sign_bundle(path: Path, key: Path, *, program: str = PROGRAM) -> bytes:
    """Sign a bundle, folder or zip file, and put the signature in it; the signature again.

    Raises UsageError for a key that cannot sign, EvidenceError for a bundle that is not genuine: nobody
    should put a name to that.
    """
    findings = verify(path)
    if findings.checked.verdict is not Verdict.GENUINE:
        first = findings.checked.found[0]
        raise EvidenceError(
            str(path),
            f"is not signed, for it is not genuine: {first.file}: {first.text} (wattmark bench verify)",
        )
    signature = sshsig.sign(findings.files[MANIFEST], key, NAMESPACE, program=program)
    try:
        if path.is_dir():
            # The temporary file lies beside the bundle: a kill must leave nothing strange within it.
            replace_file(path / SIGNATURE, signature, path.resolve().parent)
        else:
            replace_file(path, zipped({**findings.files, SIGNATURE: signature}), path.resolve().parent)
    except OSError as error:
        raise EvidenceError(str(path), f"cannot be written: {error.strerror or error}") from None
    return signature


def check_signature(
    manifest: bytes,
    signature: bytes | None,
    *,
    signers: Path | None = None,
    identity: str = "",
    program: str = PROGRAM,
) -> Signature:
    """Check a manifest's signature against a list of allowed signers, where one is given.

    Without an identity, whoever the list names for the key will do. Raises UsageError where a list is given
    and cannot be read, or OpenSSH is not there to check with.
    """
    if signers is not None and not signers.is_file():
        raise UsageError(f"--signer {signers}: there is no such file: give a list of allowed signers")
    if identity and signers is None:
        raise UsageError("--identity needs --signer: the list that says which key is whose")
    if signature is None:
        return Signature(state=Signed.UNSIGNED, text="it is not signed")
    try:
        return _checked(manifest, signature, signers, identity, program)
    except sshsig.NoOpenSsh:
        if signers is not None:
            raise
        return Signature(
            state=Signed.UNCHECKED, text=f"it has a signature, not checked: {program} is not installed"
        )


def _checked(
    manifest: bytes, signature: bytes, signers: Path | None, identity: str, program: str
) -> Signature:
    if signers is None:
        found = sshsig.fits(manifest, signature, NAMESPACE, program=program)
        if not found.good:
            return _wrong("its signature does not fit its manifest", found.why)
        text = f"signed with the key {found.key}; --signer says whose key that must be"
        return Signature(state=Signed.SOMEBODY, key=found.key, text=text)
    if not identity:
        names, why = sshsig.principals(manifest, signature, NAMESPACE, signers, program=program)
        if not names:
            return _wrong(f"it is signed by none of those whom {signers.name} allows", why)
        identity = names[0]
    found = sshsig.verify(manifest, signature, NAMESPACE, signers, identity, program=program)
    if not found.good:
        return _wrong(f"its signature is not {identity}'s", found.why)
    text = f"signed by {identity} ({found.key})"
    return Signature(state=Signed.GOOD, identity=identity, key=found.key, text=text)


def _wrong(text: str, said: str) -> Signature:
    return Signature(state=Signed.WRONG, text=f"{text} ({said})" if said else text)
