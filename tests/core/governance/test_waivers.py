"""Waivers on a day: whose approval counts, what they are for, and how long they hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.governance.identity import Identity, Proof
from wattmark.core.governance.rules import IdentityRules, WaiverRules
from wattmark.core.governance.scope import Scope
from wattmark.core.governance.waiver import Approval, JudgedWaiver, Waiver, WaiverState
from wattmark.core.governance.waivers import (
    Act,
    content,
    digest,
    folded,
    judged,
    meet,
    person,
    renewal_of,
    same_person,
    stale,
    statement,
    waivers_about,
)

TODAY = date(2026, 11, 22)
ANNA = Identity(name="anna@example.org", proof=Proof.SSH_SIGNATURE, key="SHA256:anna")
BOARD = Identity(name="board@example.org", proof=Proof.SSH_SIGNATURE, key="SHA256:board")
CHAIR = Identity(name="chair@example.org", proof=Proof.SIGNED_COMMIT, key="SHA256:chair")
TYPED = Identity(name="board@example.org")
DIGESTS = {"carbon": "r1", "energy": "r2"}
ROLES = IdentityRules(roles={"board": ("board@example.org", "Chair@example.org")})


def asked(**changes: object) -> Waiver:
    """A waiver of 30 days that nobody has approved."""
    whole: dict[str, object] = {
        "id": "W-1",
        "rule": "carbon",
        "rule_digest": "r1",
        "cap": 1.5,
        "reason": "moves in December",
        "owner": "anna@example.org",
        "ticket": "GREEN-12",
        "requested_by": ANNA,
        "requested_at": "2026-11-20T08:00:00Z",
        "expires": TODAY + timedelta(days=60),
        **changes,
    }
    return Waiver(**whole)  # type: ignore[arg-type]


def approved(waiver: Waiver, *who: Identity, at: str = "2026-11-21T09:00:00Z") -> Waiver:
    """The same with approvals of its content as it is."""
    approvals = tuple(Approval(waiver=waiver.id, digest=digest(waiver), by=by, at=at) for by in who)
    return replace(waiver, approvals=(*waiver.approvals, *approvals))


def one(
    waiver: Waiver, rules: WaiverRules | None = None, identity: IdentityRules = ROLES, today: date = TODAY
) -> JudgedWaiver:
    """How one waiver stands."""
    (found,) = judged([waiver], rules or WaiverRules(), identity, DIGESTS, today)
    return found


def test_an_approved_waiver_holds() -> None:
    """From the day of its approval, with who approved it."""
    found = one(approved(asked(), BOARD))
    assert (found.state, found.holds, found.verified) == (WaiverState.ACTIVE, True, True)
    assert (found.begins, found.days_left, found.counted) == (date(2026, 11, 21), 60, (BOARD,))
    assert found.reason == "lapses in 60 days"


def test_a_waiver_that_nobody_approved_waits() -> None:
    """And says how many are needed."""
    found = one(asked(), WaiverRules(approvers=2))
    assert (found.state, found.holds, found.begins) == (WaiverState.PENDING, False, None)
    assert found.reason == "0 of 2 approvals"


@pytest.mark.parametrize(
    ("days", "state", "reason"),
    [
        (31, WaiverState.ACTIVE, "lapses in 31 days"),
        (30, WaiverState.EXPIRING, "lapses in 30 days"),
        (1, WaiverState.EXPIRING, "lapses in 1 day"),
        (0, WaiverState.EXPIRING, "lapses today"),
        (-1, WaiverState.EXPIRED, "expired 1 day ago"),
        (-3, WaiverState.EXPIRED, "expired 3 days ago"),
    ],
)
def test_the_last_day_counts_to_its_end(days: int, state: WaiverState, reason: str) -> None:
    """A waiver holds on its last day, and on no later one."""
    found = one(approved(asked(expires=TODAY + timedelta(days=days)), BOARD))
    assert (found.state, found.reason, found.days_left) == (state, reason, days)
    assert found.holds == (days >= 0)


def test_an_expired_waiver_that_nobody_approved_says_both() -> None:
    """So that nobody believes that it once held."""
    assert one(asked(expires=date(2026, 11, 19))).reason == "expired 3 days ago, and was never approved"


@pytest.mark.parametrize(
    "edit",
    [
        {"cap": 1.6},
        {"cap": None},
        {"rule": "energy", "rule_digest": "r2"},
        {"scope": Scope({"model": ("other",)})},
        {"expires": TODAY + timedelta(days=61)},
        {"granted": date(2026, 11, 1)},
        {"reason": "moves in January"},
        {"owner": "b@example.org"},
        {"ticket": ""},
        {"evidence": True},
        {"requested_at": "2026-11-20T08:00:01Z"},
        {"requested_by": replace(ANNA, name="b@example.org")},
    ],
)
def test_any_edit_voids_the_approvals(edit: dict[str, object]) -> None:
    """A cap, a scope, a word: what was approved was another content."""
    edited = replace(approved(asked(), BOARD), **edit)  # type: ignore[arg-type]
    found = one(edited, WaiverRules(uncapped=True))
    assert (found.state, found.holds) == (WaiverState.PENDING, False)
    assert found.reason == "it was edited since board@example.org approved it; 0 of 1 approvals"


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("models", "lapses in 60 days"),
        ("others", "it is for rule carbon of policy models, and this one is others"),
        ("", "it is for rule carbon of policy models, and this one has no id"),
    ],
)
def test_a_waiver_holds_under_the_policy_that_it_names(policy: str, reason: str) -> None:
    """Another repository may have the very same rule and the same people: it is none for there."""
    waiver = approved(asked(policy="models"), BOARD)
    (found,) = judged([waiver], WaiverRules(), ROLES, DIGESTS, TODAY, policy=policy)
    assert (found.holds, found.reason) == (policy == "models", reason)
    assert found.state is (WaiverState.ACTIVE if policy == "models" else WaiverState.STALE)


def test_an_older_waiver_that_names_no_policy_holds_as_it_did() -> None:
    """Its content reads as it read, so its approvals count; taking the name out makes another content."""
    (found,) = judged([approved(asked(), BOARD)], WaiverRules(), ROLES, DIGESTS, TODAY, policy="models")
    assert found.holds
    assert "policy" not in content(asked())
    bare = replace(approved(asked(policy="models"), BOARD), policy="")
    assert one(bare).reason == "it was edited since board@example.org approved it; 0 of 1 approvals"


def test_what_comes_later_is_not_of_the_content() -> None:
    """Approvals, a revocation, and where it stands."""
    waiver = asked()
    later = replace(approved(waiver, BOARD), revoked="by anna", file="f", place="[[waiver]] 1")
    later = replace(later, requested_by=Identity(name=ANNA.name, detail="a typed name"))
    assert content(later) == content(waiver)


@pytest.mark.parametrize(
    ("name", "key"),
    [("anna@example.org", "SHA256:z"), (" ANNA@Example.org", "SHA256:z"), ("ａnna@example.org", "SHA256:z"),
     ("other@example.org", "SHA256:anna")],
)  # fmt: skip
def test_nobody_approves_what_they_asked_for(name: str, key: str) -> None:
    """Not by another spelling, not in wide letters, not under another name with the same key."""
    self = Identity(name=name, proof=Proof.SSH_SIGNATURE, key=key)
    found = one(approved(asked(), self), identity=IdentityRules())
    assert found.state is WaiverState.PENDING
    assert found.reason == f"the approver {name} is the requester; 0 of 1 approvals"
    assert one(approved(asked(), self), WaiverRules(not_requester=False), IdentityRules()).holds


def test_an_approver_has_the_role() -> None:
    """Names are compared whatever their case; where no such role is named, anybody verified will do."""
    outside = Identity(name="eve@example.org", proof=Proof.SSH_SIGNATURE, key="SHA256:eve")
    assert one(approved(asked(), outside)).reason == "eve@example.org is not in role board; 0 of 1 approvals"
    assert one(approved(asked(), CHAIR)).holds
    assert one(approved(asked(), outside), identity=IdentityRules()).holds


def test_a_job_of_anybodys_approves_nothing() -> None:
    """An issuer signs tokens for every project: a role or the policy's subjects must say whose count."""
    job = Identity(name="repo:eve/x:ref:refs/heads/main", proof=Proof.CI_TOKEN, key="ci eve")
    waiver, open_to_all = approved(asked(), job), replace(ROLES, roles={})
    assert one(approved(asked(), BOARD), identity=open_to_all).holds
    assert (
        "repo:eve/x:ref:refs/heads/main may be a job of anybody's" in one(waiver, identity=open_to_all).reason
    )
    assert one(waiver, identity=replace(open_to_all, subjects=("repo:*",))).holds
    assert "is not in role board" in one(waiver).reason


