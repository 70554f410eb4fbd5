"""Power of the whole node by its management controller, over Redfish (HTTPS).

Resources: DMTF DSP0268 (EnvironmentMetrics, PowerSupplyMetrics, and the older Power). It opens a connection
only because a setting gives a URL; certificates are checked, redirects are not followed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from wattmark.core.errors import MeterUnavailable
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.readings import CounterReading, Device, Gap, PowerReading, Reading
from wattmark.core.units import Energy, Power
from wattmark.meters import uncertainty
from wattmark.meters.clock import boot_clock
from wattmark.meters.liveness import Pulse, lit
from wattmark.ports import Clock

CHASSIS = "/redfish/v1/Chassis"
TIMEOUT_SECONDS = 3.0
UPDATE_SECONDS = 1.0
PATIENCE = 20.0
"""Seconds after which a counter that has not moved is dead; controllers refresh every few seconds."""
MOST_WATTS = 20_000.0
LOCAL = ("localhost", "127.0.0.1", "::1")

Get = Callable[[str], Mapping[str, Any]]
"""Fetches a path such as /redfish/v1/Chassis as JSON; raises OSError, HTTPException or ValueError."""
Question = Callable[[], "Energy | Power"]
FAILURES = (OSError, HTTPException, ValueError, LookupError, TypeError)
"""What a controller that is down, refuses or answers something else looks like; each becomes a Gap."""


class RedfishMeter:
    """Reads the node's power, or its energy counter, from its BMC.

    ``accuracy`` is what the maker of the server states, as a share (0.03 for 3 %). Only a stated accuracy of
    5 % or better makes the reading grade A; otherwise it is a sampled sensor, grade C.
    """

    name = "redfish"

    def __init__(
        self,
        *,
        host_id: str = "localhost",
        clock: Clock = boot_clock,
        url: str = "",
        user: str = "",
        password: str = "",
        cafile: str | None = None,
        chassis: str | None = None,
        accuracy: float | None = None,
        get: Get | None = None,
    ) -> None:
        if not url and get is None:
            raise MeterUnavailable("no URL is configured: give the BMC's address as url = 'https://...'")
        self._clock = clock
        self._get = get or https_get(url, user, password, cafile)
        self._closed = False
        self._pulse = Pulse(PATIENCE)
        self._question, reads = self._find(chassis)
        self._device = _device(host_id, accuracy, reads)

    @property
    def devices(self) -> Sequence[Device]:
        """The node."""
        return (self._device,)

    def read(self) -> Mapping[str, Reading]:
        """One look at the node; what cannot be read is a Gap. Takes up to three seconds per request."""
        return {self._device.id: Gap("the meter is closed") if self._closed else self._look()}

    def close(self) -> None:
        """No connection stays open between two looks."""
        self._closed = True

    def _look(self) -> Reading:
        try:
            said = self._question()
        except FAILURES as error:
            return Gap(f"the BMC did not answer as it should: {_words(error)}")
        at = self._clock()
        if isinstance(said, Power):
            return lit(PowerReading(said, at))
        return self._pulse.check(self._device.id, CounterReading(said, at))

    def _find(self, wanted: str | None) -> tuple[Question, str]:
        """What to ask at each look: the first resource that answers, of the one chassis that has any."""
        try:
            folder = self._get(CHASSIS)
            paths = [member["@odata.id"] for member in folder["Members"]]
        except FAILURES as error:
            raise MeterUnavailable(f"the BMC did not answer as it should: {_words(error)}") from error
        names = [path.rsplit("/", 1)[-1] for path in paths]
        if wanted is not None and wanted not in names:
            raise MeterUnavailable(f"there is no chassis {wanted!r}; this BMC has: {', '.join(names)}")
        chosen = [(n, p) for n, p in zip(names, paths, strict=True) if wanted in (None, n)]
        found = [(n, q) for n, q in ((n, self._of_chassis(p)) for n, p in chosen) if q is not None]
        if not found:
            raise MeterUnavailable(f"no power reading in any chassis of this BMC ({', '.join(names)})")
        if len(found) > 1:
            several = ", ".join(n for n, _ in found)
            raise MeterUnavailable(f"several chassis have a power reading ({several}): set chassis to yours")
        return found[0][1]

    def _of_chassis(self, path: str) -> tuple[Question, str] | None:
        try:
            chassis = self._get(path)
        except FAILURES:
            return None  # a chassis that cannot be read has no power reading for us; another may have
        for question, reads in _questions(self._get, chassis):
            try:
                question()
            except FAILURES:
                continue  # not offered here; the next resource may be
            return question, reads
        return None


def _questions(get: Get, chassis: Mapping[str, Any]) -> Iterable[tuple[Question, str]]:
    """The ways to ask one chassis, best first: counter, own power, power supplies, the old resource."""
    environment = _link(chassis, "EnvironmentMetrics")
    if environment:
        yield lambda: Energy(_number(get(environment)["EnergyJoules"]["Reading"])), "counter"
        yield lambda: Power(_number(get(environment)["PowerWatts"]["Reading"])), "power"
    subsystem = _link(chassis, "PowerSubsystem")
    if subsystem:
        yield lambda: _supplies(get, subsystem), "power"
    power = _link(chassis, "Power")
    if power:
        yield lambda: Power(_number(get(power)["PowerControl"][0]["PowerConsumedWatts"])), "power"


def _link(resource: Mapping[str, Any], name: str) -> str | None:
    """Where a resource links to, if it does."""
    linked = resource.get(name)
    return linked.get("@odata.id") if isinstance(linked, dict) else None


def _supplies(get: Get, subsystem: str) -> Power:
    """Input power of all supplies. One that does not answer spoils the sum: a part is not the whole."""
    folder = get(get(subsystem)["PowerSupplies"]["@odata.id"])
    watts = 0.0
    for member in folder["Members"]:
        supply = get(member["@odata.id"])
        if (supply.get("Status") or {}).get("State") == "Absent":
            continue
        watts += _number(get(supply["Metrics"]["@odata.id"])["InputPowerWatts"]["Reading"])
    return Power(watts)


def _number(said: object) -> float:
    """A reading as a number; null, text and true are none."""
    if isinstance(said, bool) or not isinstance(said, int | float) or said < 0:
        raise ValueError(f"the reading is {said!r}")
    return float(said)


def https_get(url: str, user: str, password: str, cafile: str | None) -> Get:
    """A function that fetches paths from one BMC. Raises MeterUnavailable for a URL that is not safe."""
    # Imported here: HTTP and TLS cost more than all other meters together, and most runs never need them.
    import base64
    import ssl
    from urllib import request
    from urllib.error import HTTPError

    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise MeterUnavailable(f"{url!r} is no address of a BMC: write https://host")
    if parts.scheme == "http" and parts.hostname not in LOCAL:
        raise MeterUnavailable("a BMC is asked over https only: a password must not travel in the clear")

    class Stay(request.HTTPRedirectHandler):
        """Follows no redirect: it would carry the password to another place."""

        def redirect_request(self, *_: object, **__: object) -> None:
            return None

    context = ssl.create_default_context(cafile=cafile)
    opener = request.build_opener(request.HTTPSHandler(context=context), Stay)
    headers = {"Accept": "application/json", "OData-Version": "4.0"}
    if user:
        headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def get(path: str) -> Mapping[str, Any]:
        if not path.startswith("/") or path.startswith("//"):
            raise ValueError(f"the BMC links to {path!r}, which is not on it")
        asked = request.Request(f"{parts.scheme}://{parts.netloc}{path}", headers=headers)
        try:
            with opener.open(asked, timeout=TIMEOUT_SECONDS) as answer:
                said = json.load(answer)
        except HTTPError as error:
            error.close()  # it holds the connection
            raise
        if not isinstance(said, dict):
            raise ValueError(f"{path} is no resource")
        return said

    return get


def _words(error: Exception) -> str:
    """An error as a person reads it, with what helps."""
    if isinstance(error, KeyError):
        return f"{error} is missing in its answer"
    said = str(error) or type(error).__name__
    if "401" in said or "403" in said:
        return f"{said}; check user and password (a read-only account is enough)"
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return f"{said}; give the BMC's certificate as cafile"
    return said


def _device(host_id: str, accuracy: float | None, reads: str) -> Device:
    good = accuracy is not None and accuracy <= uncertainty.BMC
    return Device(
        id=f"node:{host_id}",
        component="node",
        source="redfish",
        method=Method.BMC,
        grade=Grade.A if good else Grade.C,
        boundary=Boundary.NODE,
        max_power=Power(MOST_WATTS),
        update_seconds=UPDATE_SECONDS,
        relative_error=uncertainty.SAMPLED_POWER if accuracy is None else max(accuracy, uncertainty.BMC),
        reads=reads,
        note="" if good else "no accuracy of 5 % or better is stated for this controller",
    )
