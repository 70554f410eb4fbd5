"""A ledger in an object store, through obstore: conditional puts, bounded waiting, errors that help."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from wattmark.core.errors import LedgerError, MissingExtra, UsageError
from wattmark.ledger.store import Entry

CONNECT = "5s"
TIMEOUT = "60s"
"""One request; the largest file that is written has some 100 MB."""
RETRIES = 6
RETRY_SECONDS = 120
"""All attempts at one request together."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")
TAKEN_OVER = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
    "AWS_SKIP_SIGNATURE",
    "AZURE_STORAGE_ACCOUNT_NAME",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
)
"""Read from the environment that was passed in; obstore itself finds what a machine's own role gives."""
ENDPOINTS = ("AWS_ENDPOINT_URL", "AZURE_STORAGE_ENDPOINT")
ALLOW_HTTP = ("AWS_ALLOW_HTTP", "AZURE_ALLOW_HTTP", "GOOGLE_ALLOW_HTTP")


class RemoteStore:
    """A prefix in a bucket or container."""

    at_once = 16
    """It answers after milliseconds."""

    def __init__(self, url: str, environ: Mapping[str, str]) -> None:
        try:
            import obstore
            from obstore import store as _stores
        except ImportError:
            raise MissingExtra(f"a ledger at {url}", "ledger") from None
        self.url = url
        self._obstore: Any = obstore
        stores: Any = _stores
        self._plain_http = _plain_http(environ)
        self._told = {name.lower(): environ[name] for name in TAKEN_OVER if environ.get(name)}
        scheme = url.partition("://")[0]
        theirs = {"s3": "aws_", "s3a": "aws_", "gs": "google_"}.get(scheme, "azure_")
        self._told = {name: value for name, value in self._told.items() if name.startswith(theirs)}
        try:
            self._store: Any = stores.from_url(
                url,
                config=self._told,
                client_options={
                    "timeout": TIMEOUT,
                    "connect_timeout": CONNECT,
                    "allow_http": self._plain_http,
                },
                retry_config={
                    "max_retries": RETRIES,
                    "retry_timeout": timedelta(seconds=RETRY_SECONDS),
                },
            )
        except (obstore.exceptions.BaseError, ValueError) as error:
            raise UsageError(f"{url}: is no address of a bucket: {_first_line(error)}") from None

    def __repr__(self) -> str:
        return f"RemoteStore({self.url!r})"

    @property
    def options(self) -> Mapping[str, str]:
        """The same settings in deltalake's words."""
        limits = {
            "timeout": TIMEOUT,
            "connect_timeout": CONNECT,
            "max_retries": str(RETRIES),
            "retry_timeout": f"{RETRY_SECONDS}s",
        }
        if self.url.startswith("s3"):
            limits["aws_conditional_put"] = "etag"
        if self._plain_http:
            limits["allow_http"] = "true"
        return {**self._told, **limits}

    def names(self, prefix: str) -> Iterator[Entry]:
        """The files below a folder."""
        with self._errors(prefix):
            for page in self._obstore.list(self._store, prefix.rstrip("/"), chunk_size=1000):
                for told in page:
                    modified = told["last_modified"]
                    yield Entry(told["path"], told["size"], int(modified.timestamp() * 1_000_000))

    def read(self, name: str) -> bytes:
        """A whole file."""
        with self._errors(name):
            return bytes(self._obstore.get(self._store, name).bytes())

    def size(self, name: str) -> int | None:
        """Bytes of a file; None when it is not there."""
        try:
            with self._errors(name):
                return int(self._obstore.head(self._store, name)["size"])
        except FileNotFoundError:
            return None

    def put_new(self, name: str, data: bytes) -> bool:
        """A put on condition that there is no file of this name."""
        try:
            with self._errors(name, writing=True):
                self._obstore.put(self._store, name, data, mode="create", use_multipart=False)
        except FileExistsError:
            return False
        return True

    def replace(self, name: str, data: bytes) -> None:
        """A put."""
        with self._errors(name, writing=True):
            self._obstore.put(self._store, name, data, mode="overwrite", use_multipart=False)

    def delete(self, name: str) -> None:
        """Remove a file."""
        try:
            with self._errors(name):
                self._obstore.delete(self._store, name)
        except FileNotFoundError:
            return

    def settle(self, name: str) -> None:
        """What an object store has acknowledged is durable."""

    def tidy(self, before_us: int) -> int:
        """A put is whole or nothing."""
        return 0

    def table_uri(self, name: str) -> str:
        """An address below this one."""
        return f"{self.url}/{name}"

    def arrow_files(self) -> Any:
        """Of pyarrow's own kind: one that calls back into Python aborts a program now and then as it ends."""
        from pyarrow import fs

        scheme, _, path = self.url.partition("://")
        told = self._told
        if scheme.startswith("s3"):
            at = urlsplit(told.get("aws_endpoint_url", ""))
            given = {
                "access_key": told.get("aws_access_key_id"),
                "secret_key": told.get("aws_secret_access_key"),
                "session_token": told.get("aws_session_token"),
                "region": told.get("aws_region") or told.get("aws_default_region"),
                "endpoint_override": at.netloc or None,
                "scheme": at.scheme or None,
            }
            return fs.SubTreeFileSystem(path, fs.S3FileSystem(**{k: v for k, v in given.items() if v}))
        if scheme == "gs":
            return fs.SubTreeFileSystem(path, fs.GcsFileSystem())
        given = {
            "account_name": told.get("azure_storage_account_name"),
            "account_key": told.get("azure_storage_account_key"),
            "sas_token": told.get("azure_storage_sas_token"),
        }
        return fs.SubTreeFileSystem(path, fs.AzureFileSystem(**{k: v for k, v in given.items() if v}))

    @contextmanager
    def _errors(self, name: str, *, writing: bool = False) -> Iterator[None]:
        """Obstore's errors as ours: FileNotFoundError, FileExistsError, else LedgerError."""
        kinds = self._obstore.exceptions
        _refuse_after_fork(self.url)
        try:
            yield
        except kinds.AlreadyExistsError:
            raise FileExistsError(f"{self.url}/{name}") from None
        except kinds.PreconditionError:
            raise FileExistsError(f"{self.url}/{name}") from None
        except FileNotFoundError as error:
            if writing or _no_bucket(error):
                raise LedgerError(self.url, NO_BUCKET) from None
            raise FileNotFoundError(f"{self.url}/{name}") from None
        except (kinds.PermissionDeniedError, kinds.UnauthenticatedError, PermissionError) as error:
            raise LedgerError(self.url, f"access was refused ({_first_line(error)}). {ACCESS}") from None
        except (kinds.BaseError, OSError, ValueError) as error:
            if _no_bucket(error):
                raise LedgerError(self.url, NO_BUCKET) from None
            raise LedgerError(f"{self.url}/{name}", self._trouble(error)) from None

    def _trouble(self, error: Exception) -> str:
        text = str(error)
        if any(sign in text for sign in ("metadata/instance", "169.254.", "credential", "latest/api/token")):
            return f"no credentials were found. {ACCESS}"
        return f"{_first_line(error)}. Check address and network, and bring it again: nothing is half done"


