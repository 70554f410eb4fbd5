"""How requests are told of: whose they are, where they go, and what is attached to answers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from wattmark.core.errors import UsageError
from wattmark.core.serving.line import started_of

INFERENCE_PATHS = (
    "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/messages",
    "/v1/rerank", "/api/generate", "/api/chat", "/api/embed", "/api/embeddings",
)  # fmt: skip
"""Ends of paths that run a model, in the APIs of OpenAI, Anthropic (messages), Jina (rerank) and Ollama."""

AGENT_URL = "http://127.0.0.1:9465"
SYSTEM_SOCKET = "/run/wattmark/agent.sock"
PREFIX = "WATTMARK_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All of it. Nothing here holds a secret: keys are known by their SHA-256 alone."""

    model: str = ""
    """The model of every request; empty: what requests and answers say."""
    model_version: str = ""
    """The release that answers."""
    release_header: str = ""
    """Header of the answer (else of the request) that names the release instead."""
    tenant: str = ""
    """For whom all requests are."""
    tenant_header: str = ""
    """Header of the request that names the tenant; set by a gateway that can be trusted."""
    tenants: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 (hex) of an API key -> tenant; the key comes as ``Authorization: Bearer`` or ``x-api-key``."""
    target: str = ""
    """Which server of the model answers, as the agent's settings name it."""
    paths: tuple[str, ...] = INFERENCE_PATHS
    """Ends of the paths whose POST requests run a model."""
    headers: bool = True
    """Attach ``Wattmark-*`` headers to answers."""
    spans: bool = True
    """Set attributes of the current OpenTelemetry span."""
    comment: bool = False
    """End event streams with a comment that holds the estimate: the one thing that changes a body."""
    trailers: bool = False
    """Send the estimate of a stream as HTTP trailers, where the server can."""
    socket: str | None = None
    """The agent's Unix datagram socket; None: the usual one; empty: tell no agent."""
    log: str = ""
    """File of request lines (JSONL) to append to, instead of telling an agent."""
    agent: str | None = None
    """The agent's address, for its live figures; None: the usual one; empty: ask nobody, estimate nothing."""
    every_seconds: float = 5.0
    """How often the agent's figures are asked for, in the background."""

    def __post_init__(self) -> None:
        if not self.paths or any(not path.startswith("/") for path in self.paths):
            raise UsageError("paths: name at least one, each with a leading /")
        if self.every_seconds < 0.5:
            raise UsageError("every_seconds: ask the agent at most twice a second")
        for digest in self.tenants:
            if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
                raise UsageError("tenants: know a key by its SHA-256, 64 lower-case hexadecimal digits")
        for name in (self.tenant, *self.tenants.values()):
            _check_names(tenant=name)
        _check_names(model=self.model, model_version=self.model_version, target=self.target)


def settings_from(environ: Mapping[str, str] = os.environ) -> Settings:
    """What the environment says, for servers that take a middleware by its name and no arguments.

    ``WATTMARK_MODEL``, ``WATTMARK_MODEL_VERSION``, ``WATTMARK_RELEASE_HEADER``, ``WATTMARK_TENANT``,
    ``WATTMARK_TENANT_HEADER``, ``WATTMARK_TARGET``, ``WATTMARK_AGENT_SOCKET``, ``WATTMARK_REQUEST_LOG``,
    ``WATTMARK_AGENT`` (its address) and ``WATTMARK_PATHS`` (with commas). An empty value is none.
    """

    def said(name: str) -> str:
        return environ.get(PREFIX + name, "")

    return Settings(
        model=said("MODEL"),
        model_version=said("MODEL_VERSION"),
        release_header=said("RELEASE_HEADER"),
        tenant=said("TENANT"),
        tenant_header=said("TENANT_HEADER"),
        target=said("TARGET"),
        paths=tuple(filter(None, map(str.strip, said("PATHS").split(",")))) or INFERENCE_PATHS,
        socket=environ.get(PREFIX + "AGENT_SOCKET"),
        log=said("REQUEST_LOG"),
        agent=environ.get(PREFIX + "AGENT"),
    )


def _check_names(**names: str) -> None:
    """Refuse names that no request line may have. Raises UsageError, which names the setting."""
    started_of({"event": "start", "request_id": "r", "start": 0, **names})


def usual_socket(environ: Mapping[str, str] = os.environ) -> str:
    """Where this machine's agent listens for request lines: the user's own first, then the system's."""
    runtime = environ.get("XDG_RUNTIME_DIR")
    own = os.path.join(runtime, "wattmark", "agent.sock") if runtime else ""
    return own if own and (os.path.exists(own) or not os.path.exists(SYSTEM_SOCKET)) else SYSTEM_SOCKET
