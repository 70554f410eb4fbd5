"""Waivers with real keys and real commits: what makes a name more than a claim, and what does not."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tests.identities.keys import allowed, key, needs_git, needs_openssh
from tests.wiring.governed import ANNA, BOARD, CHAIR, EVE, POLICY, TODAY, Governed, governed
from wattmark.core.governance.identity import Identity, Proof
from wattmark.core.governance.waiver import WaiverState
from wattmark.core.governance.waivers import Act, digest
from wattmark.ledger.policyfile import parse_policy
from wattmark.ledger.waiverfile import Deed
from wattmark.ledger.waiverlines import append, deed_text
from wattmark.wiring.waivers import digests_of, waivers_of

pytestmark = needs_openssh


@pytest.fixture
def place(tmp_path: Path) -> Governed:
    """A folder with a policy, without a repository."""
    return governed(tmp_path)


@pytest.fixture
def repo(tmp_path: Path) -> Governed:
    """The same in a git repository."""
    return governed(tmp_path, repository=True)


def edit(place: Governed, old: str, new: str) -> None:
    """Change a word of the file by hand."""
    text = place.file.read_text()
    assert old in text
    place.file.write_text(text.replace(old, new))


def test_no_waiver_file_is_no_waiver(place: Governed) -> None:
    """The usual case."""
    assert place.judged() == ()


def test_a_waiver_that_two_people_signed_holds(place: Governed) -> None:
    """Asked for by one, approved by another, both by their keys."""
    place.approve(place.ask())
    found = place.one()
    assert (found.state, found.holds, found.verified) == (WaiverState.ACTIVE, True, True)
    assert str(found.waiver.requested_by) == "anna@example.org (ssh signature)"
    (by,) = found.counted
    assert (by.name, by.proof) == (BOARD, Proof.SSH_SIGNATURE)
    assert by.detail.startswith("ED25519 SHA256:")


def test_an_edited_cap_voids_the_approval(place: Governed) -> None:
    """And the request, whose signature was over the old cap."""
    place.approve(place.ask())
    edit(place, "cap = 1.5", "cap = 9.5")
    found = place.one()
    assert (found.state, found.holds) == (WaiverState.PENDING, False)
    assert "it was edited since board@example.org approved it" in found.reason
    assert "anna@example.org is unverified: its signature is not anna@example.org's" in found.reason


def test_an_edited_cap_with_a_new_digest_is_not_signed(place: Governed) -> None:
    """Whoever edits both still has no signature of the board."""
    waiver = place.ask()
    place.approve(waiver)
    edit(place, "cap = 1.5", "cap = 9.5")
    edit(place, digest(waiver), digest(replace(waiver, cap=9.5)))
    assert "board@example.org is unverified: its signature is not board@example.org's" in place.one().reason


def test_a_signature_of_another_waiver_does_not_fit(place: Governed) -> None:
    """Copied below it with the right digest."""
    first = place.approve(place.ask())
    second = place.ask(id="W-2", cap=9.0, granted=date(2026, 11, 22))
    append(place.file, deed_text(replace(first, waiver="W-2", digest=digest(second))))
    found = place.judged()
    assert [one.holds for one in found] == [True, False]
    assert "its signature is not board@example.org's" in found[1].reason


def test_a_request_cannot_pass_for_an_approval(place: Governed) -> None:
    """The act is signed as well."""
    waiver = place.ask(signed_by=BOARD, requested_by=Identity(name=BOARD))
    text = place.file.read_text()
    signature = text[text.index("-----BEGIN") : text.index('\n"""\n')] + "\n"
    deed = Deed(
        act=Act.APPROVE,
        waiver="W-1",
        digest=digest(waiver),
        by=BOARD,
        at="2026-11-21T09:00:00Z",
        signature=signature,
    )
    append(place.file, deed_text(deed))
    assert "its signature is not board@example.org's" in place.one().reason


def test_a_key_that_the_list_does_not_allow_is_nobodys(place: Governed) -> None:
    """Neither under its own name nor under another's."""
    place.approve(place.ask(), EVE)
    assert "eve@example.org is unverified: its signature is not eve@example.org's" in place.one().reason


def test_a_key_signs_for_nobody_else(place: Governed) -> None:
    """Anna's good key does not make her the board."""
    place.approve(place.ask(), BOARD, signed_by=ANNA)
    assert "board@example.org is unverified: its signature is not board@example.org's" in place.one().reason


def test_a_signature_for_something_else_does_not_count(place: Governed) -> None:
    """Of the same text by the same key, in the namespace of bundles."""
    place.approve(place.ask(), namespace="wattmark-bundle")
    assert "is unverified: its signature is not" in place.one().reason


