"""From settings to an agent that is ready to run."""

from __future__ import annotations

import importlib.util
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from wattmark.agent import own
from wattmark.agent.beside import beside
from wattmark.agent.book import Book, BookSettings
from wattmark.agent.calibrating import calibration_for
from wattmark.agent.carbon import Surroundings, surroundings_of
from wattmark.agent.datagrams import Datagrams, default_path
from wattmark.agent.http import bound
from wattmark.agent.journal import Journal
from wattmark.agent.landing import Land, Lander, Say
from wattmark.agent.looks import Looking, Looks
from wattmark.agent.loop import Agent, utc_now_us
from wattmark.agent.placing import Expected
from wattmark.agent.restoring import Restored, restore
from wattmark.agent.searching import searching_of
from wattmark.agent.sending import Sender, headers_of, now_ns
from wattmark.agent.settled import answer_of, settled_of
from wattmark.agent.shown import Answerer, Showing, troubles
from wattmark.agent.slow import SLOW, SLOW_SECONDS, SlowMeter
from wattmark.agent.spool import Spool
from wattmark.agent.tails import Tail
from wattmark.agent.timeline import Timeline
from wattmark.config import AgentConfig, Config
from wattmark.core.errors import MissingExtra, UsageError
from wattmark.core.run import Place, SourceId, Subject
from wattmark.core.serving import attributing, live
from wattmark.core.serving.evidence import Origin
from wattmark.core.serving.request import Rule
from wattmark.core.serving.weights import Weighing
from wattmark.exporters.agent_families import families
from wattmark.exporters.agent_otlp import payload
from wattmark.exporters.agent_state import AgentState, EngineModel, EngineNow, OwnCost
from wattmark.exporters.agent_text import negotiated, render
from wattmark.measure.home import calibrations_folder
from wattmark.measure.meterset import MeterSet
from wattmark.meters.clock import boot_clock
from wattmark.stated.engines import StatedEngine, engines
from wattmark.userhome import home_of_user
from wattmark.version import __version__
from wattmark.wiring.meters import Survey

TOKEN = "WATTMARK_AGENT_TOKEN"
NEEDED = ("pyarrow",)
LIVE_SECONDS = 300.0
"""The live document is of the last five minutes unless another time is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the agent was asked for, all of it settled."""

    config: Config
    agent: AgentConfig
    engines: tuple[StatedEngine, ...]
    ledger: str | None
    state: Path
    socket: Path | None
    tails: tuple[Path, ...]


def planned(
    config: Config, environ: Mapping[str, str], ledger: str | None, more: Sequence[StatedEngine] = ()
) -> Plan:
    """Settle what the settings leave open. Raises ConfigError, UsageError."""
    from wattmark.wiring.stated_tables import stated_tables

    asked = config.agent
    folder = _folder_of(config)
    named = {engine.name: engine for engine in engines(stated_tables(config, "engine"), folder)}
    named |= {engine.name: engine for engine in more}
    place = None if asked.socket == "none" else Path(asked.socket) if asked.socket else default_path(environ)
    logs = [folder / Path(name).expanduser() for name in asked.requests]
    logs += [Path(engine.requests) for engine in named.values() if engine.requests]
    return Plan(
        config=config,
        agent=asked,
        engines=tuple(named.values()),
        ledger=ledger,
        state=Path(asked.state).expanduser() if asked.state else default_state(environ),
        socket=place,
        tails=tuple(dict.fromkeys(logs)),
    )


def _folder_of(config: Config) -> Path:
    """What names of files in the settings are relative to."""
    return Path(config.path).parent if config.path else Path.cwd()


def default_state(environ: Mapping[str, str]) -> Path:
    """``$WATTMARK_HOME/agent``, ``$XDG_STATE_HOME/wattmark/agent``, else under ``~/.local/state``."""
    if environ.get("WATTMARK_HOME"):
        return Path(environ["WATTMARK_HOME"]) / "agent"
    state = environ.get("XDG_STATE_HOME")
    return (Path(state) if state else home_of_user() / ".local" / "state") / "wattmark" / "agent"