def test_a_typed_name_does_not_count() -> None:
    """Unless the policy allows it; then it is shown as what it is."""
    found = one(approved(asked(), TYPED))
    assert found.reason == "board@example.org is unverified: a typed name; 0 of 1 approvals"
    lax = replace(ROLES, allow_unverified=True)
    found = one(approved(asked(), TYPED), identity=lax)
    assert (found.holds, found.verified) == (True, False)
    assert found.reason == "lapses in 60 days; board@example.org is unverified: a typed name"


def test_why_a_name_could_not_be_verified_is_told() -> None:
    """With the reason that the check gave."""
    who = replace(TYPED, detail="its signature does not fit")
    assert "board@example.org is unverified: its signature does not fit" in one(approved(asked(), who)).reason


def test_a_requester_who_only_typed_a_name_gets_no_waiver() -> None:
    """Else anybody could ask under another name, and approve it themselves."""
    waiver = approved(asked(requested_by=Identity(name="anna@example.org")), BOARD)
    found = one(waiver)
    assert found.state is WaiverState.PENDING
    assert found.reason == "the requester anna@example.org is unverified: a typed name"
    assert one(waiver, identity=replace(ROLES, allow_unverified=True)).holds


def test_as_many_different_people_as_the_policy_asks() -> None:
    """One person under two names, or with two keys, is one person."""
    two = WaiverRules(approvers=2)
    twice = replace(BOARD, name="chair@example.org")
    assert one(approved(asked(), BOARD), two).reason == "1 of 2 approvals"
    assert one(approved(asked(), BOARD, BOARD), two).reason == "1 of 2 approvals"
    assert one(approved(asked(), BOARD, twice), two).reason == "1 of 2 approvals"
    assert one(approved(asked(), BOARD, replace(BOARD, key="SHA256:new")), two).reason == "1 of 2 approvals"
    found = one(approved(asked(), BOARD, CHAIR), two)
    assert (found.holds, found.counted) == (True, (BOARD, CHAIR))