@pytest.mark.parametrize(("day", "holds"), [(date(2026, 11, 30), True), (date(2026, 12, 1), False)])
def test_a_key_that_has_expired_approves_no_more(tmp_path: Path, day: date, holds: bool) -> None:
    """On the day of which valid-before names the beginning; whatever date the approval claims."""
    place = governed(tmp_path, options='valid-before="20261201"')
    place.approve(place.ask())
    found = place.one(day)
    assert found.holds is holds
    assert ("key has expired" in found.reason) is not holds


def test_why_a_key_does_not_count_tells_no_folder(tmp_path: Path) -> None:
    """OpenSSH names the list with its whole path; the reason goes into decisions, comments and logs."""
    found = governed(tmp_path, options='valid-after="20270101"')
    found.approve(found.ask())
    reason = found.one().reason
    assert "allowed_signers:1: key is not yet valid" in reason
    assert str(tmp_path) not in reason


def test_a_waiver_holds_to_the_end_of_its_last_day(place: Governed) -> None:
    """31 December is in; 1 January is out."""
    place.approve(place.ask())
    assert place.one(date(2026, 12, 31)).state is WaiverState.EXPIRING
    assert place.one(date(2027, 1, 1)).reason == "expired 1 day ago"


@pytest.mark.parametrize("name", ["Anna@example.org", "ANNA@EXAMPLE.ORG"])
def test_nobody_approves_their_own_by_another_spelling(place: Governed, name: str) -> None:
    """Not even where the list of signers knows that spelling."""
    with (place.folder / "allowed_signers").open("a") as signers:
        signers.write(allowed(place.keys[ANNA], name))
    place.keys[name] = place.keys[ANNA]
    policy = POLICY.replace('"board@example.org"', '"board@example.org", "anna@example.org"')
    changed = Governed(place.folder, parse_policy(policy, "p"), place.keys)
    changed.approve(changed.ask(), name)
    assert f"the approver {name} is the requester" in changed.one().reason


def test_nobody_approves_their_own_with_a_second_name(place: Governed) -> None:
    """The board's name in the list for anna's key: the key gives it away."""
    with (place.folder / "allowed_signers").open("a") as signers:
        signers.write(allowed(place.keys[ANNA], BOARD))
    place.approve(place.ask(), BOARD, signed_by=ANNA)
    assert "the approver board@example.org is the requester" in place.one().reason


def test_a_typed_name_is_a_claim(place: Governed) -> None:
    """Shown as one, and no approval unless the policy allows it."""
    place.approve(place.ask(), signed_by="")
    assert "board@example.org is unverified: " in place.one().reason
    lax = POLICY.replace("[identity]", "[identity]\nallow_unverified = true")
    (found,) = waivers_of(parse_policy(lax, "p"), place.folder, TODAY)
    assert (found.holds, found.verified) == (True, False)
    assert "board@example.org is unverified: a typed name" in found.reason


@pytest.mark.parametrize(
    ("signers", "why"),
    [("", "the policy names no list of allowed signers"), ("gone", "there is no file gone")],
)
def test_without_a_list_no_signature_can_be_checked(place: Governed, signers: str, why: str) -> None:
    """And that is said."""
    place.approve(place.ask())
    policy = parse_policy(POLICY.replace('"allowed_signers"', f'"{signers}"'), "p")
    (found,) = waivers_of(policy, place.folder, TODAY)
    assert f"its signature is not checked: {why}" in found.reason


def test_a_changed_rule_makes_the_waiver_stale(place: Governed) -> None:
    """The limit was 1 gram when it was asked for."""
    place.approve(place.ask())
    policy = parse_policy(POLICY.replace("max = 1.0", "max = 0.9"), "p")
    (found,) = waivers_of(policy, place.folder, TODAY)
    assert (found.state, found.reason) == (
        WaiverState.STALE,
        "rule carbon was changed since it was approved",
    )


def test_two_waivers_of_one_rule_stand_side_by_side(place: Governed) -> None:
    """The second counts as a renewal of the first."""
    place.approve(place.ask())
    place.approve(place.ask(id="W-2", cap=1.8))
    assert [(one.holds, one.renewal) for one in place.judged()] == [(True, 0), (True, 1)]


def test_a_revocation_holds_whoever_wrote_it(place: Governed) -> None:
    """It only takes an exception away; that nobody knows whose it is, is told."""
    waiver = place.ask()
    place.approve(waiver)
    deed = Deed(
        act=Act.REVOKE, waiver="W-1", digest=digest(waiver), by=EVE, reason="no", at="2026-11-22T10:00:00Z"
    )
    append(place.file, deed_text(deed))
    found = place.one()
    assert (found.state, found.reason) == (
        WaiverState.REVOKED,
        "revoked by eve@example.org (unverified): no",
    )


