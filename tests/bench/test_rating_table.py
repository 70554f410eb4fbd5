"""Tables of ratings: AI Energy Score's own columns and plainer ones, read strictly."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.bench.rating_table import RatingTable, table_from
from wattmark.core.errors import EvidenceError

HEAD = "task,model,gpu_wh_per_1000,model_class,cohort,published_stars\n"


def table(text: str, name: str = "told.csv") -> RatingTable:
    return table_from(text.encode(), name)


def test_every_digit_is_kept() -> None:
    """34.3867 is not 34.38670000000000186."""
    (row,) = table(f"{HEAD}text generation,org/m,34.3867,A,Dec 25,4\n").rows
    assert row.wh_per_1000 == Decimal("34.3867")
    assert (row.task, row.model, row.model_class, row.cohort) == ("text generation", "org/m", "A", "Dec 25")
    assert (row.published_stars, row.line) == (4, 2)


def test_the_leaderboards_own_files_are_read() -> None:
    """An index without a name, kWh, `class`, `test date`; the file's name tells the task."""
    told = ",model,total_gpu_energy,energy_score,class,test date\n0,org/m,0.0343867,4.0,A,Feb 25\n"
    found = table(told, "data/energy/text_generation.csv")
    assert (found.energy_column, found.unit) == ("total_gpu_energy", "kWh")
    (row,) = found.rows
    assert row.wh_per_1000 == Decimal("34.3867")
    assert (row.task, row.model_class, row.cohort, row.published_stars) == (
        "text generation",
        "A",
        "Feb 25",
        4,
    )


@pytest.mark.parametrize(
    ("file", "task"),
    [
        ("asr.csv", "automatic speech recognition"),
        ("question_answering_energyscore.csv", "extractive question answering"),
        ("image_caption_energyscore.CSV", "image captioning"),
        ("C:\\told\\summarization.csv", "summarization"),
    ],
)
def test_names_of_files_tell_the_task(file: str, task: str) -> None:
    """As the leaderboard and its label generator name them."""
    assert table("model,total_gpu_energy\nm,1\n", file).rows[0].task == task


def test_classes_of_other_tables_keep_their_name() -> None:
    """A and class a are one; what somebody else calls a class is one, too."""
    told = table(HEAD + "reasoning,m,1,class a,,\nreasoning,n,1,A,,\nreasoning,o,1,edge,,\n")
    assert [row.model_class for row in told.rows] == ["A", "A", "EDGE"]


def test_order_of_columns_and_more_columns_do_not_matter() -> None:
    """Headings in any case; what nobody asked for is passed over; the heading on the board is known too."""
    told = "Notes;Model;GPU Energy (Wh) per 1k Queries;Task\nx;m;5;reasoning\n"
    found = table(told)
    assert (found.rows[0].wh_per_1000, found.unit) == (Decimal(5), "Wh")
    assert found.rows[0].model_class is None