def test_an_approval_can_show_that_two_are_one() -> None:
    """A third one with the name of the first and the key of the second."""
    link = Identity(name=BOARD.name, proof=Proof.SSH_SIGNATURE, key=CHAIR.key)
    waiver = approved(asked(), BOARD, CHAIR, link)
    assert one(waiver, WaiverRules(approvers=2)).reason == "1 of 2 approvals"


def test_approvals_have_a_day_that_is_not_to_come() -> None:
    """An old gate that is replayed does not see what was approved later."""
    assert "has no date" in one(approved(asked(), BOARD, at="")).reason
    assert (
        "is of 2026-11-23, which is to come" in one(approved(asked(), BOARD, at="2026-11-23T00:00Z")).reason
    )
    assert one(approved(asked(), BOARD, at="2026-11-22T23:59:59Z")).holds


def test_a_waiver_without_a_cap_or_an_end_needs_a_policy_that_allows_it() -> None:
    """A blank cheque, and one for ever."""
    blank = approved(asked(cap=None), BOARD)
    assert one(blank).reason == "it has no cap, which the policy does not allow"
    assert one(blank, WaiverRules(uncapped=True)).holds
    forever = approved(asked(expires=None), BOARD)
    assert (one(forever).state, one(forever).holds) == (WaiverState.PENDING, False)
    assert one(forever).reason == "it never expires, which the policy does not allow"
    allowed = one(forever, WaiverRules(permanent=True))
    assert (allowed.state, allowed.reason, allowed.days_left) == (
        WaiverState.PERMANENT,
        "never expires",
        None,
    )


def test_a_waiver_lasts_no_longer_than_the_policy_allows() -> None:
    """From its first day to its last, both counted; 90 days from 21 November end on 18 February."""
    assert one(approved(asked(expires=date(2027, 2, 18)), BOARD)).holds
    found = one(approved(asked(expires=date(2027, 2, 19)), BOARD))
    assert found.reason == "it runs for 91 days, and the policy allows 90 days"
    turned = one(
        approved(asked(granted=TODAY, expires=TODAY - timedelta(days=1)), BOARD), today=date(2026, 11, 21)
    )
    assert turned.reason == "it ends on 2026-11-21, before it begins on 2026-11-22; it begins on 2026-11-22"


