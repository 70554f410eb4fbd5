"""Text classification: say which class a text belongs to. Classes are compared by their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wattmark.bench.asking import Answer, Answerer, ModelAsked, Query, QuerySet
from wattmark.bench.models.answering import LocalAnswerer
from wattmark.bench.models.device import synchronise, torch_module
from wattmark.bench.models.inputs import Prepared, limit_of, prepared_texts
from wattmark.bench.models.loading import Loaded, load_text_model
from wattmark.bench.models.made import Family
from wattmark.bench.models.settings import TEXT_OPTIONS
from wattmark.bench.published import published_set
from wattmark.bench.published_table import Chosen, Published
from wattmark.bench.synthetic.texts import synthetic_set, to_classify
from wattmark.bench.text_rows import text_in
from wattmark.core.bench.pinned import Pinned
from wattmark.core.errors import UsageError

TASK = "text_classification"

MAX_INPUT_TOKENS = 512

_SPELLINGS = {"pos": "positive", "neg": "negative", "neu": "neutral"}


def pinned(queries: QuerySet, seed: int) -> Pinned:
    """At most 512 tokens: the window of BERT and most of its kin."""
    return Pinned(
        task=TASK,
        dataset=queries.pin,
        queries=len(queries.queries),
        seed=seed,
        max_input_tokens=MAX_INPUT_TOKENS,
        sampling="highest score",
        options=TEXT_OPTIONS,
    )


def synthetic(count: int, seed: int) -> QuerySet:
    """Reviews of 40 to 240 words, positive or negative."""
    return synthetic_set(TASK, to_classify, count, seed)


def published(names: Sequence[str], count: int, seed: int) -> QuerySet:
    """Reviews and posts with their class."""
    return published_set(TASK, names, count, seed, _query, _with_classes)


def load(asked: ModelAsked, pinned: Pinned) -> Answerer:
    """A model with a head of classes."""
    return _Classifier(load_text_model(asked, pinned, (Family.CLASSIFICATION,)), pinned)


def score(query: Query, answer: Answer) -> float | None:
    """1 where the class is the right one, else 0; None where the model's classes are not those of the data.

    A model whose classes have no names (LABEL_1) is taken by their numbers, if there are as many.
    """
    if query.reference is None or answer.failed or answer.output is None:
        return None
    names = [plain_label(name) for name in query.reference["labels"]]
    said = plain_label(str(answer.output))
    numbered = re.fullmatch(r"label (\d+) of (\d+)", said)
    if numbered and int(numbered[2]) == len(names):
        said = names[int(numbered[1])]
    return float(said == plain_label(query.reference["label"])) if said in names else None


def plain_label(name: str) -> str:
    """A class's name as it is compared: small letters, ``pos`` is positive, ``2 stars`` is ``2 star``."""
    plain = " ".join(name.lower().replace("_", " ").split()).strip(" .\"'")
    plain = re.sub(r"^(\d) stars?$", r"\1 star", plain)
    return _SPELLINGS.get(plain, plain)


def _with_classes(rows: Any, row: Published | None) -> Any:
    """Rows of a file of one's own, each with all classes that are in the file."""
    if row is not None:
        return rows
    labels = sorted({str(each["label"]) for each in rows if each.get("label") not in (None, "")})
    return [{**each, "labels": labels} for each in rows]


def _query(index: int, chosen: Chosen) -> Query | None:
    text = text_in(chosen, "text")
    if not text.strip():
        return None
    label, labels = chosen.values.get("label"), list(chosen.labels or chosen.values.get("labels", ()))
    if isinstance(label, int) and not isinstance(label, bool):
        if chosen.row is None or not 0 <= label < len(labels):
            raise UsageError(
                f"--dataset {chosen.part}: class {label} has no name; give names in column 'label'"
            )
        label = labels[label]
    reference = None if not label else {"label": str(label), "labels": labels}
    return Query(index=index, inputs={"text": text}, reference=reference, part=chosen.part)


@dataclass(frozen=True, slots=True)
class _Classifier(LocalAnswerer[Loaded]):
    pinned: Pinned

    def prepare(self, batch: Sequence[Query]) -> Prepared:
        texts = [query.inputs["text"] for query in batch]
        return prepared_texts(
            self.held, texts, limit_of(self.held, self.pinned.max_input_tokens), side="right"
        )

    def answered(self, batch: Sequence[Query], prepared: Prepared, output_tokens: int | None) -> list[Answer]:
        torch = torch_module()
        with torch.inference_mode():
            scores = self.held.model(**prepared.tensors).logits.float()
            best = [
                place if fine else None
                for place, fine in zip(
                    scores.argmax(dim=-1).tolist(), torch.isfinite(scores).all(dim=-1).tolist(), strict=True
                )
            ]
        synchronise(self.held.device)
        names = self.held.model.config.id2label
        return [
            Answer(
                output=None if place is None else _named(names, place),
                failed="scores are not finite: the model overflows in this precision"
                if place is None
                else "",
                input_tokens=prepared.input_tokens[row],
                truncated_tokens=prepared.truncated[row],
            )
            for row, place in enumerate(best)
        ]


def _named(names: Any, place: int) -> str:
    name = str(names[place])
    return f"{name} of {len(names)}" if re.fullmatch(r"LABEL_\d+", name) else name
