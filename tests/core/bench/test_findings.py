"""What a check came to: genuine, differs, or not to be told here."""

from __future__ import annotations

from wattmark.core.bench.findings import Checked, Finding, Signature, Signed, Verdict, with_signature

EDIT = Finding(file="result.json", text="is not what follows")
VERSION = Finding(file="result.json", text="is not what follows", by_version=True)


def checked(*found: Finding) -> Checked:
    """A check with these findings."""
    return Checked(evidence_id="1", manifest_sha256="a", protocol="p", wattmark="0", found=found)


def test_one_edit_decides() -> None:
    """Versions may explain a difference only where they explain them all."""
    assert checked().verdict is Verdict.GENUINE
    assert checked(VERSION).verdict is Verdict.UNDECIDED
    assert checked(VERSION, EDIT).verdict is Verdict.DIFFERS


def test_a_signature_counts_where_it_is_wrong_or_was_asked_for() -> None:
    """Unsigned is no fault of a bundle, until somebody asks whose it is."""
    for state, asked, verdict in (
        (Signed.UNSIGNED, False, Verdict.GENUINE),
        (Signed.UNSIGNED, True, Verdict.DIFFERS),
        (Signed.SOMEBODY, False, Verdict.GENUINE),
        (Signed.UNCHECKED, False, Verdict.GENUINE),
        (Signed.WRONG, False, Verdict.DIFFERS),
        (Signed.GOOD, True, Verdict.GENUINE),
    ):
        signature = Signature(state=state, text="words")
        found = with_signature(checked(), signature, asked=asked)
        assert (found.verdict, found.signature) == (verdict, signature)
    assert with_signature(checked(EDIT), Signature(state=Signed.GOOD, text=""), asked=True).found == (EDIT,)