def test_a_waiver_begins_on_the_day_it_says() -> None:
    """Approved already, it waits for that day."""
    waiver = approved(asked(granted=date(2026, 12, 1)), BOARD)
    assert one(waiver).reason == "it begins on 2026-12-01"
    assert one(waiver, today=date(2026, 12, 1)).begins == date(2026, 12, 1)


def test_a_changed_rule_needs_a_new_waiver() -> None:
    """So does one that is gone, and one that never said which content it was for."""
    for changes, reason in [
        ({"rule_digest": "r0"}, "rule carbon was changed since it was approved"),
        ({"rule": "gone"}, "rule gone is not in the policy"),
        (
            {"rule_digest": ""},
            "which content of rule carbon it is for: rule_digest is missing",
        ),
    ]:
        found = one(approved(asked(**changes), BOARD))
        assert (found.state, found.holds) == (WaiverState.STALE, False)
        assert found.reason.endswith(reason)


def test_a_revoked_waiver_is_over() -> None:
    """With who revoked it and why."""
    found = one(replace(approved(asked(), BOARD), revoked="by board@example.org: not needed"))
    assert (found.state, found.holds) == (WaiverState.REVOKED, False)
    assert found.reason == "by board@example.org: not needed"


def test_without_approvers_a_request_is_enough() -> None:
    """A policy that asks for nobody; the waiver begins when it was asked for."""
    none = WaiverRules(approvers=0)
    assert one(asked(), none).begins == date(2026, 11, 20)
    assert one(asked(requested_at=""), none).state is WaiverState.PENDING


def series(*periods: tuple[str, date | None], scope: Scope | None = None) -> list[Waiver]:
    """Waivers of one rule, each approved on its first day."""
    return [
        approved(
            asked(id=f"W-{n}", expires=end, scope=scope or Scope(), granted=date.fromisoformat(begin)),
            BOARD, at=f"{begin}T00:00:00Z",
        )
        for n, (begin, end) in enumerate(periods, start=1)
    ]  # fmt: skip


THREE = (
    ("2026-08-01", date(2026, 9, 30)), ("2026-10-01", date(2026, 10, 31)), ("2026-11-01", date(2026, 12, 31)),
)  # fmt: skip


def test_a_waiver_may_be_renewed_so_often() -> None:
    """Once, unless the policy says otherwise; the third in a row is refused."""
    found = judged(series(*THREE), WaiverRules(), ROLES, DIGESTS, TODAY)
    assert [w.renewal for w in found] == [0, 1, 2]
    assert found[2].state is WaiverState.PENDING
    assert found[2].reason == "it is renewal 2 of its rule and scope, and the policy allows 1"
    assert judged(series(*THREE), WaiverRules(renewals=2), ROLES, DIGESTS, TODAY)[2].holds


def test_what_is_no_renewal() -> None:
    """Another rule, a scope that cannot meet, a pause as long as a waiver may be; what was never approved."""
    first, second, third = series(*THREE)
    other = [
        replace(first, rule="energy", rule_digest="r2", approvals=()),
        second,
        third,
    ]
    assert [w.renewal for w in judged(other, WaiverRules(), ROLES, DIGESTS, TODAY)] == [0, 0, 1]
    a = series(THREE[0], THREE[1], scope=Scope({"model": ("a",)}))
    b = series(THREE[2], scope=Scope({"model": ("b", "c*")}))
    assert judged([*a, *b], WaiverRules(), ROLES, DIGESTS, TODAY)[2].renewal == 0
    late = series(("2026-01-01", date(2026, 2, 28)), ("2026-11-01", date(2026, 12, 31)))
    assert [w.renewal for w in judged(late, WaiverRules(), ROLES, DIGESTS, TODAY)] == [0, 0]


def test_one_that_never_ends_is_followed_by_all() -> None:
    """Its end never comes."""
    both = series(("2025-01-01", None), THREE[2])
    found = judged(both, WaiverRules(permanent=True), ROLES, DIGESTS, TODAY)
    assert [w.renewal for w in found] == [0, 1]


@pytest.mark.parametrize(
    ("a", "b", "answer"),
    [
        ({}, {"model": ("x",)}, True),
        ({"model": ("x",)}, {"model": ("y",)}, False),
        ({"model": ("x*",)}, {"model": ("xy",)}, True),
        ({"model": ("xy",)}, {"model": ("x?",)}, True),
        ({"model": ("x*",)}, {"model": ("*y",)}, True),
        ({"model": ("x",), "team": ("a",)}, {"model": ("x",), "team": ("b",)}, False),
    ],
)
def test_scopes_that_may_meet(
    a: dict[str, tuple[str, ...]], b: dict[str, tuple[str, ...]], answer: bool
) -> None:
    """Where patterns cannot tell, they may."""
    assert meet(Scope(a), Scope(b)) is meet(Scope(b), Scope(a)) is answer


