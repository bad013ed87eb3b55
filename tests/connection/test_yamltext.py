"""YAML: what differs between PyYAML and Kubernetes, and documents made to hurt."""

from __future__ import annotations

import pytest
import yaml

from kubectl_metrics.connection import yamltext

LAUGHS = b"a: &a [x, x, x, x, x, x, x, x, x, x]\n" + b"".join(
    b"%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n" % (c, c, *[c - 1] * 10) for c in range(98, 110)
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"", None),
        (b"# nothing\n", None),
        (b"a: 2024-01-01", {"a": "2024-01-01"}),
        (b"a: 2024-01-01T00:00:00Z", {"a": "2024-01-01T00:00:00Z"}),
        (b"a: 1\nb: 1.5\nc: true\nd: null\ne: x", {"a": 1, "b": 1.5, "c": True, "d": None, "e": "x"}),
        (b'{"a": ["b", {"c": "d"}]}', {"a": ["b", {"c": "d"}]}),
        (b"\xef\xbb\xbfa: b", {"a": "b"}),
        (b"a: &x {k: v}\nb: *x", {"a": {"k": "v"}, "b": {"k": "v"}}),
    ],
)
def test_parse(text: bytes, value: object) -> None:
    assert yamltext.parse(text) == value


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 2_000_000,
        b"{a: " * 100_000,
        b"- " * 100_000,
        b"\n".join(b" " * i + b"-" for i in range(3000)),
        b"? " * 100_000,
        b"a: [unclosed s3cret",
        b"a: *s3cret",
        b"a: !s3cret b",
        b"\x00s3cret",
        b"\xff\xfes3cret\xff",
        b"a: b\n---\nc: s3cret",
        b"a: !!int s3cret",
        b"? [a, b]\n: s3cret",
        b"!!python/object/apply:os.system [s3cret]",
        b'a: !!int ""\nb: s3cret',
        b"a: !!int 1:30\nb: s3cret",
        b'a: !!float "+"\nb: s3cret',
        b"a: !!bool s3cret",
        b"a: !!timestamp s3cret",
    ],
)
def test_refused_without_quoting(text: bytes) -> None:
    with pytest.raises(yamltext.YAMLTextError) as caught:
        yamltext.parse(text)
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_position() -> None:
    with pytest.raises(yamltext.YAMLTextError, match=r"^not valid YAML \(line 2, column 4\)$"):
        yamltext.parse(b"a: [1,\nb: }")


def test_plain() -> None:
    shared = [1, None]
    assert yamltext.plain({"a": None, "b": shared, "c": shared}) == {"b": [1, None], "c": [1, None]}


@pytest.mark.parametrize("text", [b"&a [*a]", b"&a {b: *a}"])
def test_a_document_that_contains_itself(text: bytes) -> None:
    document = yamltext.parse(text)
    with pytest.raises(yamltext.YAMLTextError, match="too many values"):
        yamltext.plain(document)


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        # Each merge key takes in all that its aliases have taken in: 2**30 pairs.
        b"a0: &a0 {k: v}\n" + b"".join(b"a%d: &a%d {<<: [*a%d, *a%d]}\n" % (i, i, i - 1, i - 1) for i in range(1, 31)),
    ],
)
def test_aliases_of_aliases(text: bytes) -> None:
    with pytest.raises(yamltext.YAMLTextError, match="too many values"):
        yamltext.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        b'["]",' * 1_000_000,  # brackets that close nothing: in strings ...
        b"[ #]\n" * 1_000_000,  # ... and in comments
        b"".join(b" " * column + b"-\r" for column in range(3000)),  # other ends of lines
    ],
)
def test_the_parser_itself_counts_how_deep_it_is(text: bytes) -> None:
    with pytest.raises(yamltext.YAMLTextError, match="nested too deeply"):
        yamltext.parse(text)


def test_no_number_is_in_base_60() -> None:
    # 300,000 digits in base 60 would take a quarter of a minute, five million an hour.
    text = b"1" + b":1" * 5_000_000
    assert yamltext.parse(b"a: 1:30\nb: 1:30.5\nc: " + text) == {"a": "1:30", "b": "1:30.5", "c": text.decode()}


@pytest.mark.parametrize("text", [b'{"as": "\\ud83d\\ude00"}', b'"\\udfff"', b'{"\\ud800": 1}'])
@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
def test_half_a_character(monkeypatch: pytest.MonkeyPatch, text: bytes, loader: str) -> None:
    """Go knows no surrogates, nor does libyaml; PyYAML without that makes text of them that nobody can send."""
    monkeypatch.setattr(yamltext, "_loader", None)
    monkeypatch.setattr(yaml, "CSafeLoader", getattr(yaml, loader))
    with pytest.raises(yamltext.YAMLTextError):
        yamltext.parse(text)
