"""A table in BigQuery, read through Google's own client and its own search for credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any, Protocol

from wattmark.core.errors import EvidenceError, MissingExtra, UsageError, without_secrets

PAGE_ROWS = 5000
REQUEST_SECONDS = 60.0
RETRY_SECONDS = 60.0
"""All attempts at one request together."""
_TABLE = re.compile(r"([\w.:-]+)\.(\w+)\.([\w$-]+)")


class Rows(Protocol):
    """Rows of a table, with what it is called and when it last changed."""

    @property
    def place(self) -> str:
        """As messages name it."""
        ...

    def columns(self) -> list[str]:
        """Names of all fields, those of records with points."""
        ...

    def changed_us(self) -> int:
        """When the table was changed last, microseconds since 1970."""
        ...

    def rows(self) -> Iterator[Mapping[str, Any]]:
        """The rows, page by page."""
        ...


class BigQueryTable:
    """A table by its name, project.dataset.table. Raises UsageError for anything else."""

    def __init__(
        self,
        name: str,
        quota_project: str | None = None,
        client: Any = None,
        patience_seconds: float = RETRY_SECONDS,
    ) -> None:
        """``client`` is a google.cloud.bigquery.Client; without one it is made when it is needed."""
        found = _TABLE.fullmatch(name)
        if found is None:
            raise UsageError(f"table is project.dataset.table, not {name!r}")
        self.name = name
        self._project = quota_project or found[1]
        self._client = client
        self._patience_seconds = patience_seconds

    def months(self, first: date, last: date) -> Rows:
        """The rows of some months: ``usage_month`` from first to last."""
        return _Months(self, first, last)

    def patience(self) -> Any:
        """How long one request is tried again."""
        from google.cloud.bigquery import DEFAULT_RETRY

        return DEFAULT_RETRY.with_timeout(self._patience_seconds)

    @property
    def client(self) -> Any:
        """Google's client. Raises MissingExtra, EvidenceError where there are no credentials."""
        if self._client is None:
            try:
                from google.cloud import bigquery
            except ImportError:
                raise MissingExtra("BigQuery", "google") from None
            with told(self.name):
                self._client = bigquery.Client(project=self._project)
        return self._client


class _Months:
    def __init__(self, table: BigQueryTable, first: date, last: date) -> None:
        self._table = table
        self._first, self._last = first, last
        self._about: Any = None

    @property
    def place(self) -> str:
        return f"BigQuery {self._table.name}"

    def _told(self) -> Any:
        if self._about is None:
            client = self._table.client
            with told(self.place):
                self._about = client.get_table(
                    self._table.name, retry=self._table.patience(), timeout=REQUEST_SECONDS
                )
        return self._about

    def columns(self) -> list[str]:
        return list(_names(self._told().schema))

    def changed_us(self) -> int:
        modified = self._told().modified
        return 0 if modified is None else int(modified.timestamp()) * 1_000_000

    def rows(self) -> Iterator[Mapping[str, Any]]:
        client = self._table.client
        from google.cloud import bigquery

        config = bigquery.QueryJobConfig(
            query_parameters=[
                bigquery.ScalarQueryParameter("first", "DATE", self._first),
                bigquery.ScalarQueryParameter("last", "DATE", self._last),
            ],
            use_legacy_sql=False,
        )
        sql = f"SELECT * FROM `{self._table.name}` WHERE usage_month BETWEEN @first AND @last"
        with told(self.place):
            found = client.query_and_wait(
                sql,
                job_config=config,
                page_size=PAGE_ROWS,
                retry=self._table.patience(),
                job_retry=None,
                api_timeout=REQUEST_SECONDS,
                wait_timeout=10 * REQUEST_SECONDS,
            )
            for row in found:
                yield dict(row.items())


def _names(fields: Any, before: str = "") -> Iterator[str]:
    for field in fields:
        if field.field_type in ("RECORD", "STRUCT"):
            yield from _names(field.fields, f"{before}{field.name}.")
        else:
            yield f"{before}{field.name}"


@contextmanager
def told(place: str) -> Iterator[None]:
    """Errors of Google's libraries as ours: what happened at this place, what to do. No key is in them."""
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from requests.exceptions import RequestException

    try:
        yield
    except GoogleAuthError as error:
        raise EvidenceError(
            place,
            f"there are no credentials that Google takes ({_line(error)}): "
            "run `gcloud auth application-default login`",
        ) from None
    except GoogleAPIError as error:
        raise EvidenceError(place, _refusal(error)) from None
    except RequestException as error:
        raise EvidenceError(
            place, f"cannot be reached, or the answer ended in the middle ({type(error).__name__}): try again"
        ) from None
    except (ValueError, KeyError) as error:
        raise EvidenceError(
            place, f"answers with something that is not BigQuery's ({_line(error)})"
        ) from None


def _refusal(error: Any) -> str:
    cause = getattr(error, "cause", None) or error
    status = int(getattr(cause, "code", 0) or 0)
    said = f"{status or type(cause).__name__} ({_line(getattr(cause, 'message', '') or cause)})"
    if status == 401:
        return f"Google does not accept the credentials, {said}: run `gcloud auth application-default login`"
    if status == 403:
        return (
            f"Google refuses, {said}: whoever asks needs the roles BigQuery Data Viewer (on the table) and "
            "BigQuery Job User"
        )
    if status == 404:
        return f"is not there, {said}: check project, dataset and table"
    if status == 429:
        return f"Google still limits requests, {said}: ask later"
    if status >= 500 or not status:
        return f"Google fails on its side, {said}: try again later"
    return f"Google does not take the request, {said}"


def _line(error: object) -> str:
    return without_secrets((str(error).splitlines() or [type(error).__name__])[0])[:300]
