"""Signatures with real keys of OpenSSH."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.identities.keys import allowed, fingerprint, key, needs_openssh
from wattmark.core.errors import UsageError
from wattmark.identities.sshsig import NoOpenSsh, fits, principals, sign, verify

pytestmark = needs_openssh
TEXT, SPACE = b"said", "wattmark-waiver"
WHO = "board@example.org"


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """A key."""
    return key(tmp_path, "board")


@pytest.fixture
def signers(tmp_path: Path, board: Path) -> Path:
    """A list that allows it, until the end of 2026."""
    path = tmp_path / "allowed"
    path.write_text(allowed(board, WHO, "chair@example.org", options='valid-before="20270101"'))
    return path


def test_a_signature_says_whose_it_is(board: Path, signers: Path) -> None:
    """With the fingerprint of the key, by either of the names that the list gives it."""
    signature = sign(TEXT, board, SPACE)
    assert fits(TEXT, signature, SPACE).key == f"ED25519 {fingerprint(board)}"
    at = datetime(2026, 11, 22, tzinfo=UTC)
    assert principals(TEXT, signature, SPACE, signers, at=at) == ((WHO, "chair@example.org"), "")
    for name in (WHO, "chair@example.org"):
        found = verify(TEXT, signature, SPACE, signers, name, at=at)
        assert (found.good, found.fingerprint) == (True, fingerprint(board))


def test_a_name_that_reads_like_a_key_is_none(board: Path, tmp_path: Path) -> None:
    """Where the list allows any name, somebody could call themselves by the words that name the key."""
    wide = tmp_path / "wide"
    wide.write_text(allowed(board, "*"))
    for name in ("x with ED25519 key SHA256:AAA", "x with ED25519 key SHA256:AAA\n", "x with E key y z"):
        found = verify(TEXT, sign(TEXT, board, SPACE), SPACE, wide, name)
        assert (found.good, found.key) == (True, f"ED25519 {fingerprint(board)}")


def test_it_fits_no_other_text_name_or_namespace(board: Path, signers: Path) -> None:
    """Each is refused with the words of OpenSSH."""
    signature, at = sign(TEXT, board, SPACE), datetime(2026, 11, 22, tzinfo=UTC)
    assert not fits(b"other", signature, SPACE).good
    for text, space, name in [
        (b"other", SPACE, WHO),
        (TEXT, "wattmark-bundle", WHO),
        (TEXT, SPACE, "eve@example.org"),
        (TEXT, SPACE, "-oops"),
    ]:
        found = verify(text, signature, space, signers, name, at=at)
        assert not found.good
        assert found.why


@pytest.mark.parametrize(
    ("at", "good"),
    [
        (datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), True),
        (datetime(2027, 1, 1, 0, 0, 1, tzinfo=UTC), False),
    ],
)
def test_a_key_is_valid_until_the_list_says(
    board: Path, signers: Path, at: datetime, good: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the second in UTC, whatever the zone of the machine."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    signature = sign(TEXT, board, SPACE)
    found = verify(TEXT, signature, SPACE, signers, WHO, at=at)
    assert (found.good, "expired" in found.why) == (good, not good)
    assert bool(principals(TEXT, signature, SPACE, signers, at=at)[0]) is good


def test_what_is_no_signature_is_refused(signers: Path) -> None:
    """In words, not with a crash."""
    assert not fits(TEXT, b"hello", SPACE).good
    assert not verify(TEXT, b"", SPACE, signers, WHO).good
    assert principals(TEXT, b"\x00", SPACE, signers)[0] == ()


def test_keys_that_cannot_sign_say_why(tmp_path: Path, board: Path) -> None:
    """Not there; no key at all; no OpenSSH."""
    with pytest.raises(UsageError, match="there is no such file: make one"):
        sign(TEXT, tmp_path / "none", SPACE)
    (tmp_path / "junk").write_text("hello")
    with pytest.raises(UsageError, match="cannot sign"):
        sign(TEXT, tmp_path / "junk", SPACE)
    with pytest.raises(NoOpenSsh, match="no-such-program is not installed"):
        sign(TEXT, board, SPACE, program="no-such-program")
