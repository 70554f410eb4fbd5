"""From an address and a task to an answerer, or the reason why that cannot be."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from wattmark.bench.endpoint.address import Address, address_of, is_here
from wattmark.bench.endpoint.answering import EndpointAnswerer, Way
from wattmark.bench.endpoint.embeddings import EmbeddingWay
from wattmark.bench.endpoint.http import Client
from wattmark.bench.endpoint.media import PictureWay, TranscriptionWay
from wattmark.bench.endpoint.served import Served, look
from wattmark.bench.endpoint.text import CHAT, COMPLETIONS, PATHS, PROMPTS, TextWay
from wattmark.core.bench.pinned import Pinned
from wattmark.core.errors import RefusedError, UsageError

KEY_VARIABLE = "OPENAI_API_KEY"

REFUSED: Mapping[str, str] = {
    "text_classification": "a server gives words, not a class: asking for one in words is another workload",
    "image_classification": "a server gives words, not a class: asking for one in words is another workload",
    "object_detection": "OpenAI's API has nothing that gives boxes",
    "training": "OpenAI's API does not tell when a target quality is reached",
    "data_pipeline": "a pipeline is no model behind a server",
}
"""Tasks that no endpoint can do, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointAsked:
    """Which server, and how it is to be asked."""

    url: str
    model: str | None = None
    """Of several that it serves; None: the only one."""
    api: str = "auto"
    """completions, chat, or auto: completions where a text is gone on with, else chat."""
    key_variable: str | None = None
    """The variable of the environment that holds the key; None: OPENAI_API_KEY, if it is set."""
    timeout_seconds: float = 120.0
    streamed: bool = True
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)


def open_endpoint(
    task: str, asked: EndpointAsked, pinned: Pinned, *, context: ssl.SSLContext | None = None
) -> EndpointAnswerer:
    """An answerer of this task; its ``pinned`` is what the server can be held to.

    Raises RefusedError for a task that no endpoint can do, UsageError for what is asked wrongly,
    EvidenceError where no such server answers.
    """
    if task in REFUSED:
        raise RefusedError(f"--endpoint cannot run {task}: {REFUSED[task]}; give a local model with --model")
    if pinned.batch_size != 1:
        raise UsageError(
            f"--batch-size {pinned.batch_size}: a server makes its own batches; use --concurrency to have "
            "several requests in flight"
        )
    client = _client(asked, context)
    try:
        served = look(client, asked.model)
        client.keeps_after_streams = served.dialect.keeps
        return EndpointAnswerer(client, served, _way(task, asked, served, pinned), pinned)
    except BaseException:
        client.close()
        raise


def served_name(asked: EndpointAsked) -> str:
    """What the model behind a server is called. Raises as ``open_endpoint``: before anything else is done."""
    client = _client(asked, None)
    try:
        return look(client, asked.model).shown
    finally:
        client.close()


def _client(asked: EndpointAsked, context: ssl.SSLContext | None) -> Client:
    address = address_of(asked.url)
    return Client(
        address,
        key=_key(asked, address),
        timeout_seconds=asked.timeout_seconds,
        context=context,
    )


def _way(task: str, asked: EndpointAsked, served: Served, pinned: Pinned) -> Way:
    if task == "sentence_similarity":
        return EmbeddingWay(model=served.model, dialect=served.dialect, pins=pinned)
    if task == "speech_recognition":
        return TranscriptionWay(model=served.model)
    if task == "image_generation":
        return PictureWay(model=served.model, pins=pinned)
    if task not in PROMPTS:
        raise UsageError(f"--endpoint: there is no way to ask a server for {task}")
    api = asked.api
    if api == "auto":
        api = COMPLETIONS if task == "text_generation" else CHAT
    if api not in PATHS:
        raise UsageError(f"--api {api}: it is {', '.join(PATHS)} or auto")
    if task == "image_captioning" and api != CHAT:
        raise UsageError("--api completions takes no pictures: use --api chat")
    return TextWay(
        task=task,
        model=served.model,
        api=api,
        dialect=served.dialect,
        pins=pinned,
        streamed=asked.streamed,
    )


def _key(asked: EndpointAsked, address: Address) -> str | None:
    """The key, if there is one. It never travels in the clear to another machine."""
    name = asked.key_variable or KEY_VARIABLE
    key = asked.environ.get(name, "").strip()
    if asked.key_variable and not key:
        raise UsageError(f"--api-key-env {name}: the variable is not set")
    if key and address.scheme == "http" and not is_here(address):
        if asked.key_variable is None:
            return None  # it is somebody else's key, in all likelihood: it was not asked for here
        raise UsageError(
            f"--api-key-env {name}: the key would travel unencrypted to {address.host}; use https"
        )
    return key or None