def the_one_that_holds(
    rule: str, tags: dict[str, str], found: tuple[JudgedWaiver, ...]
) -> JudgedWaiver | None:
    """The first about a rule and a subject, when it holds."""
    return next((one for one in waivers_about(rule, tags, found) if one.holds), None)


def test_a_waiver_is_for_the_subject_that_its_scope_fits() -> None:
    """A tag that is not stated could be anything: it does not waive."""
    narrow = approved(asked(scope=Scope({"model": ("sorter",)})), BOARD)
    found = judged([narrow], WaiverRules(), ROLES, DIGESTS, TODAY)
    assert the_one_that_holds("carbon", {"model": "sorter"}, found) is found[0]
    assert the_one_that_holds("carbon", {"model": "other"}, found) is None
    assert the_one_that_holds("carbon", {}, found) is None
    assert the_one_that_holds("energy", {"model": "sorter"}, found) is None


def test_the_best_waiver_is_chosen() -> None:
    """One that holds before others; then the narrower; then the one that lasts longer."""
    rules = WaiverRules(permanent=True, renewals=9)
    tags = {"model": "sorter"}
    gone = replace(approved(asked(id="W-0", scope=Scope({"model": ("sorter",)})), BOARD), revoked="gone")
    wide = approved(asked(id="W-1"), BOARD)
    long = approved(asked(id="W-2", expires=TODAY + timedelta(days=70)), BOARD)
    ever = approved(asked(id="W-3", expires=None), BOARD)
    narrow = approved(asked(id="W-4", scope=Scope({"model": ("s*",)}), expires=TODAY), BOARD)
    found = judged([gone, wide, long, ever, narrow], rules, ROLES, DIGESTS, TODAY)
    assert [w.waiver.id for w in waivers_about("carbon", tags, found)] == ["W-4", "W-3", "W-2", "W-1", "W-0"]
    assert the_one_that_holds("carbon", tags, found) is found[4]
    assert the_one_that_holds("carbon", tags, found[:1]) is None


def test_a_waiver_that_nothing_needs_is_stale() -> None:
    """Once a gate ran on what it is for: its rule is not broken there."""
    found = judged(
        [approved(asked(scope=Scope({"model": ("a",)})), BOARD)], WaiverRules(), ROLES, DIGESTS, TODAY
    )
    tags = {"model": "a"}
    (told,) = stale(found, used=(), broken=(), tags=tags)
    assert (told.state, told.reason) == (WaiverState.STALE, "nothing breaks rule carbon any more")
    assert stale(found, used={"W-1"}, broken=(), tags=tags) == ()
    assert stale(found, used=(), broken={"carbon"}, tags=tags) == ()
    assert stale(found, used=(), broken=(), tags={"model": "b"}) == ()
    assert stale([one(asked())], used=(), broken=(), tags=tags) == ()


def test_the_content_reads_as_what_it_is() -> None:
    """One line per field, in one order, whatever the order of the scope."""
    waiver = asked(
        scope=Scope({"team": ("b", "a", "a"), "model": ("x",)}), cap=2, expires=None, evidence=True
    )
    assert content(waiver).splitlines() == [
        "wattmark waiver, version 1",
        'id: "W-1"',
        'rule: "carbon"',
        'rule_digest: "r1"',
        'scope: "model" in ["x"], "team" in ["a", "b"]',
        "cap: 2.0",
        'reason: "moves in December"',
        'owner: "anna@example.org"',
        'ticket: "GREEN-12"',
        'requested_by: "anna@example.org"',
        'requested_at: "2026-11-20T08:00:00Z"',
        "granted: on approval",
        "expires: never",
        "evidence: may be missing",
    ]
    assert "cap: 0.0\n" in content(asked(cap=-0.0))
    assert "cap: none\n" in content(asked(cap=None, granted=TODAY))
    assert len(digest(waiver)) == 64


def test_what_is_signed_says_who_does_what() -> None:
    """No signature fits another act, name or waiver."""
    said = [
        statement(act, waiver, by, at="2026-11-21")
        for act in Act
        for waiver in (asked(), asked(cap=9.0))
        for by in ("a", "b")
    ]
    assert len(set(said)) == 12
    assert said[0].decode().startswith('act: "request"\nby: "a"\nrole: ""\nat: "2026-11-21"\nreason: ""\n')


