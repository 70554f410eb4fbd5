"""Pictures and sound of published datasets, by the real loader, from folders in the layout of the hub."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wattmark.bench.synthetic.dice import Dice
from wattmark.bench.synthetic.pictures import picture, scene
from wattmark.bench.synthetic.sounds import SAMPLING_RATE, float_samples, little_endian, utterance
from wattmark.bench.tasks import (
    image_captioning,
    image_classification,
    image_generation,
    object_detection,
    speech_recognition,
)
from wattmark.core.errors import UsageError

datasets: Any = pytest.importorskip("datasets")
pytest.importorskip("PIL")
np = pytest.importorskip("numpy")
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def quiet(tmp_path: Path) -> Iterator[None]:
    """The library's cache in a folder of the test, and no progress bars."""
    before = datasets.config.HF_DATASETS_CACHE
    datasets.config.HF_DATASETS_CACHE = tmp_path / "cache"
    datasets.disable_progress_bars()
    yield
    datasets.config.HF_DATASETS_CACHE = before
    datasets.enable_progress_bars()


def shown(place: int) -> Any:
    return scene(Dice(f"test/{place}"), most=2)


def parquet(folder: Path, split: str, rows: dict[str, Any], features: Any = None) -> None:
    """A dataset as the hub holds it: ``data/SPLIT-00000-of-00001.parquet``, pictures as bytes in it."""
    (folder / "data").mkdir(parents=True)
    made = datasets.Dataset.from_dict(rows, features=features)
    made.to_parquet(str(folder / "data" / f"{split}-00000-of-00001.parquet"))


def png(place: int) -> bytes:
    file = io.BytesIO()
    picture(shown(place)).save(file, "PNG")
    return file.getvalue()


def test_a_folder_of_pictures_in_folders_of_their_classes(tmp_path: Path) -> None:
    """``FOLDER/own-pictures/CLASS/x.png``: the folder is the label, the pixels are those of the file."""
    for place, label in enumerate(["bean_rust", "healthy", "healthy"]):
        file = tmp_path / "own-pictures" / label / f"{place}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png(place))
    made = image_classification.published((f"own-pictures={tmp_path}",), 3, 0)
    assert sorted(query.reference for query in made.queries) == ["bean_rust", "healthy", "healthy"]
    pixels = {query.inputs["image"].tobytes() for query in made.queries}
    assert pixels == {shown(place).pixels() for place in range(3)}
    assert not made.pin.synthetic
    assert made.pin.name == "own-pictures"


def test_classes_in_parquet_come_out_by_their_names(tmp_path: Path) -> None:
    """Beans as published: pictures as bytes, numbers of classes in ``labels``."""
    features = datasets.Features(
        {"image": datasets.Image(), "labels": datasets.ClassLabel(names=["angular_leaf_spot", "healthy"])}
    )
    rows = {"image": [{"bytes": png(n), "path": None} for n in range(4)], "labels": [0, 1, 1, 0]}
    parquet(tmp_path / "beans", "test", rows, features)
    made = image_classification.published((f"beans={tmp_path}",), 4, 0)
    assert sorted(str(query.reference) for query in made.queries) == [
        "angular_leaf_spot",
        "angular_leaf_spot",
        "healthy",
        "healthy",
    ]


def test_three_datasets_are_asked_in_turns(tmp_path: Path) -> None:
    """The preset of AI Energy Score: seven queries are 3, 2 and 2."""
    names = datasets.ClassLabel(names=["one", "two"])
    for name, column, split in (
        ("imagenet", "label", "validation"),
        ("food101", "label", "validation"),
        ("beans", "labels", "test"),
    ):
        rows = {"image": [{"bytes": png(n), "path": None} for n in range(4)], column: [0, 1, 0, 1]}
        parquet(tmp_path / name, split, rows, datasets.Features({"image": datasets.Image(), column: names}))
    made = image_classification.published((f"aies={tmp_path}",), 7, 0)
    assert made.pin.parts == (("imagenet", 3), ("food101", 2), ("beans", 2))
    assert [query.part for query in made.queries[:4]] == ["imagenet", "food101", "beans", "imagenet"]


