"""Who owns a file, as GitHub and GitLab read their files."""

from __future__ import annotations

import pytest

from wattmark.identities.codeowners import fits, fits_gitlab, parse

FILE = """
# everybody
*                          @example/all
/wattmark-*.toml           @board anna@example.org  # the rules
docs/                      @writer
/build/logs/               @ops
apps/*                     @apps
**/tests/**                @tests
odd\\ name.txt             @odd
/free.md
!never                     @no
"""


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("README.md", ("@example/all",)),
        ("wattmark-policy.toml", ("@board", "anna@example.org")),
        ("sub/wattmark-policy.toml", ("@example/all",)),
        ("docs/a/b.md", ("@writer",)),
        ("src/docs/a.md", ("@writer",)),
        ("build/logs/x", ("@ops",)),
        ("src/build/logs/x", ("@example/all",)),
        ("apps/x.py", ("@apps",)),
        ("apps/deep/x.py", ("@example/all",)),
        ("a/tests/b/c.py", ("@tests",)),
        ("odd name.txt", ("@odd",)),
        ("free.md", ()),
        ("never", ("@example/all",)),
    ],
)
def test_the_last_line_that_fits_counts(path: str, owners: tuple[str, ...]) -> None:
    """Also when it names nobody."""
    assert parse(FILE).of(path) == owners


def test_sections_of_gitlab_each_have_owners() -> None:
    """With owners of the section where a line names none, however many it asks for; one name, one section."""
    found = parse(
        "[Rules][2] @board\n*.toml\n*.md @writer\n[Docs]\n*.toml @doc\n[rules]\n/last.toml @late\n",
        gitlab=True,
    )
    assert found.of("a.toml") == ("@board", "@doc")
    assert found.of("last.toml") == ("@late", "@doc")
    assert found.of("a.md") == ("@writer",)


@pytest.mark.parametrize(
    ("pattern", "path", "answer"),
    [
        ("*.js", "a/b/c.js", True),
        ("*.js", "a.jsx", False),
        ("/a", "a/b/c", True),
        ("/a/", "a", False),
        ("a/b", "a/b", True),
        ("a/b", "x/a/b", False),
        ("a?c", "abc", True),
        ("a.c", "abc", False),
        ("/**/x", "a/b/x", True),
        ("/", "a", False),
    ],
)
def test_patterns(pattern: str, path: str, answer: bool) -> None:
    """As in .gitignore, without classes and exceptions."""
    assert fits(pattern, path) is answer


def test_github_knows_no_sections() -> None:
    """The last line that fits counts, whatever stands between: nobody owns by a heading."""
    text = "* @board\n[Docs][2] @mallory\nwattmark-waivers.toml @security\nwattmark-policy.toml\n"
    assert parse(text).of("wattmark-waivers.toml") == ("@security",)
    assert parse(text).of("wattmark-policy.toml") == ()
    assert parse(text, gitlab=True).of("wattmark-waivers.toml") == ("@board", "@security")


def test_gitlab_excludes_what_github_does_not_know() -> None:
    """In its section, for good; in others the file keeps its owners."""
    text = "* @all\n!*.toml\n/a.toml @late\n[Rules]\n*.toml @board\n"
    assert parse(text, gitlab=True).of("a.toml") == ("@board",)
    assert parse(text).of("a.toml") == ("@board",)


def test_nobody_need_approve_in_an_optional_section_of_gitlab() -> None:
    """Unless the same section stands there once more without its mark."""
    text = "^[Docs] @intern\n*.md\n[Rules]\n*.md @board\n"
    assert parse(text, gitlab=True).of("a.md") == ("@board",)
    assert parse(text + "[docs]\n", gitlab=True).of("a.md") == ("@intern", "@board")
    assert parse("[Docs][0] @intern\n*.md\n", gitlab=True).of("a.md") == ()


@pytest.mark.parametrize(
    ("pattern", "path", "answer"),
    [
        ("README.md", "docs/api/README.md", True),
        ("internal/README.md", "docs/internal/README.md", True),
        ("/README.md", "docs/README.md", False),
        ("/docs", "docs/a.md", False),
        ("/docs/", "docs/a/b.md", True),
        ("docs/", "x/docs/a.md", True),
        ("/docs/*", "docs/a.md", True),
        ("/docs/*", "docs/a/b.md", False),
        ("/docs/**/index.md", "docs/index.md", True),
        ("/docs/**/index.md", "docs/a/b/index.md", True),
        ("/docs/*spec*", "docs/qa_specs.rb", True),
        ("*", "a/b", True),
        ("a?c", "abc", True),
        ("a**", "ab/c", False),
    ],
)
def test_patterns_of_gitlab(pattern: str, path: str, answer: bool) -> None:
    """At any depth without a slash before it; a folder ends in a slash."""
    assert fits_gitlab(pattern, path) is answer


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\r"])
@pytest.mark.parametrize("gitlab", [False, True])
def test_only_a_line_feed_ends_a_line(mark: str, gitlab: bool) -> None:
    """To the forges, and to whoever reviews the file, the rest of a comment is a comment."""
    assert parse(f"* @board\n# moved to{mark}* @eve\n", gitlab=gitlab).of("any.toml") == ("@board",)
    assert parse("* @board\r\n# none\r\n", gitlab=gitlab).of("any.toml") == ("@board",)


def test_only_plain_blanks_part_words() -> None:
    """A blank that does not break is part of a name to the forges: that line fits no file."""
    assert parse("* @board\n/any.toml\u00a0@eve @anna\n").of("any.toml") == ("@board",)
