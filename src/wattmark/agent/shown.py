"""What the agent shows over HTTP: metrics, the live document, its health."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wattmark.agent.http import JSON, TEXT, Answered, Asked
from wattmark.agent.intake import Intake, NoRoom
from wattmark.core.serving.line import LONGEST_NAME
from wattmark.core.serving.live import Live

REQUESTS = "/v1/requests"
ONE_REQUEST = f"{REQUESTS}/"
LOOPBACK = ("127.", "::1", "::ffff:127.")
MOST_LINES = 20_000
"""Lines of one body: nobody else is served, and no meter is read, while they are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """What stands behind each address."""

    metrics: Callable[[str | None], tuple[str, str]]
    """Text and its content type, for an ``Accept`` header."""
    live: Callable[[float | None], Live]
    """Of the last so many seconds."""
    health: Callable[[], tuple[bool, dict[str, object]]]
    intake: Intake
    settled: Callable[[str], tuple[int, bytes]]
    """Status and document of what a request of this id used."""
    token: str | None = None
    """What others than this machine must bear to tell of requests; None: they may not."""


class Answerer:
    """Answers requests by HTTP. Nothing here waits."""

    def __init__(self, showing: Showing) -> None:
        self._showing = showing

    def __call__(self, asked: Asked) -> Answered:
        """The answer to one request."""
        path = asked.path.partition("?")[0]
        if path.startswith(ONE_REQUEST):
            return self._settled(asked.method, path)
        allowed = {"/metrics": "GET", "/v1/live": "GET", "/healthz": "GET", REQUESTS: "POST", "/": "GET"}
        if path not in allowed:
            return _text(404, f"nothing is here: this agent has {', '.join(sorted(allowed))}")
        method = "GET" if asked.method == "HEAD" else asked.method
        if method != allowed[path]:
            answer = _text(405, f"{path} takes {allowed[path]} only")
            return Answered(answer.status, answer.body, answer.kind, (("Allow", allowed[path]),))
        match path:
            case "/metrics":
                text, kind = self._showing.metrics(asked.headers.get("accept"))
                return Answered(200, text.encode(), kind)
            case "/v1/live":
                return self._live(asked.path.partition("?")[2])
            case "/healthz":
                well, state = self._showing.health()
                return Answered(200 if well else 503, _json(state), JSON)
            case "/":
                return _text(
                    200, f"wattmark agent: /metrics, /v1/live, /healthz, {ONE_REQUEST}ID; POST {REQUESTS}"
                )
        return self._requests(asked)

    def _live(self, query: str) -> Answered:
        """The document of the last minutes, or of the last ``seconds`` that the query asks for."""
        from wattmark.reports.live_json import live_document

        name, _, value = query.partition("=")
        seconds = None
        if query:
            try:
                seconds = float(value)
            except ValueError:
                seconds = -1.0
            if name != "seconds" or not 0 < seconds < 1e9:
                return _text(400, "ask for ?seconds=300: figures over so many of the last seconds")
        return Answered(200, live_document(self._showing.live(seconds)).encode(), JSON)

    def _settled(self, method: str, path: str) -> Answered:
        """What one request used, or why that cannot be told."""
        from urllib.parse import unquote

        if method not in ("GET", "HEAD"):
            answer = _text(405, f"{ONE_REQUEST}ID takes GET only")
            return Answered(answer.status, answer.body, answer.kind, (("Allow", "GET"),))
        request_id = unquote(path[len(ONE_REQUEST) :])
        if not 0 < len(request_id) <= LONGEST_NAME or not request_id.isprintable():
            return _text(400, "name a request by the id that it was told under")
        status, document = self._showing.settled(request_id)
        return Answered(status, document + b"\n", JSON)

    def _requests(self, asked: Asked) -> Answered:
        """Lines that tell of requests. What is answered with 200 is in the journal."""
        if (problem := self._refusal(asked)) is not None:
            return problem
        if asked.body.count(b"\n") > MOST_LINES:
            return _text(413, f"a body has at most {MOST_LINES} lines: send them in parts")
        try:
            answer = self._showing.intake.take(asked.body.split(b"\n"), "http")
        except NoRoom as error:
            return Answered(503, _json({"error": str(error)}), JSON, (("Retry-After", "5"),))
        body = {
            "taken": answer.taken,
            "refused": [
                {"line": r.line, "reason": r.reason, "error": r.problem} for r in answer.refused[:1000]
            ],
        }
        return Answered(422 if answer.refused and not answer.taken else 200, _json(body), JSON)

    def _refusal(self, asked: Asked) -> Answered | None:
        token = self._showing.token
        given = asked.headers.get("authorization", "")
        if token is not None and _same(given, f"Bearer {token}"):
            return None
        if "origin" in asked.headers:
            return _text(403, "web pages may not tell of requests")
        if token is None and asked.peer.startswith(LOOPBACK):
            return None
        if token is None:
            return _text(403, "only this machine may tell of requests: give the agent a token for others")
        return Answered(401, b"a token is needed\n", TEXT, (("WWW-Authenticate", "Bearer"),))


def _same(one: str, other: str) -> bool:
    """In a time that does not tell how much of it is right."""
    from hmac import compare_digest

    return compare_digest(one.encode(), other.encode())


def _text(status: int, text: str) -> Answered:
    return Answered(status, f"{text}\n".encode())


def _json(body: object) -> bytes:
    return json.dumps(body).encode() + b"\n"


def troubles(*reasons: str) -> Sequence[str]:
    """Those that there are."""
    return [reason for reason in reasons if reason]
