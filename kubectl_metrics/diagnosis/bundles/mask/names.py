"""Names replaced by others, the same name always by the same, wherever it occurs.

Strategy: what is replaced is a label, a piece of a name between dots, colons and slashes. Names are learned first, from
the fields that hold names, and in messages from where a message names something. Then each field that holds a name has
every label replaced that is not in the vocabulary; every other text only those that were learned, and host names and
addresses, which are known by their looks.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable

from kubectl_metrics.diagnosis.bundles.mask.addresses import Addresses
from kubectl_metrics.diagnosis.bundles.mask.vocabulary import (
    ASSIGNED,
    HOSTS,
    KEPT,
    PRODUCT,
    PUBLIC,
    QUOTED,
    RANDOM,
    TOP_LEVEL,
    VERSION,
)

_SHORTEST = 3  # characters of a name that is looked for in messages
_LETTERS = "bcdfghjklmnpqrstvwxz"  # no vowels, no words
_LENGTH = 9

_V4 = r"\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?(?![\w-])(?!\.\d)"
_LETTER = r"[A-Za-z0-9\u0080-\U0010FFFF]"  # users and companies are called in all scripts
_LABEL = rf"{_LETTER}+(?:[_-]+(?!{_V4}){_LETTER}+)*"  # "web-10.0.0.1" is a label and an address
# The texts may be made to hurt, so that nothing here may look at the whole rest of a text from each place in it.
_PIECES = re.compile(
    r"(?P<arn>\barn:aws[\w-]*:[^\s\"',\]}]+)"
    r"|(?P<digest>\bsha256:[0-9a-f]{64}\b)"
    rf"|(?P<mail>(?<![\w.+-])[\w.+-]+@(?:{_LABEL}\.)+[A-Za-z]{{2,}})"
    rf"|(?P<v4>(?<!\w)(?<!\d\.){_V4})"
    r"|(?P<v6>(?<![\w:.-])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{1,4})?(?:/\d{1,3})?(?![\w:-]))"
    rf"|(?P<host>(?<![\w-])(?:{_LABEL}\.){{1,126}}[A-Za-z]{{2,}}(?![\w-]))"  # 127 labels at most: RFC 1035, 255 bytes
    rf"|(?P<label>{_LABEL})"
)
_LABELS = re.compile(_LABEL)
_ACCOUNT = re.compile(r"\d{12}")  # AWS's accounts

Replace = Callable[[str], str]


class Names:
    """The names that were learned, and what they become under a key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._addresses = Addresses(key)
        self._kinds: dict[str, str] = {}
        self._known: dict[tuple[bool, str], str] = {}

    # ---- learning ----

    def learn(self, name: str, kind: str) -> None:
        """Remembers the labels of a name. The first kind that a label is learned as is what it will be called."""
        for match in _PIECES.finditer(name):
            if match.lastgroup in ("arn", "digest", "v4", "v6"):
                continue
            text = match.group()
            if match.lastgroup == "host" and PUBLIC.fullmatch(text):
                continue
            for position, label in enumerate(_LABELS.findall(text)):
                self._learn_label(label, kind if position == 0 else "host")

    def _learn_label(self, label: str, kind: str) -> None:
        if self._is_kept(label) or (len(label) < _SHORTEST and label.isascii()):
            return
        if not PRODUCT.search(label):
            self._kinds.setdefault(label, kind)
            return
        for part in PRODUCT.split(label):
            for rest in _LABELS.findall(part):
                if not _is_random(rest):
                    self._learn_label(rest, kind)

    def learn_from(self, text: str) -> None:
        """Learns what a message names."""
        if '"' in text:
            for match in QUOTED.finditer(text):
                self.learn(match.group(1), "name")
        if "=" in text:
            for match in ASSIGNED.finditer(text):
                self.learn(match.group(1), "name")
        if "://" in text or "lookup " in text or "dial " in text:
            for match in HOSTS.finditer(text):
                self.learn(match.group(1), "host")

    # ---- replacing ----

    def name(self, text: str) -> str:
        """A name, masked: all of it that is no word of the vocabulary."""
        return self._masked(text, True)

    def text(self, text: str) -> str:
        """A text with the names that were learned, host names and addresses masked."""
        return self._masked(text, False)

    def address(self, text: str) -> str | None:
        """An address or a CIDR, masked; None if it is none."""
        return self._addresses.mask(text)

    def digest(self, data: bytes) -> bytes:
        """A keyed hash."""
        return hmac.digest(self._key, b"data\0" + data, hashlib.sha256)

    def _masked(self, text: str, is_name: bool) -> str:
        found = self._known.get((is_name, text))
        if found is None:
            found = self._known[is_name, text] = self._replaced(text) if is_name else self._message(text)
        return found

    def _message(self, text: str) -> str:
        """A text in which what it quotes as a name is masked like a name."""
        masked, position = [], 0
        for match in QUOTED.finditer(text) if '"' in text else ():
            start, end = match.span(1)
            masked += [self._replaced(text[position:start], False), self._replaced(text[start:end])]
            position = end
        return "".join([*masked, self._replaced(text[position:], False)])

    def _replaced(self, text: str, is_name: bool = True) -> str:
        def piece(match: re.Match[str]) -> str:
            return self._piece(match, is_name)

        return _PIECES.sub(piece, text)

    def _piece(self, match: re.Match[str], is_name: bool) -> str:
        text, group = match.group(), match.lastgroup
        if group == "arn":
            return self._arn(text)
        if group == "digest":
            return f"sha256:{self.digest(text.encode()).hex()}"
        if group == "mail":
            account, _, domain = text.rpartition("@")
            return f"{_LABELS.sub(self._any_label, account)}@{self.name(domain)}"
        if group in ("v4", "v6"):
            masked = self._addresses.mask(text)
            if masked is not None:
                return masked
            return _LABELS.sub(self._any_label if is_name else self._learned_label, text)
        if group == "host":
            if PUBLIC.fullmatch(text):
                return text
            is_name = is_name or bool(TOP_LEVEL.fullmatch(text.rpartition(".")[2]))
        return _LABELS.sub(self._any_label if is_name else self._learned_label, text)

    def _any_label(self, match: re.Match[str]) -> str:
        label = match.group()
        if _ACCOUNT.fullmatch(label):
            return str(int.from_bytes(self.digest(label.encode())[:8], "big") % 10**12).zfill(12)
        if self._is_kept(label):
            return label
        masked, position = "", 0
        for product in PRODUCT.finditer(label):
            masked += self._around(label[position : product.start()]) + product.group()
            position = product.end()
        if position:
            return masked + self._around(label[position:])
        return self._parts(label) or self._hidden(label)

    def _around(self, part: str) -> str:
        """What stands before or after the name of a program, with its dashes."""
        words = part.strip("-_")
        if not words or self._is_kept(words) or all(_is_random(word) for word in words.split("-")):
            return part
        return _LABELS.sub(self._any_label, part)

    def _learned_label(self, match: re.Match[str]) -> str:
        label = match.group()
        if label in self._kinds:
            return self._hidden(label)
        if self._is_kept(label):
            return label
        return self._parts(label) or label

    def _parts(self, label: str) -> str:
        """A label with the learned names within it masked: "node-a-ca"; "" if there is none."""
        words = label.split("-")
        if len(words) < 2 or len(words) > 24:
            return ""
        masked, position, found = [], 0, label in self._kinds
        if found:
            return self._hidden(label)
        while position < len(words):
            for end in range(len(words), position, -1):
                candidate = "-".join(words[position:end])
                if candidate in self._kinds:
                    masked.append(self._hidden(candidate))
                    position, found = end, True
                    break
            else:
                masked.append(words[position])
                position += 1
        return "-".join(masked) if found else ""

    def _arn(self, text: str) -> str:
        """arn:partition:service:region:account:resource."""
        parts = text.split(":", 5)
        return ":".join(parts[:3] + [_LABELS.sub(self._any_label, part) for part in parts[3:]])

    def _is_kept(self, label: str) -> bool:
        return (label.isascii() and label.isdigit()) or label.lower() in KEPT or bool(VERSION.fullmatch(label))

    def _hidden(self, label: str) -> str:
        number = int.from_bytes(hmac.digest(self._key, b"name\0" + label.lower().encode(), hashlib.sha256)[:8], "big")
        letters = []
        for _ in range(_LENGTH):
            number, rest = divmod(number, len(_LETTERS))
            letters.append(_LETTERS[rest])
        return f"{self._kinds.get(label, 'name')}-x{''.join(letters)}"


def _is_random(word: str) -> bool:
    return word.isdigit() or bool(RANDOM.fullmatch(word)) or bool(re.fullmatch(r"v?\d+(?:\.\d+)*", word))
