"""Signatures of bundles with SSH keys, by ``ssh-keygen -Y sign`` and ``-Y verify`` of OpenSSH 8.2 or later.

What is signed is the manifest, which lists the hash of every file. The namespace keeps a signature from being
taken for one of something else (ssh-keygen(1), OpenBSD manual pages; the format is PROTOCOL.sshsig of
OpenSSH).
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from wattmark.bench.bundle.files import zipped
from wattmark.bench.bundle.layout import MANIFEST, SIGNATURE
from wattmark.bench.bundle.verify import verify
from wattmark.core.bench.findings import Signature, Signed, Verdict
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.measure.spool import replace_file

NAMESPACE = "wattmark-bundle"
PROGRAM = "ssh-keygen"
SECONDS = 600.0
"""A person may have to touch a security key, or to type a passphrase."""


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
    signature = _signed(findings.files[MANIFEST], key, program)
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
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / SIGNATURE
        file.write_bytes(signature)
        try:
            return _checked(manifest, file, signers, identity, program)
        except FileNotFoundError:
            if signers is not None:
                raise _absent(program) from None
            return Signature(
                state=Signed.UNCHECKED, text=f"it has a signature, not checked: {program} is not installed"
            )


def _checked(manifest: bytes, file: Path, signers: Path | None, identity: str, program: str) -> Signature:
    about = ["-n", NAMESPACE, "-s", str(file)]
    if signers is None:
        done = _run([program, "-Y", "check-novalidate", *about], manifest)
        if done.returncode != 0:
            return _wrong("its signature does not fit its manifest", done)
        key = _key(done.stdout)
        return Signature(
            state=Signed.SOMEBODY,
            key=key,
            text=f"signed with the key {key}; --signer says whose key that must be",
        )
    if not identity:
        found = _run([program, "-Y", "find-principals", "-f", str(signers), *about], manifest)
        identity = found.stdout.decode(errors="replace").partition("\n")[0].partition(",")[0].strip()
        if found.returncode != 0 or not identity:
            return _wrong(f"it is signed by none of those whom {signers.name} allows", found)
    done = _run([program, "-Y", "verify", "-f", str(signers), "-I", identity, *about], manifest)
    if done.returncode != 0:
        return _wrong(f"its signature is not {identity}'s", done)
    key = _key(done.stdout)
    return Signature(state=Signed.GOOD, identity=identity, key=key, text=f"signed by {identity} ({key})")


def _signed(manifest: bytes, key: Path, program: str) -> bytes:
    if not key.is_file():
        raise UsageError(f"--key {key}: there is no such file: make one with `ssh-keygen -t ed25519`")
    try:
        done = _run([program, "-Y", "sign", "-q", "-f", str(key), "-n", NAMESPACE], manifest)
    except FileNotFoundError:
        raise _absent(program) from None
    if done.returncode == 0 and done.stdout.startswith(b"-----BEGIN SSH SIGNATURE-----"):
        return done.stdout
    said = done.stderr.decode(errors="replace").strip()
    if "passphrase" in said:
        raise UsageError(
            f"--key {key}: is locked and no passphrase was given: `ssh-add {key}` unlocks it for a while"
        )
    raise UsageError(f"--key {key}: cannot sign: {_reason(said)}")


def _run(command: list[str], text: bytes) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(command, input=text, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise UsageError(f"{command[0]} did not answer within {SECONDS:g} s") from None


def _wrong(text: str, done: subprocess.CompletedProcess[bytes]) -> Signature:
    said = _reason(done.stderr.decode(errors="replace"))
    return Signature(state=Signed.WRONG, text=f"{text} ({said})" if said else text)


def _reason(said: str) -> str:
    """The first line that the program said, which names the reason."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[0][:200] if lines else ""


def _key(said: bytes) -> str:
    found = re.search(r"with (\S+) key (\S+)", said.decode(errors="replace"))
    return f"{found[1]} {found[2]}" if found else "of an unknown kind"


def _absent(program: str) -> UsageError:
    return UsageError(f"{program} is not installed: install OpenSSH 8.2 or later (openssh-client)")
