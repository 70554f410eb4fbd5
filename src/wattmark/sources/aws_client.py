"""Clients of Amazon Web Services: boto3, its own search for credentials, its errors in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from wattmark.core.errors import EvidenceError, MissingExtra, UsageError, without_secrets
from wattmark.version import __version__

OPTIONS: Mapping[str, str] = {
    "profile": "Profile of ~/.aws/config to ask with [boto3's own choice].",
    "aws_region": "AWS region whose service is asked, e.g. us-east-1 [boto3's own choice, else us-east-1].",
    "endpoint": "Address of the service, for a proxy or a test server [AWS's own].",
}
ATTEMPTS = 5
CONNECT_SECONDS, READ_SECONDS = 10, 60
REGION = "us-east-1"
_ACCESS_KEY = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b")
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403")
BAD_KEY = (
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "InvalidAccessKeyId",
    "ExpiredToken",
    "ExpiredTokenException",
    "MissingAuthenticationToken",
)
BUSY = ("ThrottlingException", "Throttling", "TooManyRequestsException", "SlowDown", "429")


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSettings:
    """How to reach AWS."""

    profile: str | None = None
    region: str | None = None
    endpoint: str | None = None
    read_seconds: float = READ_SECONDS

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> AwsSettings:
        """Out of the settings of a source."""
        return cls(
            profile=settings.get("profile"),
            region=settings.get("aws_region"),
            endpoint=settings.get("endpoint"),
        )


def client(service: str, settings: AwsSettings) -> Any:
    """A client of boto3. Raises MissingExtra, and UsageError for a profile that is not there."""
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError:
        raise MissingExtra(f"AWS ({service})", "aws") from None
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=settings.read_seconds,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        user_agent_extra=f"wattmark/{__version__}",
    )
    try:
        session = boto3.Session(profile_name=settings.profile)
        return session.client(
            service,
            region_name=settings.region or session.region_name or REGION,
            endpoint_url=settings.endpoint,
            config=config,
        )
    except BotoCoreError as error:
        raise UsageError(f"AWS ({service}): {plain(error)}") from None


@contextmanager
def told(place: str, permission: str) -> Iterator[None]:
    """Errors of boto3 as ours: what happened at this place, and what to do. No key is in them."""
    try:
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            HTTPClientError,
            NoCredentialsError,
            PartialCredentialsError,
        )
        from botocore.parsers import ResponseParserError
    except ImportError:
        raise MissingExtra(place, "aws") from None
    try:
        yield
    except ClientError as error:
        raise EvidenceError(place, _refusal(error, permission)) from None
    except (NoCredentialsError, PartialCredentialsError):
        raise EvidenceError(
            place,
            "there are no AWS credentials: set AWS_PROFILE, or run `aws configure sso`; "
            "`aws sts get-caller-identity` shows who is asking",
        ) from None
    except ResponseParserError:
        raise EvidenceError(
            place, "the answer is not one of AWS, or ended in the middle: is a proxy between? Try again"
        ) from None
    except HTTPClientError as error:
        raise EvidenceError(place, f"cannot be reached: {plain(error)}; try again later") from None
    except (BotoCoreError, Boto3Error) as error:
        raise EvidenceError(place, plain(error)) from None


def _refusal(error: Any, permission: str) -> str:
    code = str(error.response.get("Error", {}).get("Code", ""))
    said = without_keys(str(error.response.get("Error", {}).get("Message", "")))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    what = f"{code or status}{f' ({said})' if said else ''}"
    if code in BAD_KEY or status == 401:
        return (
            f"AWS does not accept the credentials, {what}: sign in again; "
            "`aws sts get-caller-identity` tests them"
        )
    if code in DENIED or status == 403:
        return f"AWS refuses, {what}: whoever asks needs the IAM permission {permission}"
    if code in BUSY or status == 429:
        return f"AWS still limits requests after {ATTEMPTS} attempts, {what}: ask for less time, or later"
    if status >= 500:
        return f"AWS fails on its side, {what}: try again later"
    return f"AWS does not take the request, {what}"


def plain(error: BaseException) -> str:
    """The first line of an error, without keys."""
    return without_keys((str(error).splitlines() or [type(error).__name__])[0])


def without_keys(text: str) -> str:
    """A text without access keys, tokens and accounts in addresses."""
    return _ACCESS_KEY.sub("***", without_secrets(text))[:300]