def test_boxes_of_coco_have_the_names_of_their_classes(tmp_path: Path) -> None:
    """``objects`` with numbers of categories inside, as detection-datasets/coco has them."""
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "objects": {
                "bbox": datasets.Sequence(datasets.Sequence(datasets.Value("float32"))),
                "category": datasets.Sequence(datasets.ClassLabel(names=["person", "cat"])),
            },
        }
    )
    objects = [{"bbox": [[1.0, 2.0, 30.0, 40.0]], "category": [1]}, {"bbox": [], "category": []}]
    rows = {"image": [{"bytes": png(n), "path": None} for n in range(2)], "objects": objects}
    parquet(tmp_path / "coco", "val", rows, features)
    made = object_detection.published((f"coco={tmp_path}",), 2, 0)
    assert sorted((query.reference for query in made.queries), key=len) == [
        (),
        ({"label": "cat", "box": (1.0, 2.0, 30.0, 40.0)},),
    ]


def test_boxes_of_visual_genome_are_corners_and_sizes(tmp_path: Path) -> None:
    """x, y, w, h and names of each thing."""
    things = [{"x": 10, "y": 20, "w": 5, "h": 6, "names": ["lamp"]}]
    rows = {"image": [{"bytes": png(0), "path": None}], "objects": [things]}
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "objects": datasets.List(
                {
                    **{side: datasets.Value("int32") for side in ("x", "y", "w", "h")},
                    "names": datasets.List(datasets.Value("string")),
                }
            ),
        }
    )
    parquet(tmp_path / "visual-genome", "train", rows, features)
    made = object_detection.published((f"visual-genome={tmp_path}",), 1, 0)
    assert made.queries[0].reference == ({"label": "lamp", "box": (10.0, 20.0, 15.0, 26.0)},)


def test_objects_of_another_shape_are_told(tmp_path: Path) -> None:
    """Neither of both."""
    rows = {"image": [{"bytes": png(0), "path": None}], "objects": [{"corners": [1, 2]}]}
    features = datasets.Features(
        {"image": datasets.Image(), "objects": {"corners": datasets.Sequence(datasets.Value("int32"))}}
    )
    parquet(tmp_path / "coco", "val", rows, features)
    with pytest.raises(UsageError, match=r"coco.*bbox and category"):
        object_detection.published((f"coco={tmp_path}",), 1, 0)


def test_speech_is_read_without_a_decoder_of_the_library(tmp_path: Path) -> None:
    """LibriSpeech in Parquet with WAV inside: samples as they were, and what is said."""
    said = [utterance(Dice(f"test/{n}")) for n in range(2)]
    rows = {
        "audio": [{"bytes": _wav(one), "path": f"{n}.wav"} for n, one in enumerate(said)],
        "text": [one.transcript.upper() for one in said],
    }
    _as_speech(tmp_path / "librispeech" / "data" / "test-00000-of-00001.parquet", rows)
    made = speech_recognition.published((f"librispeech={tmp_path}",), 2, 0)
    by_text = {query.reference: query.inputs for query in made.queries}
    for one in said:
        inputs = by_text[one.transcript.upper()]
        assert inputs["sampling_rate"] == SAMPLING_RATE
        assert inputs["audio"].tolist() == float_samples(one).tolist()


def test_sounds_and_pictures_of_ones_own_come_from_a_table_with_paths(tmp_path: Path) -> None:
    """CSV for sounds, JSON lines for pictures with boxes."""
    one = utterance(Dice("test/0"))
    (tmp_path / "a.wav").write_bytes(_wav(one))
    (tmp_path / "said.csv").write_text(f"audio,text\n{tmp_path}/a.wav,{one.transcript}\n")
    made = speech_recognition.published((str(tmp_path / "said.csv"),), 1, 0)
    assert made.queries[0].reference == one.transcript
    assert made.pin.name == "own/said.csv"
    (tmp_path / "a.png").write_bytes(png(0))
    row = {"image": str(tmp_path / "a.png"), "objects": {"bbox": [[0, 0, 5, 5]], "category": ["cat"]}}
    (tmp_path / "seen.jsonl").write_text(json.dumps(row))
    seen = object_detection.published((str(tmp_path / "seen.jsonl"),), 1, 0)
    assert seen.queries[0].reference == ({"label": "cat", "box": (0.0, 0.0, 5.0, 5.0)},)


