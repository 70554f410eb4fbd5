"""A local server that answers like the HTTP API of a Prometheus."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.http_server import Quiet, serving


@contextmanager
def answering(answers: Mapping[str, Any], queries: Mapping[str, float] | None = None) -> Iterator[str]:
    """Gives its address. ``answers``: path after /api/v1/ -> data, or bytes as they are, or a status;
    ``queries``: expression -> value."""

    class Answer(Quiet):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            path = asked.path.removeprefix("/api/v1/")
            found = answers.get(path, 404)
            if path == "query" and queries is not None:
                value = queries.get(parse_qs(asked.query)["query"][0])
                result = [] if value is None else [{"metric": {"instance": "a"}, "value": [0, str(value)]}]
                found = {"resultType": "vector", "result": result}
            status = found if isinstance(found, int) else 200
            body = (
                {"status": "error", "error": "no such thing"}
                if status != 200
                else {"status": "success", "data": found}
            )
            self.send_response(status)
            self.end_headers()
            self.wfile.write(found if isinstance(found, bytes) else json.dumps(body).encode())

    with serving(Answer) as url:
        yield url
