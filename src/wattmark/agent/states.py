"""The agent's state in the shapes that are shown: metrics, the last minutes, health."""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.agent import own
from wattmark.agent.carbon import Surroundings
from wattmark.agent.loop import Agent
from wattmark.agent.sending import now_ns
from wattmark.agent.settled import answer_of
from wattmark.agent.shown import troubles
from wattmark.core.serving import live
from wattmark.exporters.agent_families import families
from wattmark.exporters.agent_otlp import payload
from wattmark.exporters.agent_state import AgentState, EngineModel, EngineNow, OwnCost
from wattmark.exporters.agent_text import negotiated, render
from wattmark.version import __version__

LIVE_SECONDS = 300.0
"""The live document is of the last five minutes unless another time is asked for."""


class State:
    """What an agent knows now, worked out anew each time it is asked. As the agent, not thread-safe."""

    def __init__(self, agent: Agent, surroundings: Surroundings, host_id: str) -> None:
        self._agent = agent
        self._surroundings = surroundings
        self._host_id = host_id
        self._started_ns = now_ns()

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
