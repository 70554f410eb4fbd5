"""The external metrics API for HPA."""

import json
import shutil
import ssl
import subprocess
import threading
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.serving.test_scaling import a_node
from wattmark.core.errors import UsageError
from wattmark.server.external_metrics import ROOT, MetricsServer, Tls, quantity, reply_to
from wattmark.server.fleet import Seen

SEEN = Seen((a_node("a", 0.5), a_node("b", 0.8)), {}, at=0.0)
METRIC = f"{ROOT}/namespaces/prod/wattmark-busy-devices"


def test_a_metric_as_kubernetes_reads_it() -> None:
    """Half and four fifths of a device busy: 1.3 devices, 1300m."""
    reply = reply_to(f"{METRIC}?labelSelector=model%3Dchat", SEEN)
    assert reply.status == 200
    assert reply.body["kind"] == "ExternalMetricValueList"
    assert reply.body["apiVersion"] == "external.metrics.k8s.io/v1beta1"
    (item,) = reply.body["items"]
    assert item == {
        "metricName": "wattmark-busy-devices",
        "metricLabels": {"model": "chat"},
        "timestamp": "1970-01-01T00:00:00Z",
        "window": 60,
        "value": "1300000u",
    }


@pytest.mark.parametrize(
    ("target", "status", "said"),
    [
        (f"{METRIC}?labelSelector=model%3Dother", 404, "no node tells"),
        (f"{METRIC}?labelSelector=pod%3Dx", 400, "write model=NAME"),
        (f"{METRIC}?labelSelector=model%21%3Dchat", 400, "write model=NAME"),
        (f"{METRIC}?labelSelector=model", 400, "write model=NAME"),
        (f"{ROOT}/namespaces/prod/watts", 400, "there is no metric"),
        (f"{ROOT}/namespaces/prod", 404, "nothing at"),
        (f"{ROOT}/other/prod/wattmark-utilisation", 404, "nothing at"),
        ("/", 404, "nothing at /"),
    ],
)
def test_what_cannot_be_answered_is_a_status_with_its_reason(target: str, status: int, said: str) -> None:
    """HPA then leaves the replicas alone and shows the message."""
    reply = reply_to(target, SEEN)
    assert reply.status == status
    assert reply.body["kind"] == "Status"
    assert reply.body["code"] == status
    assert said in reply.body["message"]


def test_discovery() -> None:
    """The aggregator asks for the group and its resources; probes for health."""
    assert reply_to(f"{ROOT}/", SEEN).body["kind"] == "APIResourceList"
    names = {r["name"] for r in reply_to(ROOT, SEEN).body["resources"]}
    assert "wattmark-utilisation" in names
    assert reply_to("/apis/external.metrics.k8s.io", SEEN).body["kind"] == "APIGroup"
    assert reply_to("/readyz", SEEN).body["agents"] == 2


@pytest.mark.parametrize(
    ("value", "said"), [(42.0, "42"), (0.0, "0"), (0.65, "650000u"), (1234.5, "1234500m"), (1.5e-6, "1500n")]
)
def test_quantities(value: float, said: str) -> None:
    """Whole numbers as they are, others in the coarsest suffix that keeps six digits."""
    assert quantity(value) == said


@given(st.floats(1e-6, 1e12))
def test_a_quantity_is_the_number(value: float) -> None:
    """Read back, it is the same to five digits, or to a billionth."""
    text = quantity(value)
    factor = {"m": 1e-3, "u": 1e-6, "n": 1e-9}.get(text[-1])
    read = float(text[:-1]) * factor if factor else float(text)
    assert read == pytest.approx(value, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e19])
def test_what_is_no_quantity(value: float) -> None:
    """Refused, not rounded."""
    with pytest.raises(UsageError):
        quantity(value)


def _served(server: MetricsServer) -> threading.Thread:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    return thread


def test_over_http() -> None:
    """A real connection, kept alive over two requests."""
    server = MetricsServer("127.0.0.1", 0, lambda: SEEN, None)
    _served(server)
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    for _ in range(2):
        connection.request("GET", METRIC)
        answer = connection.getresponse()
        assert json.loads(answer.read())["items"][0]["value"] == "1300000u"
    connection.close()
    server.shutdown()
    server.server_close()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates of this test")
def test_over_tls_only_the_front_proxy_is_answered(tmp_path: Path) -> None:
    """With --client-ca a client without a certificate of that authority gets nothing."""

    def made(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=tmp_path)

    made("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=ca",
         "-keyout", "ca.key", "-out", "ca.crt")  # fmt: skip
    for name in ("server", "proxy"):
        made("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
             "-addext", "subjectAltName=DNS:localhost",
             "-keyout", f"{name}.key", "-out", f"{name}.csr")  # fmt: skip
        made("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
             "-days", "2", "-copy_extensions", "copy", "-out", f"{name}.crt")  # fmt: skip
    tls = Tls(certificate=tmp_path / "server.crt", key=tmp_path / "server.key", client_ca=tmp_path / "ca.crt")
    server = MetricsServer("127.0.0.1", 0, lambda: SEEN, tls)
    _served(server)

    def asked(with_certificate: bool) -> Any:
        context = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
        if with_certificate:
            context.load_cert_chain(tmp_path / "proxy.crt", tmp_path / "proxy.key")
        connection = HTTPSConnection("localhost", server.server_port, timeout=60, context=context)
        try:
            connection.request("GET", METRIC)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    assert asked(True)["items"][0]["value"] == "1300000u"
    with pytest.raises(OSError):  # noqa: PT011 - the TLS library words it in several ways
        asked(False)
    server.shutdown()
    server.server_close()


def test_files_that_are_no_certificate(tmp_path: Path) -> None:
    """Named, before anything listens."""
    (tmp_path / "c").write_text("no", encoding="utf-8")
    with pytest.raises(UsageError, match=str(tmp_path / "c")):
        Tls(certificate=tmp_path / "c", key=tmp_path / "c").context()
    with pytest.raises(UsageError, match="No such file"):
        Tls(certificate=tmp_path / "d", key=tmp_path / "d").context()
