"""Asks a serving engine as its users would: several tenants, each with lengths of its own."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException

TENANT_HEADER = "X-Tenant"
WORDS = ("the", "sun", "has", "set", "and", "nobody", "told", "me", "where", "to", "go", "now", "that", "we")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """How one tenant asks."""

    prompt_words: int
    output_tokens: int
    pause_seconds: float
    """Mean of the times between an answer and the next question."""
    clients: int = 1
    hangs_up: float = 0.0
    """Share of its answers that it does not wait for."""


TENANTS: Mapping[str, Tenant] = {
    "chat": Tenant(prompt_words=20, output_tokens=40, pause_seconds=0.4, clients=2, hangs_up=0.03),
    "search": Tenant(prompt_words=150, output_tokens=4, pause_seconds=0.3),
    "writer": Tenant(prompt_words=10, output_tokens=160, pause_seconds=1.0),
}


@dataclass(slots=True)
class Sent:
    """What one tenant asked for so far."""

    answered: int = 0
    hung_up: int = 0
    refused: int = 0
    """Answered with an error, or not at all."""


@dataclass(slots=True)
class Load:
    """Clients that ask until they are stopped, each in a thread of its own."""

    host: str
    port: int
    model: str
    tenants: Mapping[str, Tenant] = field(default_factory=lambda: TENANTS)
    seed: int = 0
    sent: dict[str, Sent] = field(default_factory=dict)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin to ask."""
        for name, tenant in self.tenants.items():
            self.sent[name] = Sent()
            for number in range(tenant.clients):
                chance = random.Random(f"{self.seed}/{name}/{number}")
                thread = threading.Thread(target=self._ask, args=(name, tenant, chance), daemon=True)
                self._threads.append(thread)
                thread.start()

    def stop(self) -> None:
        """Ask no more, and wait for what is under way."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(30)

    def _ask(self, name: str, tenant: Tenant, chance: random.Random) -> None:
        sent = self.sent[name]
        while not self._stopped.wait(chance.expovariate(1 / tenant.pause_seconds)):
            words = max(1, round(chance.gauss(tenant.prompt_words, tenant.prompt_words / 4)))
            tokens = max(1, round(chance.gauss(tenant.output_tokens, tenant.output_tokens / 4)))
            prompt = " ".join(chance.choice(WORDS) for _ in range(words))
            hangs_up = chance.random() < tenant.hangs_up
            try:
                self._one(name, prompt, tokens, hangs_up)
            except (OSError, HTTPException):
                sent.refused += 1
                time.sleep(0.2)
            else:
                sent.hung_up += hangs_up
                sent.answered += not hangs_up

    def _one(self, tenant: str, prompt: str, tokens: int, hangs_up: bool) -> None:
        """One question, and its answer as it streams. Raises OSError and HTTPException."""
        connection = HTTPConnection(self.host, self.port, timeout=60)
        asked = {"model": self.model, "prompt": prompt, "max_tokens": tokens, "ignore_eos": True}
        body = json.dumps({**asked, "stream": True, "stream_options": {"include_usage": True}})
        headers = {"Content-Type": "application/json", TENANT_HEADER: tenant}
        try:
            connection.request("POST", "/v1/completions", body, headers)
            answer = connection.getresponse()
            if answer.status != 200:
                raise HTTPException(f"{answer.status} {answer.reason}")
            if hangs_up:
                answer.read1(200)
                return
            while answer.read1(65536):
                pass
        finally:
            connection.close()
