"""What may be asked of a model beside what it is: settings by name, none of which is passed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wattmark.bench.asking import ModelAsked
from wattmark.core.bench.pinned import Pinned
from wattmark.core.errors import UsageError

MEDIA_OPTIONS: Mapping[str, str] = {"attention": "default"}
"""What else is pinned of a model of pictures or sound: the implementation of attention (sdpa, eager,
flash_attention_2)."""
TEXT_OPTIONS: Mapping[str, str] = {"tokenizer": "its own", **MEDIA_OPTIONS, "device_map": "one device"}
"""What else is pinned of a text model: the tokenizer (or a folder or id of another), and ``device_map``
(auto: spread over GPUs; needs accelerate)."""


def refuse_unknown(asked: ModelAsked, pinned: Pinned, known: Sequence[str]) -> None:
    """Raise UsageError for a setting that nothing would look at; pins of the task are no such."""
    unknown = sorted(asked.settings.keys() - pinned.options.keys() - set(known))
    if unknown:
        raise UsageError(f"{unknown[0]}: a model of this task has the settings {', '.join(known) or 'none'}")


def attention_asked(asked: ModelAsked) -> dict[str, str]:
    """The implementation of attention, as transformers takes it; nothing where none is asked for."""
    default = MEDIA_OPTIONS["attention"]
    chosen = asked.settings.get("attention", default)
    return {} if chosen == default else {"attn_implementation": chosen}
