"""A tokenizer of our own words, made on the spot: about one token a word, other text letter by letter.

It has the ids of nothing else: models with random weights do not mind.
"""

from __future__ import annotations

import string
from typing import Any

from wattmark.bench.synthetic.words import vocabulary
from wattmark.core.errors import MissingExtra

NAME = "wattmark-words-1"
"""Raised when ids change."""

PAD, UNKNOWN, BEGIN, END, FIRST, BETWEEN = "<pad>", "<unk>", "<s>", "</s>", "[CLS]", "[SEP]"


def words_tokenizer(*, framed: bool = False) -> Any:
    """A fast tokenizer of transformers; ``framed`` puts [CLS] and [SEP] around texts, as BERT wants them.

    Raises MissingExtra where transformers is absent.
    """
    try:
        from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
        from transformers import PreTrainedTokenizerFast
    except ImportError:
        raise MissingExtra("local models", "bench") from None
    ids = {token: place for place, token in enumerate(_tokens())}
    made = Tokenizer(models.WordPiece(ids, unk_token=UNKNOWN, max_input_chars_per_word=200))
    made.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase()])
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    if framed:
        made.post_processor = processors.TemplateProcessing(
            single=f"{FIRST} $A {BETWEEN}",
            pair=f"{FIRST} $A {BETWEEN} $B:1 {BETWEEN}:1",
            special_tokens=[(FIRST, ids[FIRST]), (BETWEEN, ids[BETWEEN])],
        )
    inputs = ["input_ids", "token_type_ids", "attention_mask"]
    wrapped: Any = PreTrainedTokenizerFast
    return wrapped(
        tokenizer_object=made,
        pad_token=PAD,
        unk_token=UNKNOWN,
        bos_token=BEGIN,
        eos_token=END,
        cls_token=FIRST,
        sep_token=BETWEEN,
        model_input_names=inputs if framed else [inputs[0], inputs[2]],
    )


def _tokens() -> list[str]:
    """Signs, letters on their own and inside words, then our words."""
    signs = [PAD, UNKNOWN, BEGIN, END, FIRST, BETWEEN, *string.punctuation]
    letters = [*string.ascii_lowercase, *string.digits]
    return list(dict.fromkeys([*signs, *letters, *(f"##{each}" for each in letters), *vocabulary()]))
