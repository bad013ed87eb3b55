"""Whom a certificate is for: Go's rules, and its words where it is for somebody else."""

from __future__ import annotations

import pytest

from kubectl_metrics.wire.servername import is_ip, mismatch


def said(sans: list[str], names: list[str]) -> str:
    dns, ips = [name for name in sans if not is_ip(name)], [name for name in sans if is_ip(name)]
    return mismatch(dns, ips, names)


@pytest.mark.parametrize(
    ("sans", "names"),
    [
        (["a.example"], ["a.example"]),
        (["a.example"], ["A.Example."]),
        (["A.EXAMPLE"], ["a.example"]),
        (["*.example.com"], ["a.example.com"]),
        (["a_b.example"], ["a_b.example"]),
        (["10.0.0.1"], ["10.0.0.1"]),
        (["FE80:0:0:0:0:0:0:1"], ["fe80::1"]),
        (["0:0:0:0:0:0:0:1"], ["[::1]"]),
        (["FE80:0:0:0:0:0:0:1\n"], ["fe80::1%eth0"]),
        (["10.0.0.1"], ["::ffff:10.0.0.1"]),
        (["b.example", "10.0.0.1"], ["10.0.0.9", "b.example"]),
        (["b.example", "10.0.0.1"], ["10.0.0.1", "c.example"]),
    ],
)
def test_name_matches(sans: list[str], names: list[str]) -> None:
    assert said(sans, names) == ""


@pytest.mark.parametrize(
    ("sans", "names", "words"),
    [
        (["a.example"], ["b.example"], "x509: certificate is valid for a.example, not b.example"),
        (["a.example", "10.0.0.1"], ["b.example"], "x509: certificate is valid for a.example, 10.0.0.1, not b.example"),
        (["a.example", "10.0.0.1"], ["10.0.0.2"], "x509: certificate is valid for 10.0.0.1, not 10.0.0.2"),
        (["a.example"], ["10.0.0.2"],
         "x509: cannot validate certificate for 10.0.0.2 because it doesn't contain any IP SANs"),
        (["a"], ["b", "10.0.0.1"], "x509: certificate is valid for a, not b or 10.0.0.1"),
        ([], ["cn.example"], "x509: certificate is not valid for any names, but wanted to match cn.example"),
        (["*.example.com"], ["example.com"], None),
        (["*.example.com"], ["a.b.example.com"], None),
        (["*.example.com"], [".example.com"], None),
        (["*"], ["localhost"], None),
        (["*.*.com"], ["a.b.com"], None),
        (["a*.example.com"], ["ab.example.com"], None),
        (["*.example.com"], ["*.example.com"], None),
        (["a.*.com"], ["a.b.com"], None),
        (["*.0.0.1"], ["10.0.0.1"], None),
        ([""], [""], None),
        (["x\x1b[31m"], ["b"], "x509: certificate is valid for x?[31m, not b"),
    ],
)  # fmt: skip
def test_name_does_not_match(sans: list[str], names: list[str], words: str | None) -> None:
    found = said(sans, names)
    assert found == words if words is not None else found


def test_an_address_in_a_dns_name_is_no_address() -> None:
    assert mismatch(["10.0.0.1"], [], ["10.0.0.1"])


def test_many_names_are_cut() -> None:
    found = said([f"n-{number}" for number in range(21)], ["b"])
    assert found.endswith("n-18, n-19, ..., not b")