def test_budgets_can_be_waived_too() -> None:
    """Their digests stand beside those of limits."""
    policy = parse_policy(POLICY + '[[budget]]\nid = "year"\nlimit = 5\nunit = "kWh"\nperiod = "year"\n', "p")
    assert set(digests_of(policy)) == {"carbon", "year"}
    assert all(digests_of(policy).values())


def unsigned(place: Governed, by: str = BOARD) -> None:
    """An approval without a signature of its own."""
    waiver = place.ask()
    place.git("add", "-A")
    place.commit(ANNA)
    place.approve(waiver, by, signed_by="")


@needs_git
def test_a_signed_commit_makes_an_approval_the_signers(repo: Governed) -> None:
    """As git itself says; before it is committed it is a claim."""
    unsigned(repo)
    assert "no signed commit shows it: it is not committed" in repo.one().reason
    repo.commit(BOARD)
    found = repo.one()
    assert found.holds
    (by,) = found.counted
    assert by.proof is Proof.SIGNED_COMMIT
    head = repo.git("rev-parse", "HEAD").strip()
    assert by.detail.startswith(f"commit {head[:12]}, ED25519 SHA256:")
    signers = f"gpg.ssh.allowedSignersFile={repo.folder / 'allowed_signers'}"
    assert repo.git("-c", signers, "log", "-1", "--format=%G? %GS").strip() == f"G {BOARD}"
    # What others commit later, above and below, changes nothing.
    repo.file.write_text("# ours\n\n" + repo.file.read_text() + "# end\n")
    repo.commit(EVE, signed=False)
    assert repo.one().holds


@needs_git
@pytest.mark.parametrize("above", ["\ufeff", "# north\u2028# south\x85# east\n" * 9])
def test_marks_that_editors_leave_hide_no_signer(repo: Governed, above: str) -> None:
    """Before everything, or in a comment, where Python sees the end of a line and git does not."""
    unsigned(repo)
    repo.commit(BOARD)
    repo.file.write_text(above + repo.file.read_text(), encoding="utf-8")
    repo.commit(EVE, signed=False)
    assert repo.one().holds


@needs_git
@pytest.mark.parametrize(
    ("who", "signed", "why"),
    [
        (EVE, True, "is not board@example.org's"),
        (ANNA, True, "is not board@example.org's"),
        (BOARD, False, "is not signed"),
    ],
)
def test_a_commit_of_another_is_no_approval(repo: Governed, who: str, signed: bool, why: str) -> None:
    """Nor is one that only says that it is the board's."""
    unsigned(repo)
    repo.commit(who, signed=signed)
    found = repo.one()
    assert not found.holds
    assert why in found.reason


@needs_git
def test_a_later_signed_commit_does_not_adopt_what_was_there(repo: Governed) -> None:
    """The board signs another change of the same file; the approval came with an unsigned commit."""
    unsigned(repo)
    repo.commit(EVE, signed=False)
    repo.file.write_text(repo.file.read_text() + "# seen\n")
    repo.commit(BOARD)
    assert "is not signed" in repo.one().reason


@needs_git
def test_a_signed_merge_adopts_no_unsigned_branch(repo: Governed) -> None:
    """The board merges, signed, a branch in which somebody else wrote the board's approval."""
    repo.git("switch", "-q", "-c", "branch")
    unsigned(repo)
    repo.commit(EVE, signed=False)
    repo.git("switch", "-q", "main")
    (repo.folder / "other").write_text("x")
    repo.commit(BOARD)
    board = ["-c", f"user.name={BOARD}", "-c", f"user.email={BOARD}", "-c", "gpg.format=ssh"]
    repo.git(
        *board, "-c", f"user.signingKey={repo.keys[BOARD]}", "merge", "-q", "-S", "-m", "merge", "branch"
    )
    assert repo.file.exists()
    found = repo.one()
    assert not found.holds
    assert "is not signed" in found.reason


@needs_git
def test_lines_put_together_from_signed_commits_are_no_approval(repo: Governed) -> None:
    """The board approved W-1; somebody makes it W-2 of lines that the board once wrote."""
    unsigned(repo)
    repo.commit(BOARD)
    second = repo.ask(id="W-2", cap=9.0)
    repo.commit(ANNA)
    old, new = repo.file.read_text().split("[[approval]]")[1].split("[[waiver]]")
    moved = old.replace('"W-1"', '"W-2"').replace(old.split('digest = "')[1][:64], digest(second))
    repo.file.write_text(repo.file.read_text().replace(old + "[[waiver]]" + new, moved + "[[waiver]]" + new))
    assert not any(one.holds for one in repo.judged())
    repo.commit(EVE, signed=False)
    found = repo.judged()
    assert not any(one.holds for one in found)
    assert "its lines come from several commits" in found[1].reason