_spoken_in: set[int] = set()
"""The process that has spoken with an object store through obstore."""


def _refuse_after_fork(url: str) -> None:
    """Raise LedgerError in a process that was forked from one that has spoken already.

    The threads of obstore are gone then, while its sockets and its queue are shared with the parent: going
    on was seen to hang the child and to kill the parent with a segmentation fault.
    """
    _spoken_in.add(os.getpid())
    if len(_spoken_in) > 1:
        _spoken_in.discard(os.getpid())
        raise LedgerError(
            url,
            "this process was forked from one that has used an object store, which does not survive that: "
            "start it anew (multiprocessing: `spawn`)",
        )


NO_BUCKET = "there is no such bucket: create it, or name another"
ACCESS = (
    "Give the usual variables (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, GOOGLE_SERVICE_ACCOUNT, "
    "AZURE_STORAGE_ACCOUNT_NAME and _KEY) rights to read, write, list and delete there; an AWS profile "
    'becomes variables by `eval "$(aws configure export-credentials --format env)"`'
)


def _plain_http(environ: Mapping[str, str]) -> bool:
    """Whether http without TLS is allowed: to this machine, or where the usual variable asks for it."""
    if any(environ.get(name, "").lower() in ("1", "true", "yes") for name in ALLOW_HTTP):
        return True
    for name in ENDPOINTS:
        at = environ.get(name, "")
        if at.startswith("http://"):
            if urlsplit(at).hostname not in LOOPBACK:
                raise UsageError(
                    f"{name}={at}: evidence does not travel unencrypted; use https://, or set "
                    "AWS_ALLOW_HTTP=true where the network is your own"
                )
            return True
    return False


def _no_bucket(error: Exception) -> bool:
    return any(sign in str(error) for sign in ("NoSuchBucket", "ContainerNotFound", "bucket does not exist"))


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].strip().rstrip(".")[:300]
