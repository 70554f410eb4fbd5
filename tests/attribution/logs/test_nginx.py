"""A real nginx with the configuration of the documentation, before an engine that is slow on purpose."""

import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.attribution.logs.reading import read
from tests.fakes.ports import free_port

PAGE = Path(__file__).parents[3] / "docs" / "attribution" / "request-logs.md"
THINKS, WRITES = 0.2, 0.3


class Engine(BaseHTTPRequestHandler):
    """Answers /chat after a while and slowly, /left when its client has left, and breaks off at /broken."""

    client_left = threading.Event()

    def do_GET(self) -> None:
        if self.path == "/broken":
            self.close_connection = True
            return
        time.sleep(THINKS)
        self.send_response(200)
        self.send_header("X-Model", "small")
        self.send_header("X-Output-Tokens", "12")
        self.end_headers()
        self.wfile.flush()
        if self.path == "/left":
            self.client_left.wait(60)
        time.sleep(WRITES)
        with suppress(OSError):  # the client may have left
            self.wfile.write(b"never logged")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def nginx_before(engine: int, folder: Path) -> Iterator[int]:
    """nginx with the documented log, before an engine and a server that is not there."""
    block = re.search(r"```nginx\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert block is not None
    log = block[1].replace("/var/log/nginx", str(folder))
    port, absent = free_port(), free_port()
    places = "".join(
        f"{kind}_temp_path {folder};" for kind in ("client_body", "fastcgi", "uwsgi", "scgi", "proxy")
    )
    (folder / "nginx.conf").write_text(f"""
daemon off; pid {folder}/pid; error_log stderr crit; user root;
events {{}}
http {{
  {places}
  {log}
  upstream engine {{ server 127.0.0.1:{engine}; }}
  upstream either {{ server 127.0.0.1:{absent} max_fails=0; server 127.0.0.1:{engine} backup; }}
  server {{
    listen 127.0.0.1:{port};
    location /closed {{ return 401; }}
    location /either {{ proxy_pass http://either/chat; }}
    location / {{ proxy_pass http://engine; proxy_buffering off; }}
  }}
}}
""")
    server = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")])
    try:
        for _ in range(600):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.1):
                break
            time.sleep(0.05)
        yield port
    finally:
        server.send_signal(3)  # finish what is open
        server.wait(60)


def asked(port: int, path: str, patience: float = 60.0) -> int:
    """The status of one request; 0 when the client lost its patience."""
    connection = HTTPConnection("127.0.0.1", port, timeout=patience)
    try:
        connection.request("GET", path, headers={"X-Tenant": "shop"})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except TimeoutError:
        return 0
    finally:
        connection.close()


@pytest.mark.slow
def test_nginx_writes_what_its_page_says_and_it_is_read_back(tmp_path: Path) -> None:
    """Five requests: answered, refused by nginx itself, broken off, left by the client, and tried twice."""
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    engine = ThreadingHTTPServer(("127.0.0.1", 0), Engine)
    threading.Thread(target=engine.serve_forever, daemon=True).start()
    began = time.time()
    try:
        with nginx_before(engine.server_port, tmp_path) as port:
            statuses = [asked(port, path) for path in ("/chat", "/closed", "/broken")]
            statuses.append(asked(port, "/left", 0.25))
            Engine.client_left.set()
            statuses.append(asked(port, "/either"))
    finally:
        engine.shutdown()
        engine.server_close()
    ended = time.time()
    assert statuses == [200, 401, 502, 0, 200]
    found, log = read(tmp_path / "wattmark.json", first_byte="first_token")
    assert (log.format, log.tally.ignored, log.tally.bad_rows) == ("nginx", 1, 0)
    assert [r.failed for r in found] == [False, True, True, False]
    whole = found[0]
    assert (whole.service.model, whole.service.tenant, whole.output_tokens) == ("small", "shop", 12)
    assert whole.service.target == f"127.0.0.1:{engine.server_port}"
    assert whole.first_token_us is not None
    assert (whole.first_token_us - whole.start_us) / 1e6 >= THINKS - 0.01
    for request in (whole, found[3]):
        assert (request.end_us - request.start_us) / 1e6 >= THINKS + WRITES - 0.02
    assert all(began - 0.01 <= r.start_us / 1e6 <= r.end_us / 1e6 <= ended + 0.01 for r in found)