texts = st.text(max_size=8)


@given(st.tuples(texts, texts), st.tuples(texts, texts))
def test_no_text_passes_for_two_fields(a: tuple[str, str], b: tuple[str, str]) -> None:
    """Two waivers have one content only where all their fields are equal."""
    one, two = (asked(reason=reason, owner=owner) for reason, owner in (a, b))
    assert (content(one) == content(two)) == (a == b)
    assert (digest(one) == digest(two)) == (a == b)
    assert content(one).count("\n") == content(asked()).count("\n")


@given(st.text(max_size=12))
def test_folding_twice_changes_nothing(name: str) -> None:
    """And the same name in capitals is the same person, where capitals mean the same."""
    assert folded(folded(name)) == folded(name)
    if name.isascii():
        assert same_person(Identity(name=name), Identity(name=f" {name.upper()} "), ROLES)


def test_people_without_a_key_are_told_apart_by_name() -> None:
    """No key is no key in common."""
    assert not same_person(Identity(name="a"), Identity(name="b"), ROLES)


ALIASES = replace(
    ROLES,
    aliases={"@Anna": "anna@example.org", "anna@home.example": "@anna", "@Boss": "board@example.org"},
    roles={"board": ("@anna", "anna@home.example", "board@example.org", "chair@example.org")},
)
"""Anna has three names, and so has the board two."""


@pytest.mark.parametrize("name", ["@anna", "anna", "@ANNA", "anna@home.example", "Anna@Home.example"])
def test_nobody_approves_their_own_by_another_of_their_names(name: str) -> None:
    """What the forge, a second key or a CI system calls them; an alias of an alias too."""
    self = Identity(name=name, proof=Proof.CODEOWNERS, key="login anna")
    everybody = replace(ALIASES, roles={})
    assert f"the approver {name} is the requester" in one(approved(asked(), self), identity=everybody).reason
    assert one(approved(asked(), self), identity=replace(everybody, aliases={})).holds


def test_one_person_of_two_names_is_one_approval() -> None:
    """Whose alias has a role if they have; a login with and without its sign is one name."""
    boss = Identity(name="@boss", proof=Proof.CODEOWNERS, key="login boss")
    job = Identity(name="boss", proof=Proof.CI_TOKEN, key="ci boss")
    assert one(approved(asked(), boss), identity=ALIASES).holds
    assert "1 of 2 approvals" in one(approved(asked(), BOARD, boss), WaiverRules(approvers=2), ALIASES).reason
    open_to_all = IdentityRules(subjects=("repo:example/models:*",))
    assert (
        one(approved(asked(), boss, job), WaiverRules(approvers=2), open_to_all).reason == "1 of 2 approvals"
    )


def test_names_whose_aliases_go_around_are_one_person() -> None:
    """Whichever of them is the real one."""
    rules = IdentityRules(aliases={"a": "b", "b": "c", "c": "a", "d": "b"})
    assert {person(name, rules) for name in "abcd"} == {"a"}
    assert person("e", rules) == "e"


def test_identities_say_how_they_are_known() -> None:
    """A typed name says that it is one."""
    assert (str(BOARD), str(TYPED)) == ("board@example.org (ssh signature)", "board@example.org (unverified)")


def test_the_next_renewal_is_counted_before_it_is_approved() -> None:
    """Beside one that holds it is the first; beside another that has not begun yet, the second."""
    held = JudgedWaiver(
        waiver=asked(id="A", expires=date(2026, 12, 31)), state=WaiverState.ACTIVE, digest="",
        begins=date(2026, 11, 1),
    )  # fmt: skip
    later = JudgedWaiver(
        waiver=asked(id="B", granted=date(2027, 1, 1), expires=date(2027, 1, 31)),
        state=WaiverState.PENDING, digest="", begins=date(2027, 1, 1),
    )  # fmt: skip
    third = asked(id="C", granted=date(2027, 2, 1), expires=date(2027, 2, 28))
    rules, today = WaiverRules(renewals=1), date(2026, 11, 22)
    assert renewal_of(third, [], rules, today) == 0
    assert renewal_of(third, [held], rules, today) == 1
    assert renewal_of(third, [held, later], rules, today) == 2
    assert renewal_of(asked(id="D", granted=None), [held], rules, today) == 1
