"""Whose bytes are in an archive, and under which licence."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from krew import notices

ROOT = Path(__file__).parents[2]
LINUX = ["lib/libpython3.12.so.1.0", "lib/libssl.so.3", "lib/libcrypto.so.3", "lib/libz.so.1", "lib/libmpdec.so.3"]
MACOS = ["lib/Python", "lib/libssl.3.dylib", "lib/libcrypto.3.dylib"]
WINDOWS = ["lib\\python312.dll", "lib\\libssl-3.dll", "lib\\libffi-8.dll", "lib\\VCRUNTIME140.dll"]


@pytest.mark.parametrize(
    ("libraries", "names"),
    [
        (LINUX, {ssl.OPENSSL_VERSION, "zlib", "libmpdec"}),
        (MACOS, {ssl.OPENSSL_VERSION}),
        (WINDOWS, {ssl.OPENSSL_VERSION, "libffi", "Visual C++ runtime"}),
    ],
    ids=["linux", "macos", "windows"],
)
def test_libraries_of_a_python(libraries: list[str], names: set[str]) -> None:
    found = notices.named(libraries)
    assert {name for name, _ in found} == names
    assert all((ROOT / "krew" / "licenses" / licence).is_file() for _, licence in found)


def test_a_library_that_nobody_knows() -> None:
    with pytest.raises(ValueError, match=r"libfoo\.so\.1 would be in the archive, and its licence is not known"):
        notices.named(["lib/libfoo.so.1"])


def test_every_licence_is_somebodys() -> None:
    everything = {licence for _, licence in notices.named([*LINUX, *MACOS, *WINDOWS, "lib/libexpat.so.1"])}
    assert everything == {path.name for path in (ROOT / "krew" / "licenses").iterdir()}