def test_a_byte_order_mark_quotes_and_line_ends_of_other_systems_are_no_matter() -> None:
    """Nor are spaces around cells, blank lines and words for nothing."""
    told = (
        "\ufeff" + HEAD.replace("\n", "\r\n") + '\r\n" text  generation ","org/a, b",+1.50e1, class b ,,\r\n'
        ",,,,,\r\nreasoning,m,2,n/a,-,\r\n"
    )
    one, two = table(told).rows
    assert (one.task, one.model, one.wh_per_1000, one.model_class) == (
        "text generation",
        "org/a, b",
        Decimal(15),
        "B",
    )
    assert (one.line, two.line) == (3, 5)
    assert (two.model_class, two.published_stars) == (None, None)


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("", "is empty"),
        ("NaN", "'NaN' is no energy"),
        ("0", "is 0: a failed reading is a gap"),
        ("0.000", "is 0"),
        ("-3.5", "-3.5 is below 0"),
        ('"34,39"', "'34,39' is no number; write a decimal point"),
        ('"1,234.5"', "is no number; write a decimal point, and nothing between thousands"),
        ("1_000", "is no number"),
        ("١٢", "is no number"),
        ("inf", "is no number"),
        ("1e999", "cannot be the energy"),
        ("1e16", "cannot be the energy"),
        ("1e-99", "cannot be the energy"),
        ("1." + "0" * 30, "is no number"),
        ("12 Wh", "is no number"),
    ],
)
def test_an_energy_that_is_none_is_named_with_its_place(cell: str, problem: str) -> None:
    """File, line and column, and what to do."""
    with pytest.raises(EvidenceError) as caught:
        table(f"{HEAD}reasoning,a,1,A,,\nreasoning,b,{cell},A,,\n")
    assert "told.csv: line 3, column `gpu_wh_per_1000`: " in str(caught.value)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("row", "place", "problem"),
    [
        (",m,1,A,,", "line 2, column `task`", "is empty"),
        ("reasoning,,1,A,,", "line 2, column `model`", "is empty"),
        (f"reasoning,m,1,{'A' * 41},,", "line 2, column `model_class`", "... is no class"),
        ("reasoning,m,1,A,,6", "line 2, column `published_stars`", "'6' is no number of stars"),
        ("reasoning,m,1,A,,4.5", "line 2, column `published_stars`", "'4.5' is no number of stars"),
        ("reasoning,m,1,A,", "line 2", "has 5 cells, the heading has 6"),
        ("reasoning,m,1,A,,5,", "line 2", "has 7 cells, the heading has 6"),
        ('reasoning,"m,1,A,,5', "line 2", "is not CSV"),
        ('reasoning,"m"x,1,A,,5', "line 2", "is not CSV"),
    ],
)
def test_other_cells_are_named_too(row: str, place: str, problem: str) -> None:
    """Nothing is guessed, nothing is left out in silence."""
    with pytest.raises(EvidenceError) as caught:
        table(HEAD + row + "\n")
    assert f"told.csv: {place}" in str(caught.value)
    assert problem in str(caught.value)


def test_the_same_rating_twice_names_both_lines() -> None:
    """Case, spaces and the spelling of the task do not make it another."""
    told = (
        HEAD
        + "text generation,Org/M,1,A,Dec 25,\nreasoning,Org/M,1,A,Dec 25,\n"
        + "Text_Generation,org/m ,2,a,dec  25,\n"
    )
    with pytest.raises(
        EvidenceError, match=r"line 4: the same task, model, class and cohort stand in line 2"
    ):
        table(told)


def test_other_cohorts_and_classes_are_no_doubles() -> None:
    """A model is tested again, and on other hardware."""
    assert len(table(HEAD + "reasoning,m,1,A,Feb,\nreasoning,m,2,A,Dec,\nreasoning,m,3,B,Dec,\n").rows) == 3


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "no column tells the model"),
        (
            b"task,model\nreasoning,m\n",
            "no column tells the energy: name it `gpu_wh_per_1000` or `total_gpu_energy`",
        ),
        (HEAD.encode(), "holds no row below its heading"),
        (b"model,gpu_wh_per_1000\nm,1\n", "has no column `task`, and its name tells none"),
        (b"model,task,Model,gpu_wh_per_1000\n", "two columns are named `model`"),
        (b"\xff\xfem\x00", "is not UTF-8"),
        (b"task,model\nreas\xe9\n", "line 2: is not UTF-8"),
        (b"task,model\nreas\x00\n", "line 2: holds a zero byte"),
    ],
)
def test_what_is_no_table_is_refused(content: bytes, problem: str) -> None:
    """With the line where there is one."""
    with pytest.raises(EvidenceError) as caught:
        table_from(content, "told.csv")
    assert problem in str(caught.value)


def test_a_file_of_many_megabytes_is_no_table() -> None:
    """Read no further."""
    with pytest.raises(EvidenceError, match="larger than 64 MiB"):
        table_from(b"x" * ((1 << 26) + 1), "told.csv")


@given(st.decimals("0.000001", "999999", places=9))
def test_kilowatt_hours_are_a_thousand_watt_hours_to_the_last_digit(value: Decimal) -> None:
    """No binary float comes in between."""
    wh = table(f"task,model,gpu_wh_per_1000\nasr,m,{value}\n").rows[0].wh_per_1000
    kwh = table(f"task,model,total_gpu_energy\nasr,m,{value}\n").rows[0].wh_per_1000
    assert (wh, kwh) == (value, value * 1000)
