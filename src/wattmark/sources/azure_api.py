"""Azure's Carbon Optimization service through Microsoft's own client and its own search for credentials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from wattmark.core.errors import EvidenceError, MissingExtra, without_secrets

PAGE_ROWS = 1000
MOST_SUBSCRIPTIONS = 100
"""In one request."""
ROLE = "Carbon Optimization Reader"
CONNECT_SECONDS, READ_SECONDS = 10, 60
ADDRESS = "https://management.azure.com"


class AzureApi:
    """Asks for resources month by month."""

    def __init__(self, client: Any = None, place: str = ADDRESS) -> None:
        """``client`` is a CarbonOptimizationMgmtClient; without one it is made when it is needed."""
        self._made = client
        self.place = place

    @property
    def _client(self) -> Any:
        if self._made is None:
            try:
                from azure.identity import DefaultAzureCredential
                from azure.mgmt.carbonoptimization import CarbonOptimizationMgmtClient
            except ImportError:
                raise MissingExtra("Azure's Carbon Optimization", "azure") from None
            self._made = CarbonOptimizationMgmtClient(
                DefaultAzureCredential(), connection_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS
            )
        return self._made

    def available(self) -> tuple[str, str]:
        """First and last month that there is data for, ``2026-05-01``."""
        service = self._client.carbon_service
        with told(self.place):
            said = service.query_carbon_emission_data_available_date_range().as_dict()
        for name in ("startDate", "endDate"):
            if not isinstance(said.get(name), str):
                raise EvidenceError(self.place, f"lacks the field {name}: the API has changed")
        return said["startDate"], said["endDate"]

    def resources(
        self, day: str, scopes: Sequence[str], subscriptions: Sequence[str]
    ) -> tuple[list[Any], list[str]]:
        """The resources of one month with the sum of these scopes, as JSON has them, and what was denied.

        Raises EvidenceError when every subscription is denied, and for one that was not asked for.
        """
        rows: list[Any] = []
        denied: dict[str, str] = {}
        for first in range(0, len(subscriptions), MOST_SUBSCRIPTIONS):
            some = subscriptions[first : first + MOST_SUBSCRIPTIONS]
            for page in self._pages(day, scopes, some):
                rows.extend(page.get("value", ()))
                denied |= _denied(page)
        others = {str(r.get("subscriptionId", "")).lower() for r in rows} - {s.lower() for s in subscriptions}
        if other := next(iter(others - {""}), None):
            raise EvidenceError(self.place, f"answers with subscription {other}, which was not asked for")
        if len(denied) == len(subscriptions):
            raise EvidenceError(self.place, f"{next(iter(denied.values()))}; so for all of them")
        return rows, list(denied.values())

    def _pages(self, day: str, scopes: Sequence[str], subscriptions: Sequence[str]) -> Iterator[Any]:
        service = self._client.carbon_service
        request: dict[str, Any] = {
            "reportType": "ItemDetailsReport",
            "categoryType": "Resource",
            "subscriptionList": list(subscriptions),
            "carbonScopeList": list(scopes),
            "dateRange": {"start": day, "end": day},
            "orderBy": "ItemName",
            "sortDirection": "Asc",
            "pageSize": PAGE_ROWS,
        }
        seen: set[str] = set()
        while True:
            with told(self.place):
                page = service.query_carbon_emission_reports(request).as_dict()
            if not isinstance(page.get("value"), list):
                raise EvidenceError(self.place, "lacks the field value: the API has changed")
            yield page
            token = page.get("skipToken")
            if not token:
                return
            if token in seen:
                raise EvidenceError(self.place, "gives the same skipToken again and again: try later")
            seen.add(token)
            request = {**request, "skipToken": token}


def _denied(page: Any) -> dict[str, str]:
    found = {}
    for said in page.get("subscriptionAccessDecisionList") or ():
        if said.get("decision") == "Denied":
            who = str(said.get("subscriptionId", ""))
            why = f" ({said['denialReason']})" if said.get("denialReason") else ""
            found[who] = f"subscription {who} is denied{why}: whoever asks needs the role {ROLE} on it"
    return found


@contextmanager
def told(place: str) -> Iterator[None]:
    """Errors of Azure's libraries as ours: what happened at this place, what to do. No token is in them."""
    from azure.core.exceptions import (
        AzureError,
        ClientAuthenticationError,
        DecodeError,
        HttpResponseError,
        ServiceRequestError,
        ServiceResponseError,
    )

    try:
        yield
    except ClientAuthenticationError as error:
        raise EvidenceError(
            place,
            f"Azure does not accept the credentials ({_line(error)}): `az login`, or AZURE_CLIENT_ID and "
            "its like",
        ) from None
    except (DecodeError, ValueError):
        raise EvidenceError(
            place, "the answer is no JSON, or ended in the middle: is a proxy between?"
        ) from None
    except HttpResponseError as error:
        raise EvidenceError(place, _refusal(error)) from None
    except (ServiceRequestError, ServiceResponseError) as error:
        raise EvidenceError(
            place, f"cannot be reached, or stopped answering ({_line(error)}): try again"
        ) from None
    except AzureError as error:
        raise EvidenceError(place, _line(error)) from None


def _refusal(error: Any) -> str:
    status = int(error.status_code or 0)
    said = f"{status} ({_line(error)})"
    if status == 403:
        return f"Azure refuses, {said}: whoever asks needs the role {ROLE} on the subscriptions"
    if status == 429:
        return f"Azure still limits requests, {said}: ask for less, or later"
    if status >= 500:
        return f"Azure fails on its side, {said}: try again later"
    return f"Azure does not take the request, {said}"


def _line(error: object) -> str:
    return without_secrets((str(error).splitlines() or [type(error).__name__])[0])[:300]