def assemble(
    plan: Plan,
    survey: Survey,
    environ: Mapping[str, str],
    say: Say,
    waiting: attributing.Settings | None = None,
) -> tuple[Agent, str]:
    """An agent that has begun, and the address at which it answers. Raises UsageError, MissingExtra.

    ``waiting``: how long windows are and what they wait for, in the place of what the settings say.
    """
    if not survey.meters.devices:
        raise UsageError("no meter works on this machine: `wattmark doctor` says why")
    listening = bound(plan.agent.listen)
    journal = Journal(plan.state)
    meters = _patient(survey.meters)
    settings = _book_settings(plan, survey, meters)
    if plan.config.measure.calibration:
        kept = calibration_for(calibrations_folder(environ), survey.host, meters.devices, say)
        settings = replace(settings, calibration=kept)
    if waiting is not None:
        settings = replace(settings, waiting=waiting)
    surroundings = surroundings_of(plan.config, environ, say)
    restored = _restored(journal, meters, settings)
    book = restored.book
    if book is None:
        timeline = Timeline(utc_now_us() - round(boot_clock() * 1e6))
        done_us = max([journal.state.done_us, *(b.windows[-1].end_us for b in restored.batches if b.windows)])
        begin_us = max(timeline.at(boot_clock()), done_us)
        book = Book(meters.devices, settings, timeline, begin_us)
        book.fresh = True
    spool = Spool(plan.state / "spool") if plan.ledger else None
    if spool is not None:
        for number in spool.waiting():
            if number > journal.state.number:
                spool.drop(number)  # killed before it was committed: it is worked out again
    agent = Agent(
        meters=meters,
        book=book,
        journal=journal,
        clock=boot_clock,
        utc_us=utc_now_us,
        period_seconds=plan.config.measure.period_seconds,
        spool=spool,
        lander=_lander(plan, spool, say),
        looks=_looks(plan, environ),
        tails=[Tail(path, book.marks.get(str(path))) for path in plan.tails],
        datagrams=Datagrams(plan.socket, plan.config.measure.period_seconds) if plan.socket else None,
        say=say,
        rates=surroundings.rates,
        hours=surroundings.hours,
        settled=settled_of(
            plan.agent.settled_kept, plan.agent.settled, _folder_of(plan.config), say, utc_now_us
        ),
        beside=beside(
            meters.meters,
            meters.devices,
            say,
            workloads=plan.agent.workloads,
            look_seconds=plan.agent.workload_seconds,
        ),
    )
    agent.searching = searching_of(plan.agent, plan.state, environ)
    shown = _Shown(agent, surroundings, settings.host_id)
    if plan.agent.otlp:
        headers = headers_of(environ.get("OTEL_EXPORTER_OTLP_HEADERS", ""))
        agent.sender = Sender(plan.agent.otlp, plan.agent.otlp_seconds, shown.otlp, say, headers)
    agent.begin(restored.batches)
    showing = Showing(
        metrics=shown.metrics,
        live=shown.live,
        health=shown.health,
        intake=agent.intake,
        settled=shown.settled,
        token=environ.get(TOKEN, "").strip() or None,
    )
    return agent, agent.open_door(listening, Answerer(showing))


def _patient(found: MeterSet) -> MeterSet:
    """With the slow meters read in threads of their own."""
    meters = tuple(SlowMeter(m) if m.name in SLOW else m for m in found.meters)
    devices = tuple(
        replace(d, update_seconds=max(SLOW_SECONDS, d.update_seconds)) if d.source in SLOW else d
        for d in found.devices
    )
    return replace(found, meters=meters, devices=devices)


def _book_settings(plan: Plan, survey: Survey, meters: MeterSet) -> BookSettings:
    asked = plan.agent
    slowest = max((d.update_seconds for d in meters.devices), default=0.0)
    waiting = attributing.Settings(
        lateness_us=round(asked.lateness_seconds * 1e6),
        horizon_us=round(asked.horizon_seconds * 1e6),
        patience_us=round(max(30.0, 3 * slowest) * 1e6),
    )
    expected = tuple(
        Expected(
            target=engine.name,
            model=engine.model,
            devices=engine.devices,
            reserved=engine.reserved,
            by_counter=bool(engine.url) and engine.told is not True,
        )
        for engine in plan.engines
    )
    return BookSettings(
        host_id=survey.host.id,
        boot=survey.host.boot_id,
        run=secrets.token_hex(4),
        period_seconds=plan.config.measure.period_seconds,
        look_seconds=asked.look_seconds,
        workload=plan.config.tags.workload_class or "inference",
        weighing=Weighing(rule=Rule(asked.rule), input_cost=asked.input_cost),
        waiting=waiting,
        engines=expected,
    )


