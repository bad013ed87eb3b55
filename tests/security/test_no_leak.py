"""Somebody listens in the middle: credentials reach servers that have proved who they are, and nobody else.

Each listener writes down every byte. What must not be heard is looked for as it is, as base64 and as hexadecimal
digits, in what came over the wire and in what could be read of it; and where all is in order it does arrive, so that it
would be found.
"""

from __future__ import annotations

import json
import socket
import ssl
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness import Result, run
from tests.security.credentials import KINDS, Credential, make
from tests.security.listener import UNVERIFIED, Kind, Listener, Tunnel, not_found, reply
from tests.simcluster.kubeconfig import kubeconfig
from tests.simcluster.pki import Pki

PROXY_PASSWORD = "pr0xy-passw0rd"
REDIRECTS = [301, 302, 303, 307, 308]
INSECURE = ("--kubelet-insecure-tls",)
Ask = Callable[..., Result]


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(params=KINDS)
def credential(request: pytest.FixtureRequest, pki: Pki, tmp_path: Path) -> Credential:
    return make(request.param, pki, tmp_path)


@pytest.fixture
def token(pki: Pki, tmp_path: Path) -> Credential:
    return make("token", pki, tmp_path)


@pytest.fixture
def ask(pki: Pki, tmp_path: Path) -> Ask:
    """A command with a credential; nothing that it prints shows a secret."""

    def function(server: str, credential: Credential, *arguments: str, **cluster: object) -> Result:
        if server.startswith("http:"):
            cluster = {"certificate-authority-data": None, **cluster}
        document = json.loads(kubeconfig(server, pki.cluster.pem, "alice", None, None, cluster))
        document["users"][0]["user"] = credential.user
        path = tmp_path / "kubeconfig"
        path.write_text(json.dumps(document))
        result = run(*arguments, *credential.flags, "-v", "--kubeconfig", str(path))
        printed = (result.out + result.err).encode()
        # Whom one acts as may be told, e.g. in "User ... cannot list"; how one proves who one is may not.
        assert not [text for text in credential.found_in(printed) if text.startswith("s3cret") or " " in text]
        assert PROXY_PASSWORD not in result.out + result.err
        return result

    return function


def nothing_heard(listener: Listener, credential: Credential) -> None:
    """The listener was there to hear, and heard none of the secrets."""
    assert listener.connections
    assert credential.found_in(listener.heard()) == []
    if listener.kind != "other-name":  # see test_a_certificate_is_shown_before_the_name_is_known
        assert listener.certificates == []
    if listener.kind == "plain":
        assert not [target for target in listener.targets if not target.startswith("http://")]
    else:
        assert listener.said == b""


# ---- the API server --------------------------------------------------------------------------------------------------


def test_they_arrive_where_all_is_in_order(pki: Pki, ask: Ask, credential: Credential) -> None:
    with Listener(pki, "verified") as api:
        ask(f"https://{api.address}", credential, "raw", "/version")
    assert api.targets == ["/version"]
    assert credential.arrived(bytes(api.said), api.certificates)
    # Not even then may anybody read it on the way, and a private key never arrives anywhere.
    assert credential.found_in(bytes(api.wire)) == []
    assert "the private key" not in credential.found_in(api.heard())


@pytest.mark.parametrize("kind", UNVERIFIED)
def test_an_api_server_that_cannot_prove_who_it_is(pki: Pki, ask: Ask, credential: Credential, kind: Kind) -> None:
    with Listener(pki, kind) as api:
        result = ask(f"https://{api.address}", credential, "nodes")
    assert (result.status, result.out) == (1, "")
    nothing_heard(api, credential)


