"""Text in, text out: completions and chat completions, streamed, so that the first token has its time."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from wattmark.bench.asking import Answer, Query
from wattmark.bench.endpoint.answering import counted
from wattmark.bench.endpoint.dialects import Dialect
from wattmark.bench.endpoint.http import Client, Failed
from wattmark.core.bench.pinned import Pinned

COMPLETIONS = "completions"
CHAT = "chat"
PATHS = {COMPLETIONS: "/completions", CHAT: "/chat/completions"}

PROMPTS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "text_generation": lambda asked: text_in(asked, "text", "prompt"),
    "reasoning": lambda asked: text_in(asked, "prompt", "question", "text"),
    "summarization": lambda asked: f"{text_in(asked, 'text')}\n\nPut this text into few words.",
    "question_answering": lambda asked: (
        f"{text_in(asked, 'context')}\n\nAnswer with words of this text and nothing else: "
        f"{text_in(asked, 'question')}"
    ),
    "image_captioning": lambda asked: "Describe this picture in one sentence.",
}
"""What is asked, by task; raising the version below when one changes."""
PROMPT_VERSION = "1"


def text_in(asked: Mapping[str, Any], *names: str) -> str:
    """The first of these inputs that is there. Raises Failed."""
    for name in names:
        if isinstance(asked.get(name), str):
            return str(asked[name])
    raise Failed(f"the query has no {' or '.join(names)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextWay:
    """How a model that writes text is asked."""

    task: str
    model: str
    """As the server must be asked for it."""
    api: str
    dialect: Dialect
    pins: Pinned
    """Before the server was looked at."""
    streamed: bool = True

    def pinned(self, pinned: Pinned) -> Pinned:
        """A server that cannot fix the number of output tokens is given the most; one that does not cut
        prompts off reads them whole."""
        fixed = pinned.output_tokens
        told = {
            **pinned.options,
            "api": self.api,
            "prompt": f"{self.task} {PROMPT_VERSION}",
            "cache": "not used" if self.dialect.fresh else "as the server does it",
        }
        cuts = pinned.max_input_tokens is None or self.dialect.truncates is not None
        return replace(
            pinned,
            options=told,
            output_tokens=fixed if self.dialect.pins else None,
            max_output_tokens=pinned.max_output_tokens if fixed is None or self.dialect.pins else fixed,
            max_input_tokens=pinned.max_input_tokens if cuts else None,
        )

    def prepare(self, query: Query) -> dict[str, Any]:
        """The request, but for the number of tokens."""
        prompt = PROMPTS[self.task](query.inputs)
        if self.api == COMPLETIONS:
            asked: dict[str, Any] = {"prompt": prompt}
        elif "image" in query.inputs:
            picture = {"type": "image_url", "image_url": {"url": data_uri(query.inputs["image"])}}
            asked = {"messages": [{"role": "user", "content": [picture, {"type": "text", "text": prompt}]}]}
        else:
            asked = {"messages": [{"role": "user", "content": prompt}]}
        return {
            "model": self.model,
            **asked,
            "temperature": 0,
            "seed": self.pins.seed,
            **self.dialect.cut(self.pins.max_input_tokens),
        }

    def ask(self, client: Client, prepared: Any, output_tokens: int | None) -> Answer:
        """One answer, with the time of its first token where it is streamed."""
        fixed = output_tokens if output_tokens is not None else self.pins.output_tokens
        most = fixed if fixed is not None else self.pins.max_output_tokens
        body = {
            **prepared,
            **({"max_tokens": most} if most is not None else {}),
            **(self.dialect.pinned(fixed) if fixed is not None else {}),
            **self.dialect.unspared(),
        }
        if not self.streamed:
            return _whole(client.post(PATHS[self.api], body))
        return self._streamed(client, {**body, "stream": True, "stream_options": {"include_usage": True}})

    def _streamed(self, client: Client, body: Mapping[str, Any]) -> Answer:
        begun = client.monotonic()
        first: float | None = None
        pieces: list[str] = []
        ended = False
        usage: Any = None
        for said in client.stream(PATHS[self.api], body):
            choice = _choice(said)
            if choice is not None:
                piece = _piece(choice)
                if piece:
                    first = client.monotonic() - begun if first is None else first
                    pieces.append(piece)
                ended = ended or choice.get("finish_reason") is not None
            if isinstance(said, dict) and isinstance(said.get("usage"), dict):
                usage = said
        if not ended:
            raise Failed("its stream ended before the answer did")
        return counted(Answer(output="".join(pieces), first_output_seconds=first), usage)


def data_uri(image: Any) -> str:
    """A picture as the API takes it: PNG, which loses nothing, in base64."""
    held = io.BytesIO()
    image.save(held, "PNG")
    return f"data:image/png;base64,{base64.b64encode(held.getvalue()).decode()}"


def _whole(said: Any) -> Answer:
    choice = _choice(said)
    if choice is None:
        raise Failed("answered without any choice")
    return counted(Answer(output=_piece(choice)), said)


def _choice(said: Any) -> Mapping[str, Any] | None:
    choices = said.get("choices") if isinstance(said, dict) else None
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    return None


def _piece(choice: Mapping[str, Any]) -> str:
    """The text of a choice, its thinking included: both are tokens that were put out."""
    if isinstance(choice.get("text"), str):
        return str(choice["text"])
    message = choice.get("delta", choice.get("message"))
    if not isinstance(message, dict):
        return ""
    parts = (message.get("reasoning_content") or message.get("reasoning"), message.get("content"))
    return "".join(part for part in parts if isinstance(part, str))
