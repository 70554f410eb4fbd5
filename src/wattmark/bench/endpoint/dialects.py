"""What servers understand beyond OpenAI's API: fixing the number of output tokens, cutting prompts, no cache.

A server names itself in ``owned_by`` of ``GET /v1/models``. Field names as of November 2026:
vLLM 0.32, entrypoints/openai/{completion,chat_completion}/protocol.py (https://github.com/vllm-project/vllm);
llama.cpp, tools/server/README.md (https://github.com/ggml-org/llama.cpp); SGLang,
srt/entrypoints/openai/protocol.py (https://github.com/sgl-project/sglang); TensorRT-LLM,
serve/openai_protocol.py (https://github.com/NVIDIA/TensorRT-LLM), which refuses fields that it does not know;
LMDeploy, serve/openai/protocol.py (https://github.com/InternLM/lmdeploy).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One engine."""

    name: str
    ignore_eos: bool = False
    """Whether ``ignore_eos`` lets it go on after the token that ends a text."""
    least: str = ""
    """The field that takes the least number of output tokens."""
    truncates: Mapping[str, Any] | None = None
    """Fields that cut a prompt off; the value ``None`` stands for the number of tokens kept."""
    fresh: str = ""
    """How a prompt is kept from being spared because it was asked before: ``salt``, ``flag``; empty: it
    cannot be."""
    version_path: str = ""
    """Where its version stands."""
    version_key: str = ""
    keeps: bool = True
    """Whether a connection can be used again after a stream. llama.cpp closes it without saying so."""

    @property
    def pins(self) -> bool:
        """Whether the number of output tokens can be fixed."""
        return self.ignore_eos

    def pinned(self, output_tokens: int) -> dict[str, Any]:
        """Fields for so many output tokens and not one less."""
        least = {self.least: output_tokens} if self.least else {}
        return {"ignore_eos": True, **least} if self.ignore_eos else {}

    def cut(self, tokens: int | None) -> dict[str, Any]:
        """Fields that keep the first so many tokens of a prompt."""
        if tokens is None or self.truncates is None:
            return {}
        return {key: tokens if value is None else value for key, value in self.truncates.items()}

    def unspared(self) -> dict[str, Any]:
        """Fields that keep what was asked before from being spared; a salt is another one each time."""
        match self.fresh:
            case "salt":
                return {"cache_salt": secrets.token_hex(8)}
            case "flag":
                return {"cache_prompt": False}
            case _:
                return {}


PLAIN = Dialect(name="", keeps=False)
"""A server that is not known: nothing but what OpenAI's API has."""

DIALECTS: Mapping[str, Dialect] = {
    # owned_by -> what it understands
    "vllm": Dialect(
        name="vLLM",
        ignore_eos=True,
        least="min_tokens",
        truncates={"truncate_prompt_tokens": None, "truncation_side": "right"},
        fresh="salt",
        version_path="/version",
        version_key="version",
    ),
    "llamacpp": Dialect(
        name="llama.cpp",
        ignore_eos=True,
        fresh="flag",
        version_path="/props",
        version_key="build_info",
        keeps=False,
    ),
    "sglang": Dialect(
        name="SGLang",
        ignore_eos=True,
        least="min_tokens",
        version_path="/get_server_info",
        version_key="version",
    ),
    "tensorrt_llm": Dialect(
        name="TensorRT-LLM",
        ignore_eos=True,
        least="min_tokens",
        version_path="/version",
        version_key="version",
    ),
    "lmdeploy": Dialect(name="LMDeploy", ignore_eos=True),
}