def test_a_path_without_a_file_is_told(tmp_path: Path) -> None:
    """The dataset and the column."""
    (tmp_path / "said.csv").write_text("audio,text\nnowhere.wav,hello\n")
    with pytest.raises(UsageError, match=r"own/said.csv.*audio"):
        speech_recognition.published((str(tmp_path / "said.csv"),), 1, 0)


def test_captions_and_prompts_come_from_the_same_pictures(tmp_path: Path) -> None:
    """COCO: five captions to be met, the first of them to be drawn."""
    said = [["a cat", "one cat"], ["a dog", " "]]
    rows = {"image": [{"bytes": png(n), "path": None} for n in range(2)], "answer": said}
    features = datasets.Features(
        {"image": datasets.Image(), "answer": datasets.Sequence(datasets.Value("string"))}
    )
    parquet(tmp_path / "coco-captions", "val", rows, features)
    name = f"coco-captions={tmp_path}"
    captions = image_captioning.published((name,), 2, 0)
    assert sorted(query.reference for query in captions.queries) == [("a cat", "one cat"), ("a dog",)]
    prompts = image_generation.published((name,), 2, 0)
    assert sorted(query.inputs["prompt"] for query in prompts.queries) == ["a cat", "a dog"]
    assert all(query.reference is None for query in prompts.queries)


def test_prompts_of_ones_own_come_from_a_file(tmp_path: Path) -> None:
    """One line, one prompt; a blank one is passed over."""
    file = tmp_path / "mine.jsonl"
    file.write_text('{"prompt": "a house by the sea"}\n{"prompt": " "}\n')
    made = image_generation.published((str(file),), 5, 0)
    assert [query.inputs["prompt"] for query in made.queries] == ["a house by the sea"]


def test_pictures_that_the_hub_does_not_give_are_named(tmp_path: Path) -> None:
    """Visual Genome lies behind a script; the message says what helps."""
    with pytest.raises(UsageError, match="--dataset-dir"):
        object_detection.published(("visual-genome",), 1, 0)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Not a row without a picture: the path leads nowhere, or to what is no picture."""
    own = tmp_path / "mine.jsonl"
    own.write_text('{"image": "nowhere.png", "label": "cat"}\n')
    with pytest.raises(UsageError, match=r"the file 'nowhere.png' of the column 'image' is not there"):
        image_classification.published((str(own),), 1, 0)
    text = tmp_path / "text.png"
    text.write_text("words")
    own.write_text(json.dumps({"image": str(text), "label": "cat"}))
    with pytest.raises(UsageError, match=r"text.png' is none that Pillow reads"):
        image_classification.published((str(own),), 1, 0)


def test_a_broken_picture_is_told_with_its_dataset(tmp_path: Path) -> None:
    """Bytes that are no picture."""
    rows = {"image": [{"bytes": b"no picture", "path": None}], "label": [0]}
    features = datasets.Features({"image": datasets.Image(decode=False), "label": datasets.Value("int32")})
    parquet(tmp_path / "food101", "validation", rows, features)
    with pytest.raises(UsageError, match="food101"):
        image_classification.published((f"food101={tmp_path}",), 1, 0)


def _as_speech(file: Path, rows: dict[str, Any]) -> None:
    """Parquet as the hub holds speech; `datasets` itself writes sound with torchcodec only."""
    pa: Any = pytest.importorskip("pyarrow")
    pq: Any = pytest.importorskip("pyarrow.parquet")
    sound = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    told = {"audio": {"_type": "Audio"}, "text": {"dtype": "string", "_type": "Value"}}
    schema = pa.schema([("audio", sound), ("text", pa.string())]).with_metadata(
        {"huggingface": json.dumps({"info": {"features": told}})}
    )
    file.parent.mkdir(parents=True)
    pq.write_table(pa.table(rows, schema=schema), file)


def _wav(said: Any) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(SAMPLING_RATE)
        writer.writeframes(little_endian(said.samples))
    return file.getvalue()