def _restored(journal: Journal, meters: MeterSet, settings: BookSettings) -> Restored:
    def make(timeline: Timeline, done_us: int) -> Book:
        return Book(meters.devices, settings, timeline, done_us)

    return restore(journal.replay(), journal.state, settings.boot, utc_now_us(), make)


def _lander(plan: Plan, spool: Spool | None, say: Say) -> Lander | None:
    if plan.ledger is None or spool is None:
        return None
    if any(importlib.util.find_spec(name) is None for name in NEEDED):
        raise MissingExtra("an agent with a ledger", "ledger")
    return Lander(
        spool, _opens(plan.ledger), _origin(plan.config), say, every_seconds=plan.agent.land_seconds
    )


def _opens(url: str) -> Callable[[], Land]:
    def open_land() -> Land:
        from wattmark.ledger.inbox import land_samples
        from wattmark.ledger.store import open_store

        if "://" not in url and not Path(url).parent.is_dir():
            raise UsageError(f"the ledger {url} is not there, nor is the folder it would be made in")
        store = open_store(url)
        return lambda samples: land_samples(store, samples)

    return open_land


def _origin(config: Config) -> Origin:
    tags = config.tags
    subject = Subject(
        organisation=tags.organisation,
        team=tags.team,
        project=tags.project,
        task=tags.task,
        workload_class=tags.workload_class,
        environment=tags.environment,
        region=tags.region,
        zone=tags.zone,
        cost_centre=tags.cost_centre,
        labels=dict(config.labels),
    )
    place = Place(country=config.place.country, site=config.place.site, pue=config.place.pue)
    return Origin(source=SourceId(name="agent", version=__version__), subject=subject, place=place)


def _looks(plan: Plan, environ: Mapping[str, str]) -> Looks | None:
    asked = [engine for engine in plan.engines if engine.url]
    if not asked:
        return None
    from wattmark.engines.scrape import open_scraper
    from wattmark.engines.table import engine_named

    def opener(engine: StatedEngine) -> Callable[[], Looking]:
        kind = engine_named(engine.kind) if engine.kind else None
        scraper = open_scraper(engine.url, environ, target=engine.name, kind=kind)
        return lambda: scraper

    found = {engine.name: (engine.kind, opener(engine)) for engine in asked}
    return Looks(found, plan.agent.look_seconds)


