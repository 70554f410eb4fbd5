"""Names from the kubelet's log folders and from a kubelet that answers as the real one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from wattmark.core.serving.cgroup_path import NO_NAMES, PodName
from wattmark.measure.pod_names import KubeletNames, folder_names, names_by

ID = "0123456789abcdef" * 4
UID = "ea8b9161-bee3-4bf6-a4e3-65fe256e3771"
PODS = {
    "kind": "PodList",
    "apiVersion": "v1",
    "items": [
        {
            "metadata": {"name": "llama-0", "namespace": "serving", "uid": UID},
            "status": {"containerStatuses": [{"name": "engine", "containerID": f"containerd://{ID}"}]},
        }
    ],
}


class Kubelet(BaseHTTPRequestHandler):
    """Answers ``/pods`` to whoever has the token, as a kubelet does."""

    answer = b""
    token = ""

    def do_GET(self) -> None:
        good = self.path == "/pods" and self.headers.get("Authorization", "") in ("", f"Bearer {self.token}")
        self.send_response(200 if good else 401)
        self.end_headers()
        if good:
            self.wfile.write(self.answer)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def kubelet() -> Iterator[tuple[str, type[Kubelet]]]:
    class Mine(Kubelet):
        answer = json.dumps(PODS).encode()
        token = "t0ken"

    server = HTTPServer(("127.0.0.1", 0), Mine)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", Mine
    server.shutdown()
    server.server_close()
    thread.join()


def test_folders_alone_give_names(tmp_path: Path) -> None:
    """No server is asked."""
    (tmp_path / "pods" / f"serving_llama-0_{UID}").mkdir(parents=True)
    (tmp_path / "containers").mkdir()
    (tmp_path / "containers" / f"llama-0_serving_engine-{ID}.log").touch()
    names = folder_names(tmp_path)
    assert names.pods == {UID: PodName("serving", "llama-0")}
    assert names.containers == {ID: "engine"}
    assert folder_names(tmp_path / "nowhere") == NO_NAMES


def test_a_kubelet_is_asked_with_its_token(tmp_path: Path, kubelet: tuple[str, type[Kubelet]]) -> None:
    """What it says is added to the folders."""
    url, _ = kubelet
    token = tmp_path / "token"
    token.write_text("t0ken\n")
    ask = KubeletNames(url, token, logs=tmp_path)
    names = ask()
    assert names.pods == {UID: PodName("serving", "llama-0")}
    assert names.containers == {ID: "engine"}
    assert ask.problem is None


def test_a_kubelet_that_refuses_is_a_problem_and_no_end(
    tmp_path: Path, kubelet: tuple[str, type[Kubelet]]
) -> None:
    """A wrong token, an answer that is no JSON: the last names stay."""
    url, kind = kubelet
    ask = KubeletNames(url, logs=tmp_path)
    assert ask().containers == {ID: "engine"}
    kind.answer = b"no JSON"
    assert ask().containers == {ID: "engine"}
    assert ask.problem is not None
    assert "/pods" in ask.problem
    wrong = tmp_path / "token"
    wrong.write_text("wrong")
    refused = KubeletNames(url, wrong, logs=tmp_path)
    assert refused() == NO_NAMES
    assert "401" in str(refused.problem)


def test_nobody_is_asked_who_was_not_named() -> None:
    """The folders are the default."""
    assert names_by(None) is folder_names
    assert isinstance(names_by("http://127.0.0.1:10255"), KubeletNames)
