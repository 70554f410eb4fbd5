"""A real S3 server on loopback: moto, in a process of its own."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from types import TracebackType

from tests.fakes.ports import free_port

REGION = "eu-west-1"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION}


class S3Server:
    """Starts moto and waits until it answers. Use it as a context manager."""

    def __init__(self) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **KEYS}
        )

    def environ(self, port: int | None = None) -> dict[str, str]:
        """The variables that lead a client here, or through another port."""
        return {**KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port or self.port}"}

    def create_bucket(self, name: str) -> None:
        """Make a bucket."""
        where = f"<LocationConstraint>{REGION}</LocationConstraint>"
        body = f"<CreateBucketConfiguration>{where}</CreateBucketConfiguration>"
        assert self._ask("PUT", f"/{name}", body) == 200

    def __enter__(self) -> S3Server:
        for _ in range(2400):
            try:
                self._ask("GET", "/moto-api/data.json")
                return self
            except OSError:
                time.sleep(0.1)
        raise TimeoutError("moto did not start within minutes")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(60)

    def _ask(self, method: str, path: str, body: str = "") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body=body, headers={"Host": f"127.0.0.1:{self.port}"})
            return connection.getresponse().status
        finally:
            connection.close()
