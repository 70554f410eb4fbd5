"""Amazon's services on loopback: moto, with figures that a test puts there and the real client reads."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.s3_server import S3Server

REGION = "us-east-1"


class AwsServer(S3Server):
    """The whole of moto; what it knows of S3 is one service among many."""

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, service: str) -> Any:
        """A client of boto3."""
        import boto3

        return boto3.client(service, region_name=REGION, endpoint_url=self.url)

    def queue_costs(self, *answers: dict[str, Any]) -> None:
        """What Cost Explorer answers next; moto tracks no cost of its own."""
        body = json.dumps({"results": list(answers)})
        assert self._ask("POST", "/moto-api/static/ce/cost-and-usage-results", body) == 201

    def reset(self) -> None:
        """Forget everything."""
        assert self._ask("POST", "/moto-api/reset") == 200
