"""A BMC that speaks Redfish over real HTTP on this machine's loopback."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CHASSIS = "/redfish/v1/Chassis"
USER, PASSWORD = "reader", "secret"


def link(path: str) -> dict[str, str]:
    return {"@odata.id": path}


def folder(*paths: str) -> dict[str, Any]:
    return {"Members": [link(p) for p in paths]}


class Bmc:
    """Resources by path; a value of an int is an HTTP status instead of a resource."""

    def __init__(self) -> None:
        self.resources: dict[str, Any] = {}
        self.asked: list[str] = []
        self.url = ""

    def with_environment(self, name: str = "1", **metrics: float | None) -> Bmc:
        """A chassis with EnvironmentMetrics, e.g. PowerWatts=450."""
        path = f"{CHASSIS}/{name}"
        self._add_chassis(path, EnvironmentMetrics=link(f"{path}/EnvironmentMetrics"))
        self.resources[f"{path}/EnvironmentMetrics"] = {k: {"Reading": v} for k, v in metrics.items()}
        return self

    def with_supplies(self, *watts: float | None, name: str = "1") -> Bmc:
        """A chassis with power supplies and their input power; None is an empty bay."""
        path = f"{CHASSIS}/{name}"
        supplies = f"{path}/PowerSubsystem/PowerSupplies"
        self._add_chassis(path, PowerSubsystem=link(f"{path}/PowerSubsystem"))
        self.resources[f"{path}/PowerSubsystem"] = {"PowerSupplies": link(supplies)}
        self.resources[supplies] = folder(*(f"{supplies}/{n}" for n in range(len(watts))))
        for n, value in enumerate(watts):
            self.resources[f"{supplies}/{n}"] = (
                {"Status": {"State": "Absent"}}
                if value is None
                else {"Metrics": link(f"{supplies}/{n}/Metrics")}
            )
            self.resources[f"{supplies}/{n}/Metrics"] = {"InputPowerWatts": {"Reading": value}}
        return self

    def with_old_power(self, watts: float, name: str = "1") -> Bmc:
        """A chassis with the Power resource of older controllers."""
        path = f"{CHASSIS}/{name}"
        self._add_chassis(path, Power=link(f"{path}/Power"))
        self.resources[f"{path}/Power"] = {"PowerControl": [{"PowerConsumedWatts": watts}]}
        return self

    def _add_chassis(self, path: str, **links: Any) -> None:
        self.resources.setdefault(path, {}).update(links)
        paths = [p for p in self.resources if p.startswith(f"{CHASSIS}/") and p.count("/") == 4]
        self.resources[CHASSIS] = folder(*paths)

    @contextmanager
    def serving(self) -> Iterator[Bmc]:
        """Serve on a free port of the loopback until the block ends."""
        bmc = self
        expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                bmc.asked.append(self.path)
                said = bmc.resources.get(self.path, 404)
                if self.headers.get("Authorization") != expected:
                    said = 401
                status = said if isinstance(said, int) else 200
                body = b"" if isinstance(said, int) else json.dumps(said).encode()
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/redfish/v1/elsewhere")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quiet: the test reads ``asked``."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
