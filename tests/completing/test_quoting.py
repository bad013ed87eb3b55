"""Words of a shell's line, and the way back."""

from __future__ import annotations

import os
import shlex
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_metrics.completing.quoting import Word, expanded, meant, quoted, split


def texts(line: str) -> list[str]:
    return [word.text for word in split(line)]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a ", ["a", ""]),
        ("  a \t b\n", ["a", "b", ""]),
        ("a'b c'd", ["ab cd"]),
        ('a "b c" d', ["a", "b c", "d"]),
        ("a\\ b", ["a b"]),
        ('"a\\"b\\c\\$d"', ['a"b\\c$d']),
        ("'a\\'b", ["a\\b"]),
        ("'' x", ["", "x"]),
        ("a 'b c", ["a", "b c"]),
        ("a\\", ["a"]),
        ("$(touch x) `y`", ["$(touch", "x)", "`y`"]),
    ],
)
def test_split(line: str, words: list[str]) -> None:
    assert texts(line) == words


@pytest.mark.parametrize(
    ("line", "last"),
    [
        ("x 'a b", Word("a b", "'a b", "'", 0)),
        ('x --c="a', Word("--c=a", '--c="a', '"', 4)),
        ("x --c=a", Word("--c=a", "--c=a", "", 4)),
        ("x arn:aws:e", Word("arn:aws:e", "arn:aws:e", "", 8)),
        ("x arn\\:aws", Word("arn:aws", "arn\\:aws", "", 0)),
        ("x 'a:b'c", Word("a:bc", "'a:b'c", "", 0)),
        ("x admin@o", Word("admin@o", "admin@o", "", 5)),
        ("x a:b ", Word("", "", "", 0)),
    ],
)
def test_where_the_last_word_breaks(line: str, last: Word) -> None:
    assert split(line, " \t\n\"'@><=;|&(:")[-1] == last


def test_without_breaks_a_word_is_one() -> None:
    assert split("x a:b=c")[-1] == Word("a:b=c", "a:b=c", "", 0)


@pytest.mark.parametrize(
    ("raw", "meaning"),
    [
        ("~/x", "/home/me/x"),
        ("$HOME/x", "/home/me/x"),
        ("${HOME}/x", "/home/me/x"),
        ('"$HOME/a b"', "/home/me/a b"),
        ("'$HOME'", "$HOME"),
        ("\\$HOME", "$HOME"),
        ("\\~/x", "~/x"),
        ("'~'/x", "~/x"),
        ("a~", "a~"),
        ("$NONE/x", "$NONE/x"),
        ("$(touch x)", "$(touchx)"),
        ("a\\ b", "a b"),
    ],
)
def test_what_is_meant(raw: str, meaning: str) -> None:
    with mock.patch.dict(os.environ, {"HOME": "/home/me"}, clear=True):
        assert meant(raw) == meaning


def test_what_a_shell_has_unquoted_already() -> None:
    with mock.patch.dict(os.environ, {"HOME": "/home/me"}, clear=True):
        assert [expanded(word) for word in ("~/x", "$HOME", "tom's", 'a"b\\')] == [
            "/home/me/x",
            "/home/me",
            "tom's",
            'a"b\\',
        ]


@given(st.text(st.characters(exclude_characters="\0\n\r")))
def test_what_is_quoted_is_one_word_to_a_shell(text: str) -> None:
    assert texts(f"x {quoted(text)}")[1:] == [text]
    assert shlex.split(f"x{quoted(text)}") == [f"x{text}"]


@given(st.text(st.characters(exclude_characters="\0\n\r")))
def test_what_is_written_behind_a_quote(text: str) -> None:
    assert texts(f"x '{quoted(text, chr(39))}'") == ["x", text]
    assert texts(f'x "{quoted(text, chr(34))}"') == ["x", text]


@given(st.text())
def test_any_line_has_words(line: str) -> None:
    words = split(line, ":=@")
    assert all(0 <= word.start <= len(word.text) for word in words)
    assert all(word.raw in line for word in words)
