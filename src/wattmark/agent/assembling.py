"""From settings to an agent that is ready to run."""

from __future__ import annotations

import importlib.util
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

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
from wattmark.agent.placing import Expected, all_here
from wattmark.agent.restoring import Restored, restore
from wattmark.agent.searching import Searching, searching_of
from wattmark.agent.sending import Sender, headers_of
from wattmark.agent.settled import settled_of
from wattmark.agent.shown import Answerer, Showing
from wattmark.agent.slow import SLOW, SLOW_SECONDS, SlowMeter
from wattmark.agent.spool import Spool
from wattmark.agent.states import State
from wattmark.agent.tails import Tail
from wattmark.agent.timeline import Timeline
from wattmark.config import NOTIFY, AgentConfig, Config
from wattmark.core.errors import MissingExtra, UsageError
from wattmark.core.run import Place, SourceId, Subject
from wattmark.core.serving import attributing
from wattmark.core.serving.calibrated_node import parts_of
from wattmark.core.serving.evidence import Origin
from wattmark.core.serving.request import Rule
from wattmark.core.serving.weights import Weighing
from wattmark.measure.home import calibrations_folder
from wattmark.measure.meterset import MeterSet
from wattmark.meters.clock import boot_clock
from wattmark.stated.engines import StatedEngine, engines
from wattmark.userhome import home_of_user
from wattmark.version import __version__
from wattmark.wiring.meters import Survey

if TYPE_CHECKING:
    from wattmark.agent.telling import Telling
    from wattmark.wiring.alerting import Watched

TOKEN = "WATTMARK_AGENT_TOKEN"
NEEDED = ("pyarrow",)


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
    to: tuple[str, ...] = ()
    """Who hears of alerts, as ``--to`` names them; empty: as the settings say."""


def planned(
    config: Config,
    environ: Mapping[str, str],
    ledger: str | None,
    more: Sequence[StatedEngine] = (),
    to: tuple[str, ...] = (),
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
        to=to,
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
    meters = _patient(survey.meters)
    settings = _settings(plan, survey, meters, environ, say)
    if waiting is not None:
        settings = replace(settings, waiting=waiting)
    listening = bound(plan.agent.listen)
    journal = Journal(plan.state)
    surroundings = surroundings_of(plan.config, environ, say)
    restored = _restored(journal, meters, settings)
    book = restored.book or _fresh_book(restored, journal, meters, settings)
    agent = _agent(plan, meters, book, journal, surroundings, environ, say)
    agent.searching = _searching(plan, settings.host_id, environ, say)
    shown = State(agent, surroundings, settings.host_id)
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


def _settings(
    plan: Plan, survey: Survey, meters: MeterSet, environ: Mapping[str, str], say: Say
) -> BookSettings:
    """With the calibration of this node, where one is asked for. Raises UsageError for parts that are not
    here."""
    settings = _book_settings(plan, survey, meters)
    if plan.config.measure.calibration:
        kept = calibration_for(calibrations_folder(environ), survey.host, meters.devices, say)
        settings = replace(settings, calibration=kept)
    all_here(settings.engines, parts_of(settings.calibration, meters.devices))
    return settings


def _agent(
    plan: Plan,
    meters: MeterSet,
    book: Book,
    journal: Journal,
    surroundings: Surroundings,
    environ: Mapping[str, str],
    say: Say,
) -> Agent:
    """All that it reads, hears and writes to, put together; it has not begun."""
    spool = _spool(plan, journal)
    for path in plan.tails:
        if not path.exists():
            say(f"{path} is not there yet: it is followed once it is")
    period_seconds, asked = plan.config.measure.period_seconds, plan.agent
    return Agent(
        meters=meters,
        book=book,
        journal=journal,
        clock=boot_clock,
        utc_us=utc_now_us,
        period_seconds=period_seconds,
        spool=spool,
        lander=_lander(plan, spool, say),
        looks=_looks(plan, environ),
        tails=[Tail(path, book.marks.get(str(path))) for path in plan.tails],
        datagrams=Datagrams(plan.socket, period_seconds) if plan.socket else None,
        say=say,
        rates=surroundings.rates,
        hours=surroundings.hours,
        settled=settled_of(asked.settled_kept, asked.settled, _folder_of(plan.config), say, utc_now_us),
        beside=beside(
            meters.meters,
            meters.devices,
            say,
            workloads=asked.workloads,
            look_seconds=asked.workload_seconds,
        ),
    )


def _searching(plan: Plan, host_id: str, environ: Mapping[str, str], say: Say) -> Searching | None:
    """The search for regressions, and who hears of what it finds."""

    def tell() -> tuple[Telling, Watched] | None:
        if not (plan.to or plan.agent.alerts or plan.config.tables.get(NOTIFY)):
            return None
        from wattmark.agent.telling import telling_of, watched_by

        telling = telling_of(plan.config, plan.state, environ, say, plan.to)
        return None if telling is None else (telling, watched_by(plan.config, host_id))

    return searching_of(plan.agent, plan.state, tell)


def _fresh_book(restored: Restored, journal: Journal, meters: MeterSet, settings: BookSettings) -> Book:
    """A book that begins now, or where the windows of the agent before this one end."""
    timeline = Timeline(utc_now_us() - round(boot_clock() * 1e6))
    done_us = max([journal.state.done_us, *(b.windows[-1].end_us for b in restored.batches if b.windows)])
    book = Book(meters.devices, settings, timeline, max(timeline.at(boot_clock()), done_us))
    book.fresh = True
    return book


def _spool(plan: Plan, journal: Journal) -> Spool | None:
    """Where windows wait for the ledger, without those that were not committed: they are worked out again."""
    if not plan.ledger:
        return None
    spool = Spool(plan.state / "spool")
    for number in spool.waiting():
        if number > journal.state.number:
            spool.drop(number)
    return spool


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