@needs_git
def test_a_request_by_a_signed_commit_is_the_requesters(repo: Governed) -> None:
    """With its content as it was then."""
    waiver = repo.ask(signed_by="")
    repo.commit(ANNA)
    repo.approve(waiver, CHAIR)
    found = repo.one()
    assert found.holds
    assert found.waiver.requested_by.proof is Proof.SIGNED_COMMIT
    edit(repo, "cap = 1.5", "cap = 9.5")
    repo.commit(EVE, signed=False)
    assert repo.one().waiver.requested_by.proof is Proof.CLAIMED


@needs_git
def test_replaced_objects_and_a_shallow_clone_show_nothing(repo: Governed, tmp_path: Path) -> None:
    """History that is not the real one, and history that is not here."""
    unsigned(repo)
    repo.commit(EVE, signed=False)
    bad = repo.git("rev-parse", "HEAD").strip()
    good = repo.git("rev-parse", "HEAD~1").strip()
    repo.git("replace", bad, good)
    assert not repo.one().holds
    repo.git("replace", "-d", bad)
    repo.file.write_text(repo.file.read_text() + "# more\n")
    repo.commit(BOARD)
    shallow = tmp_path / "shallow"
    subprocess.run(
        ["git", "clone", "-q", "--depth=1", f"file://{repo.folder}", str(shallow)],
        check=True,
        capture_output=True,
    )
    (found,) = waivers_of(repo.policy, shallow, TODAY)
    assert not found.holds
    assert "this clone is shallow: fetch the whole history (fetch-depth: 0)" in found.reason


@needs_git
def test_no_program_that_the_repository_names_is_run(repo: Governed, tmp_path: Path) -> None:
    """Filters, conversions, monitors and signature programs of a repository that somebody sent."""
    waiver = repo.ask()
    repo.commit(ANNA)
    repo.approve(waiver, signed_by="")
    repo.commit(BOARD)
    ran, program = tmp_path / "ran", tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho ran >> {ran}\ncat\n")
    program.chmod(0o755)
    names = ("core.fsmonitor", "gpg.program", "gpg.ssh.program", "diff.evil.textconv", "filter.evil.clean",
             "filter.evil.smudge", "filter.evil.process")  # fmt: skip
    for name in names:
        repo.git("config", name, str(program))
    (repo.folder / ".gitattributes").write_text("*.toml diff=evil filter=evil\n")
    repo.file.touch()
    assert repo.one().holds
    assert not ran.exists()


def test_a_key_of_git_alone_signs_commits_and_nothing_else(repo: Governed) -> None:
    """The list of signers may say for what a key is."""
    line = allowed(repo.keys[BOARD], BOARD, options='namespaces="git"')
    (repo.folder / "allowed_signers").write_text(line + allowed(repo.keys[ANNA], ANNA))
    repo.approve(repo.ask())
    assert "its signature is not board@example.org's" in repo.one().reason
    repo.commit(BOARD)
    assert repo.one().holds


def test_a_key_for_a_whole_domain_is_one_person(place: Governed, tmp_path: Path) -> None:
    """Two names by one key are one approval."""
    wide = key(tmp_path / "keys", "wide")
    (place.folder / "allowed_signers").write_text(
        allowed(place.keys[ANNA], ANNA) + allowed(wide, "*@example.org")
    )
    place.keys.update({BOARD: wide, CHAIR: wide})
    policy = parse_policy(POLICY + "[waivers]\napprovers = 2\n", "p")
    two = Governed(place.folder, policy, place.keys)
    waiver = two.ask()
    two.approve(waiver, BOARD)
    two.approve(waiver, CHAIR)
    assert "1 of 2 approvals" in two.one().reason


def test_a_name_that_reads_like_another_key_is_the_same_person(place: Governed) -> None:
    """A key for a whole domain may bear any name there, and keeps its fingerprint under each."""
    (place.folder / "allowed_signers").write_text(allowed(place.keys[ANNA], "*@example.org"))
    policy = parse_policy(POLICY.replace("[roles]", "").replace('board = ["board@', '# ["board@'), "p")
    alone = Governed(place.folder, policy, place.keys)
    name = "x with ED25519 key SHA256:AAA @example.org"
    alone.approve(alone.ask(), by=name, signed_by=ANNA)
    assert f"the approver {name} is the requester" in alone.one().reason