class _Shown:
    """The agent's state in the shapes that are shown."""

    def __init__(self, agent: Agent, surroundings: Surroundings, host_id: str) -> None:
        self._agent = agent
        self._surroundings = surroundings
        self._host_id = host_id
        self._started_ns = now_ns()
        self._spooled = (0, 0)
        self._spooled_at = -1e9

    def metrics(self, accept: str | None) -> tuple[str, str]:
        """All families as text."""
        form = negotiated(accept)
        return render(families(self._state()), form).decode(), form.value

    def otlp(self) -> bytes:
        """All families as OpenTelemetry metrics."""
        return payload(
            families(self._state()),
            host_id=self._host_id,
            version=__version__,
            started_ns=self._started_ns,
            now_ns=now_ns(),
        )

    def _state(self) -> AgentState:
        agent = self._agent
        return AgentState(
            totals=agent.totals,
            own=self._own(),
            powers=agent.book.powers(),
            engines=self._engines(),
            workloads=agent.beside.totals,
            regressions=agent.searching.now() if agent.searching else (),
            pues=self._surroundings.pues,
            grids=self._surroundings.grids(agent.book.now_us),
        )

    def live(self, seconds: float | None = None) -> live.Live:
        """The last minutes."""
        agent = self._agent
        since = agent.book.divided_us - round((seconds or LIVE_SECONDS) * 1e6)
        recent = [window for window in agent.windows if window.end_us > since]
        files, size = self._spool()
        return live.live_of(
            recent,
            host_id=self._host_id,
            at_us=agent.book.now_us,
            pue=self._surroundings.pue,
            intensity=self._surroundings.intensity(recent, agent.book.now_us),
            engines=[
                live.EngineState(
                    target=engine.target,
                    engine=engine.engine,
                    up=engine.up,
                    reason="" if engine.up else self._reason(engine.target),
                    running=_summed([m.running for m in engine.models]),
                    waiting=_summed([m.waiting for m in engine.models]),
                    kv_cache_usage=max(
                        (m.kv_cache_usage for m in engine.models if m.kv_cache_usage is not None),
                        default=None,
                    ),
                )
                for engine in self._engines()
            ],
            agent=live.AgentState(
                version=__version__,
                started_us=agent.started_us,
                cpu_seconds=own.cpu_seconds(),
                resident_bytes=own.resident_bytes(),
                spool_files=files,
                spool_bytes=size,
                last_landed_us=agent.lander.landed_us if agent.lander else None,
                trouble="; ".join(self._troubles()),
            ),
        )

    def settled(self, request_id: str) -> tuple[int, bytes]:
        """What one request used; with status 404, why that is not known."""
        return answer_of(self._agent.settled, self._agent.book, request_id)

    def health(self) -> tuple[bool, dict[str, object]]:
        """Whether the agent does what it is there for, and what is wrong though it does."""
        agent = self._agent
        files, size = self._spool()
        found = list(self._troubles())
        well = not agent.stale()
        if not well:
            found.append("the meters were not looked at lately")
        return well, {
            "status": "ok" if not found else "degraded" if well else "failed",
            "reasons": found,
            "divided_until": agent.book.divided_us / 1e6,
            "last_landed": agent.lander.landed_us / 1e6 if agent.lander and agent.lander.landed_us else None,
            "spool_files": files,
            "spool_bytes": size,
            "windows_in_memory": agent.pending,
            "requests_in_flight": agent.book.in_flight,
            "settled_waiting": agent.settled.file.waiting if agent.settled.file else 0,
            "settled_lost": agent.settled.file.lost if agent.settled.file else 0,
            "last_refusal": agent.intake.tally.last_problem,
        }

    def _troubles(self) -> Sequence[str]:
        agent = self._agent
        gaps = [f"{device}: {gap}" for device, gap in agent.book.gaps().items()]
        logs = [tail.trouble for tail in agent.tails]
        ledger = agent.lander.trouble if agent.lander else ""
        otlp = agent.sender.trouble if agent.sender else ""
        hours = agent.hours.trouble if agent.hours else ""
        search = agent.searching.trouble if agent.searching else ""
        if agent.settled.file is not None:
            logs.append(agent.settled.file.trouble)
        return troubles(agent.journal.trouble, agent.disk_trouble, ledger, otlp, hours, search, *gaps, *logs)

    def _own(self) -> OwnCost:
        agent = self._agent
        files, size = self._spool()
        resident = own.resident_bytes()
        landed = agent.lander.landed_us if agent.lander else None
        return OwnCost(
            version=__version__,
            cpu_seconds=own.cpu_seconds(),
            resident_bytes=None if resident is None else float(resident),
            last_landed_seconds=None if landed is None else landed / 1e6,
            spool_bytes=float(size) if agent.spool else None,
            spool_files=float(files) if agent.spool else None,
            received=agent.intake.tally.received,
            refused=agent.intake.tally.refused,
        )

    def _spool(self) -> tuple[int, int]:
        return self._agent.spool.size() if self._agent.spool is not None else (0, 0)

    def _reason(self, target: str) -> str:
        looks = self._agent.looks
        return looks.watched[target].reason if looks is not None else ""

    def _engines(self) -> list[EngineNow]:
        looks = self._agent.looks
        found = []
        for watched in looks.watched.values() if looks is not None else ():
            last = watched.last
            models = [
                EngineModel(
                    model=model,
                    running=load.running,
                    waiting=load.waiting,
                    kv_cache_usage=load.kv_cache_usage,
                )
                for model, load in (last.load.items() if last is not None and watched.up else ())
            ]
            found.append(
                EngineNow(
                    target=watched.target,
                    engine=watched.engine,
                    up=watched.up,
                    models=models,
                    failures=dict(watched.failures),
                )
            )
        return found


def _summed(amounts: Sequence[float | None]) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None
