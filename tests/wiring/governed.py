"""A policy with its waivers in a folder or a git repository, and people with real keys."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from tests.identities.keys import allowed, key
from wattmark.core.governance.identity import Identity
from wattmark.core.governance.waiver import JudgedWaiver, Waiver
from wattmark.core.governance.waivers import Act, digest, statement
from wattmark.core.policy import Policy
from wattmark.identities.sshsig import sign
from wattmark.ledger.policyfile import parse_policy
from wattmark.ledger.waiverfile import Deed
from wattmark.ledger.waiverlines import append, deed_text, request_text
from wattmark.wiring.identities import NAMESPACE
from wattmark.wiring.waivers import digests_of, waivers_of

TODAY = date(2026, 11, 22)
FILE = "wattmark-waivers.toml"
ANNA, BOARD, CHAIR, EVE = (f"{name}@example.org" for name in ("anna", "board", "chair", "eve"))
POLICY = """
[identity]
allowed_signers = "allowed_signers"
[roles]
board = ["board@example.org", "chair@example.org"]
[[limit]]
id = "carbon"
kpi = "carbon_per_inference_operational"
max = 1.0
"""


@dataclass(frozen=True, slots=True)
class Governed:
    """A folder with a policy in force."""

    folder: Path
    policy: Policy
    keys: dict[str, Path]

    @property
    def file(self) -> Path:
        """Of waivers."""
        return self.folder / FILE

    def ask(self, signed_by: str = ANNA, **changes: object) -> Waiver:
        """Put a waiver into the file, signed with somebody's key (empty: with none)."""
        whole: dict[str, object] = {
            "id": "W-1", "rule": "carbon", "rule_digest": digests_of(self.policy)["carbon"], "cap": 1.5,
            "reason": "moves in December", "owner": ANNA, "ticket": "GREEN-12",
            "requested_by": Identity(name=ANNA), "requested_at": "2026-11-20T08:00:00Z",
            "expires": date(2026, 12, 31), **changes,
        }  # fmt: skip
        waiver = Waiver(**whole)  # type: ignore[arg-type]
        said = statement(Act.REQUEST, waiver, waiver.requested_by.name, at=waiver.requested_at)
        append(self.file, request_text(waiver, self.signature(said, signed_by)))
        return waiver

    def approve(
        self, waiver: Waiver, by: str = BOARD, signed_by: str | None = None, namespace: str = NAMESPACE
    ) -> Deed:
        """Put an approval into the file, signed by whom it names unless told otherwise."""
        deed = Deed(
            act=Act.APPROVE,
            waiver=waiver.id,
            digest=digest(waiver),
            by=by,
            role="board",
            at="2026-11-21T09:00:00Z",
        )
        said = statement(deed.act, waiver, by, role=deed.role, at=deed.at)
        who = by if signed_by is None else signed_by
        deed = replace(deed, signature=self.signature(said, who, namespace))
        append(self.file, deed_text(deed))
        return deed

    def signature(self, text: bytes, who: str, namespace: str = NAMESPACE) -> str:
        """Somebody's, of a text."""
        return sign(text, self.keys[who], namespace).decode() if who else ""

    def judged(self, today: date = TODAY) -> tuple[JudgedWaiver, ...]:
        """As a gate sees them."""
        return waivers_of(self.policy, self.folder, today)

    def one(self, today: date = TODAY) -> JudgedWaiver:
        """The only one."""
        (found,) = self.judged(today)
        return found

    def git(self, *arguments: str) -> str:
        """A command of git, with nothing of this machine's settings."""
        env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            ["git", "-C", str(self.folder), *arguments], check=True, capture_output=True, text=True, env=env
        )
        return done.stdout

    def commit(self, who: str, *, signed: bool = True, message: str = "change") -> None:
        """Commit everything as somebody, signed with their key."""
        about = ["-c", f"user.name={who}", "-c", f"user.email={who}", "-c", "gpg.format=ssh"]
        about += ["-c", f"user.signingKey={self.keys[who]}"]
        self.git("add", "-A")
        self.git(*about, "commit", "-q", *(["-S"] if signed else []), "-m", message)


def governed(folder: Path, policy: str = POLICY, options: str = "", *, repository: bool = False) -> Governed:
    """A folder with a policy, four people's keys, and a list that allows three of them (not eve)."""
    place = folder / "repo"
    place.mkdir()
    keys = {name: key(folder / "keys", name.partition("@")[0]) for name in (ANNA, BOARD, CHAIR, EVE)}
    lines = [allowed(keys[name], name, options=options) for name in (ANNA, BOARD, CHAIR)]
    (place / "allowed_signers").write_text("".join(lines))
    (place / "wattmark-policy.toml").write_text(policy)
    found = Governed(place, parse_policy(policy, "wattmark-policy.toml"), keys)
    if repository:
        found.git("init", "-q", "-b", "main")
        found.commit(ANNA, message="begin")
    return found
