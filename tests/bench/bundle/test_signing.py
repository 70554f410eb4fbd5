"""Signatures with real keys: who signed is told, and every other case has words of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.bench.bundle.samples import evidence
from wattmark.bench.bundle.files import read_files
from wattmark.bench.bundle.layout import MANIFEST, RESULT, SIGNATURE
from wattmark.bench.bundle.read import read_bundle
from wattmark.bench.bundle.signing import check_signature, sign_bundle
from wattmark.bench.bundle.verify import verify
from wattmark.bench.bundle.write import write_bundle
from wattmark.core.bench.findings import Signature, Signed, Verdict
from wattmark.core.errors import EvidenceError, UsageError

if shutil.which("ssh-keygen") is None:
    pytest.skip("ssh-keygen (OpenSSH) is not installed", allow_module_level=True)

WHO = "lab@example.org"


def key(folder: Path, name: str, passphrase: str = "") -> Path:
    """A new key pair."""
    path = folder / name
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-C", "", "-N", passphrase, "-f", str(path)]
    subprocess.run(command, check=True)
    return path


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """Two keys, and a list that allows the first one only."""
    folder = tmp_path / "keys"
    folder.mkdir()
    public = Path(f"{key(folder, 'lab')}.pub").read_text()
    key(folder, "other")
    (folder / "allowed").write_text(f'{WHO} namespaces="wattmark-bundle" {public}')
    return folder


@pytest.fixture(params=["a.wattmark", "a.wattmark.zip"])
def bundle(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder and a zip file."""
    path = Path(tmp_path / request.param)
    write_bundle(evidence(), path)
    return path


def checked(bundle: Path, signers: Path | None = None, identity: str = "") -> Signature:
    """What is said of a bundle's signature."""
    files, _ = read_files(bundle)
    return check_signature(files[MANIFEST], files.get(SIGNATURE), signers=signers, identity=identity)


def test_a_signed_bundle_says_by_whom(bundle: Path, keys: Path) -> None:
    """By name where the list has the key; the bundle stays genuine and readable."""
    assert checked(bundle).state is Signed.UNSIGNED
    sign_bundle(bundle, keys / "lab")
    assert verify(bundle).checked.verdict is Verdict.GENUINE
    assert read_bundle(bundle) == evidence()
    assert checked(bundle).state is Signed.SOMEBODY
    for identity in ("", WHO):
        found = checked(bundle, keys / "allowed", identity)
        assert (found.state, found.identity) == (Signed.GOOD, WHO)
        assert found.key.startswith("ED25519 SHA256:")


def test_a_signature_of_somebody_else_is_wrong(bundle: Path, keys: Path) -> None:
    """It fits the manifest, and is not of anybody on the list."""
    sign_bundle(bundle, keys / "other")
    assert checked(bundle).state is Signed.SOMEBODY
    found = checked(bundle, keys / "allowed")
    assert (found.state, "none of those whom allowed allows" in found.text) == (Signed.WRONG, True)
    sign_bundle(bundle, keys / "lab")  # a signature can be replaced
    found = checked(bundle, keys / "allowed", "you@example.org")
    assert (found.state, "is not you@example.org's" in found.text) == (Signed.WRONG, True)


def test_a_signature_does_not_fit_another_manifest(tmp_path: Path, keys: Path) -> None:
    """Not even where everything else was made to fit."""
    path = tmp_path / "a.wattmark"
    write_bundle(evidence(), path)
    signature = sign_bundle(path, keys / "lab")
    other = tmp_path / "b.wattmark"
    write_bundle(evidence(id="2"), other)
    (other / SIGNATURE).write_bytes(signature)
    assert checked(other).state is Signed.WRONG
    assert checked(other, keys / "allowed").state is Signed.WRONG
    (other / SIGNATURE).write_text("hello")
    assert checked(other).state is Signed.WRONG
    assert checked(other, keys / "allowed").state is Signed.WRONG


def test_a_bundle_that_differs_is_not_signed(tmp_path: Path, keys: Path) -> None:
    """Nobody should put a name to that."""
    path = tmp_path / "a.wattmark"
    write_bundle(evidence(), path)
    (path / RESULT).write_text("{}")
    with pytest.raises(EvidenceError, match=r"is not signed, for it is not genuine: result\.json"):
        sign_bundle(path, keys / "lab")
    assert not (path / SIGNATURE).exists()


def test_keys_that_cannot_sign_say_why(bundle: Path, keys: Path) -> None:
    """Not there, locked, no key at all; and no OpenSSH."""
    with pytest.raises(UsageError, match="there is no such file: make one"):
        sign_bundle(bundle, keys / "none")
    locked = key(keys, "locked", "secret words")
    with pytest.raises(UsageError, match="is locked and no passphrase was given"):
        sign_bundle(bundle, locked)
    (keys / "junk").write_text("hello")
    with pytest.raises(UsageError, match="cannot sign"):
        sign_bundle(bundle, keys / "junk")
    with pytest.raises(UsageError, match="no-such-program is not installed"):
        sign_bundle(bundle, keys / "lab", program="no-such-program")


def test_without_openssh_a_signature_is_not_checked(bundle: Path, keys: Path) -> None:
    """It says so where nobody asked whose it is, and refuses where somebody did."""
    sign_bundle(bundle, keys / "lab")
    files, _ = read_files(bundle)
    manifest, signature = files[MANIFEST], files[SIGNATURE]
    found = check_signature(manifest, signature, program="no-such-program")
    assert found.state is Signed.UNCHECKED
    with pytest.raises(UsageError, match="is not installed"):
        check_signature(manifest, signature, signers=keys / "allowed", program="no-such-program")


def test_what_was_asked_for_must_fit_together(bundle: Path, keys: Path) -> None:
    """A list that is not there, and a name without a list."""
    with pytest.raises(UsageError, match="there is no such file"):
        checked(bundle, keys / "none")
    with pytest.raises(UsageError, match="--identity needs --signer"):
        checked(bundle, identity=WHO)