@pytest.mark.parametrize("kind", UNVERIFIED)
def test_what_is_begun_before_the_command_line_is_read(
    pki: Pki, ask: Ask, credential: Credential, kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Listener(pki, kind) as api:
        ask(f"https://{api.address}", credential, "--version")  # which asks nobody, and has the kubeconfig written
        assert api.connections == 0
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
        assert run("nodes").status == 1
    nothing_heard(api, credential)


@pytest.mark.parametrize("command", [["raw", "/version"], ["pods", "-A", "--source", "kubelet"], ["diagnose"]])
@pytest.mark.parametrize("kind", UNVERIFIED)
def test_whatever_the_command(pki: Pki, ask: Ask, token: Credential, kind: Kind, command: list[str]) -> None:
    with Listener(pki, kind) as api:
        assert ask(f"https://{api.address}", token, *command).status in (1, 5)
    nothing_heard(api, token)


@pytest.mark.parametrize("kind", ["unknown-ca", "expired", "other-name"])
def test_the_flag_that_says_insecure_is_the_exception(pki: Pki, ask: Ask, token: Credential, kind: Kind) -> None:
    with Listener(pki, kind) as api:
        ask(f"https://{api.address}", token, "raw", "/version", "--insecure-skip-tls-verify")
    assert token.arrived(bytes(api.said), [])


@pytest.mark.parametrize("kind", ["plain", "old-tls"])
def test_even_insecure_is_encrypted(pki: Pki, ask: Ask, token: Credential, kind: Kind) -> None:
    with Listener(pki, kind) as api:
        assert ask(f"https://{api.address}", token, "raw", "/version", "--insecure-skip-tls-verify").status == 1
    nothing_heard(api, token)


def test_the_server_with_old_tls_would_talk_to_those_who_want_it(pki: Pki) -> None:
    client = ssl.create_default_context(cadata=pki.cluster.pem.decode())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        client.minimum_version = ssl.TLSVersion.TLSv1
        client.maximum_version = ssl.TLSVersion.TLSv1_1
    client.set_ciphers("ALL:@SECLEVEL=0")
    with (
        Listener(pki, "old-tls") as api,
        socket.create_connection(("127.0.0.1", api.port)) as sock,
        client.wrap_socket(sock, server_hostname="127.0.0.1") as tls,
    ):
        assert tls.version() in ("TLSv1", "TLSv1.1")


def test_a_server_with_http_gets_requests_without_credentials(pki: Pki, ask: Ask, credential: Credential) -> None:
    with Listener(pki, "plain") as api:
        result = ask(f"http://{api.address}", credential, "raw", "/version")
    assert credential.found_in(api.heard()) == []
    assert b"authorization" not in api.heard().lower()
    if "as" in credential.user:  # it would be made as somebody else
        assert (result.status, api.connections) == (1, 0)
    else:
        assert api.targets == ["/version"]
    if credential.plugin_ran is not None:
        assert not credential.plugin_ran.exists()


def test_http_with_the_flag_as(pki: Pki, ask: Ask, token: Credential) -> None:
    with Listener(pki, "plain") as api:
        assert ask(f"http://{api.address}", token, "nodes", "--as", "bob").status == 1
    assert api.connections == 0


def test_a_certificate_is_shown_before_the_name_is_known(pki: Pki, ask: Ask, tmp_path: Path) -> None:
    """To a server of the same authority, with another name: who asks, but neither the key nor the question."""
    credential = make("certificate", pki, tmp_path)
    with Listener(pki, "other-name") as api:
        ask(f"https://{api.address}", credential, "nodes")
    assert set(api.certificates) == {credential.certificate}
    assert api.said == b""
    assert credential.found_in(api.heard()) == []


# ---- redirects -------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["verified", "plain"])
def elsewhere(request: pytest.FixtureRequest, pki: Pki) -> Iterator[Listener]:
    """Where redirects lead: a server with a good certificate, or one without TLS."""
    with Listener(pki, request.param) as listener:
        yield listener


def redirecting(status: int, to: Listener) -> Callable[[str], bytes]:
    scheme = "http" if to.kind == "plain" else "https"
    return lambda target: reply("", f"{status} Elsewhere", f"Location: {scheme}://{to.address}{target}")


@pytest.mark.parametrize("status", REDIRECTS)
def test_no_redirect_of_the_api_server_is_followed(
    pki: Pki, ask: Ask, token: Credential, elsewhere: Listener, status: int
) -> None:
    with Listener(pki, "verified", redirecting(status, elsewhere)) as api:
        for command in (["nodes"], ["raw", "/version"], ["nodes", "--source", "kubelet"]):
            result = ask(f"https://{api.address}", token, *command)
            assert (result.status, result.out) == (1, "")
    assert token.arrived(bytes(api.said), [])
    assert elsewhere.connections == 0


@pytest.mark.parametrize("status", REDIRECTS)
def test_no_redirect_of_a_kubelet_is_followed(
    pki: Pki, ask: Ask, token: Credential, elsewhere: Listener, status: int
) -> None:
    with kubelet(pki, "verified", redirecting(status, elsewhere)) as node, api_with(pki, node) as api:
        for command in (*FROM_KUBELET, ["raw", "--node", "node-1", "/stats/summary", *DIRECT]):
            assert ask(f"https://{api.address}", token, *command).out.find("Mi") == -1
    assert token.arrived(bytes(node.said), [])
    assert elsewhere.connections == 0


# ---- kubelets --------------------------------------------------------------------------------------------------------

DIRECT = ("--kubelet-access", "direct")
FROM_KUBELET = (
    ["nodes", "--source", "kubelet"],
    ["nodes", "--source", "kubelet", *DIRECT],
    ["nodes", "--window", "100ms", *DIRECT],
    ["diagnose"],
    ["diagnose", "--node", "node-1"],
)


def kubelet(pki: Pki, kind: Kind, answer: Callable[[str], bytes] = not_found) -> Listener:
    return Listener(pki, kind, answer, names=("node-1", "127.0.0.1"))


def api_with(pki: Pki, node: Listener) -> Listener:
    """An API server whose one node has its kubelet there."""
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": node.port}},
        "allocatable": {"cpu": "2", "memory": "4Gi"},
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    thing = {"kind": "Node", "apiVersion": "v1", "metadata": {"name": "node-1", "uid": "1"}, "status": status}
    documents = {
        "/api/v1/nodes": {"kind": "NodeList", "apiVersion": "v1", "metadata": {}, "items": [thing]},
        "/api/v1/nodes/node-1": thing,
        "/version": {"gitVersion": "v1.34.4", "major": "1", "minor": "34"},
    }

    def answer(target: str) -> bytes:
        document = documents.get(target.partition("?")[0])
        return not_found(target) if document is None else reply(json.dumps(document))

    return Listener(pki, "verified", answer, names=("127.0.0.1", "api.example"))


@pytest.mark.parametrize("command", FROM_KUBELET, ids=" ".join)
def test_they_arrive_at_a_kubelet_where_all_is_in_order(
    pki: Pki, ask: Ask, credential: Credential, command: list[str]
) -> None:
    with kubelet(pki, "verified") as node, api_with(pki, node) as api:
        ask(f"https://{api.address}", credential, *command)
    if "as" in credential.user:  # a kubelet would see somebody else
        assert credential.found_in(node.heard()) == []
    else:
        assert credential.arrived(bytes(node.said), node.certificates)
        assert credential.found_in(bytes(node.wire)) == []


@pytest.mark.parametrize("command", FROM_KUBELET, ids=" ".join)
@pytest.mark.parametrize("kind", UNVERIFIED)
def test_a_kubelet_that_cannot_prove_whose_it_is(
    pki: Pki, ask: Ask, token: Credential, kind: Kind, command: list[str]
) -> None:
    with kubelet(pki, kind) as node, api_with(pki, node) as api:
        ask(f"https://{api.address}", token, *command)
    nothing_heard(node, token)


@pytest.mark.parametrize("kind", UNVERIFIED)
def test_whatever_the_credential(pki: Pki, ask: Ask, credential: Credential, kind: Kind) -> None:
    with kubelet(pki, kind) as node, api_with(pki, node) as api:
        ask(f"https://{api.address}", credential, "nodes", "--source", "kubelet")
    if "as" in credential.user:
        assert node.connections == 0
    else:
        nothing_heard(node, credential)


@pytest.mark.parametrize(
    ("kind", "access"),
    [
        ("unknown-ca", "direct"),
        ("expired", "direct"),
        *((kind, "proxy") for kind in ("verified", "unknown-ca", "expired", "other-name")),
    ],
)
@pytest.mark.parametrize("form", ["certificate", "exec-certificate"])
def test_a_handshake_that_reads_a_certificate_shows_none(
    pki: Pki, ask: Ask, tmp_path: Path, form: str, kind: Kind, access: str
) -> None:
    """It is all that diagnose has with a kubelet that it does not trust, or asks through the API server."""
    credential = make(form, pki, tmp_path)
    with kubelet(pki, kind) as node, api_with(pki, node) as api:
        ask(f"https://{api.address}", credential, "diagnose", "--kubelet-access", access)
    assert credential.certificate in api.certificates
    assert (node.handshakes > 0, node.certificates, bytes(node.said)) == (True, [], b"")


@pytest.mark.parametrize("kind", ["unknown-ca", "expired", "other-name"])
def test_insecure_for_kubelets(pki: Pki, ask: Ask, token: Credential, kind: Kind) -> None:
    with kubelet(pki, kind) as node, api_with(pki, node) as api:
        ask(f"https://{api.address}", token, "nodes", "--source", "kubelet", *INSECURE)
    assert token.arrived(bytes(node.said), [])


def test_insecure_for_kubelets_is_not_so_for_the_api_server(pki: Pki, ask: Ask, token: Credential) -> None:
    with Listener(pki, "unknown-ca") as api:
        ask(f"https://{api.address}", token, "nodes", "--source", "kubelet", *INSECURE)
    nothing_heard(api, token)


UNVERIFIED_API = ["nodes", "--source", "kubelet", "--insecure-skip-tls-verify"]


def test_insecure_for_the_api_server_is_not_so_for_kubelets(
    pki: Pki, ask: Ask, token: Credential, tmp_path: Path
) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_bytes(pki.cluster.pem)
    with kubelet(pki, "unknown-ca") as node, api_with(pki, node) as api:
        ask(f"https://{api.address}", token, *UNVERIFIED_API, "--kubelet-certificate-authority", str(authority))
    assert token.arrived(bytes(api.said), [])
    nothing_heard(node, token)


def test_public_authorities_do_not_vouch_for_kubelets(
    pki: Pki, ask: Ask, token: Credential, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node says itself which names it has, and whoever has a name can have a certificate for it."""
    roots = tmp_path / "roots.pem"
    roots.write_bytes(pki.cluster.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(roots))
    with kubelet(pki, "verified") as node, api_with(pki, node) as api:
        for command in (UNVERIFIED_API, [*UNVERIFIED_API, "--window", "50ms"], ["diagnose", UNVERIFIED_API[-1]]):
            ask(f"https://{api.address}", token, *command)
        direct = ask(f"https://{api.address}", token, *UNVERIFIED_API, "--kubelet-access", "direct")
    assert (direct.status, direct.out) == (2, "")
    assert "the kubeconfig names no CA of the cluster" in direct.err
    assert token.arrived(bytes(api.said), [])
    assert node.said == b""
    assert node.certificates == []


def test_the_read_only_port(pki: Pki, ask: Ask, credential: Credential) -> None:
    with kubelet(pki, "plain") as node, api_with(pki, node) as api:
        flags = ["--deprecated-kubelet-completely-insecure", "--kubelet-port", str(node.port)]
        ask(f"https://{api.address}", credential, "nodes", "--source", "kubelet", *flags)
    if "as" in credential.user:
        assert node.connections == 0
    else:
        assert node.targets[0].startswith("/stats/summary")
    assert credential.found_in(node.heard()) == []
    assert b"authorization" not in node.heard().lower()


# ---- proxies ---------------------------------------------------------------------------------------------------------


def through(proxy: Listener) -> str:
    return f"http://proxy-user:{PROXY_PASSWORD}@{proxy.address}"


PROXY_LOGIN = Credential({}, texts=[PROXY_PASSWORD])


@pytest.mark.parametrize("by", ["HTTPS_PROXY", "proxy-url"])
def test_a_proxy_sees_its_own_password_and_nothing_else(
    pki: Pki, ask: Ask, credential: Credential, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    with Listener(pki, "verified", names=("api.example",)) as api, Tunnel(pki, api.port) as proxy:
        cluster = {"proxy-url": through(proxy)} if by == "proxy-url" else {}
        if by == "HTTPS_PROXY":
            monkeypatch.setenv(by, through(proxy))
        ask("https://api.example:6443", credential, "raw", "/version", **cluster)
    assert proxy.targets == ["api.example:6443"]
    assert PROXY_LOGIN.found_in(bytes(proxy.said)) == [PROXY_PASSWORD]
    assert credential.found_in(proxy.heard()) == []
    assert credential.arrived(bytes(api.said), api.certificates)
    assert PROXY_LOGIN.found_in(api.heard()) == []


@pytest.mark.parametrize("kind", UNVERIFIED)
def test_a_proxy_that_leads_to_somebody_else(
    pki: Pki, ask: Ask, credential: Credential, monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    with Listener(pki, kind, names=("api.example",)) as api, Tunnel(pki, api.port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", through(proxy))
        ask("https://api.example:6443", credential, "raw", "/version")
    nothing_heard(api, credential)
    assert credential.found_in(proxy.heard()) == []


@pytest.mark.parametrize("kind", UNVERIFIED)
def test_a_proxy_with_tls_has_to_prove_who_it_is(pki: Pki, ask: Ask, token: Credential, kind: Kind) -> None:
    with Listener(pki, kind) as proxy:
        url = through(proxy).replace("http:", "https:")
        ask("https://api.example:6443", token, "raw", "/version", **{"proxy-url": url})
    nothing_heard(proxy, PROXY_LOGIN)
    nothing_heard(proxy, token)


def test_a_proxy_for_http_gets_no_credentials(
    pki: Pki, ask: Ask, token: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Tunnel(pki, 0) as proxy:
        monkeypatch.setenv("HTTP_PROXY", through(proxy))
        ask("http://api.example:8080", token, "raw", "/version")
    assert proxy.targets == ["http://api.example:8080/version"]
    assert token.found_in(proxy.heard()) == []


def test_kubelets_are_asked_without_the_proxy(pki: Pki, ask: Ask, token: Credential) -> None:
    with kubelet(pki, "verified") as node, api_with(pki, node) as api, Tunnel(pki, api.port) as proxy:
        cluster = {"proxy-url": through(proxy)}
        ask("https://api.example:6443", token, "nodes", "--source", "kubelet", *DIRECT, **cluster)
    assert set(proxy.targets) == {"api.example:6443"}
    assert token.arrived(bytes(node.said), [])
    assert PROXY_LOGIN.found_in(node.heard()) == []
