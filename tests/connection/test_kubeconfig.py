"""Which configuration is found, and what the flags make of it. The rules are kubectl's unless a test says otherwise."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_metrics.connection import execplugin
from kubectl_metrics.connection.config import (
    MAX_TIMEOUT,
    ClientConfig,
    Impersonation,
    Overrides,
    UserConfig,
    parse_timeout,
)
from kubectl_metrics.connection.kubeconfig import load
from kubectl_metrics.connection.kubefile import NO_HOME, RawAuthProvider, RawEnv, RawExec, RawUser, home_folder
from kubectl_metrics.errors import UsageError
from tests.harness import lose_home


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def config(name: str = "a", **more: Any) -> dict[str, Any]:
    """A kubeconfig with one context, cluster and user of that name."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}.example:6443"}}],
        "users": [{"name": name, "user": {"token": f"{name}-token"}}],
        **more,
    }


class World:
    """A home directory, an environment and a pod's service account."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "home"
        self.environ: dict[str, str] = {}
        self.pod = root / "serviceaccount"

    def write(self, name: str, content: object) -> str:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return str(path)

    def become_pod(self, *, port: str = "443", host: str = "10.96.0.1") -> None:
        self.environ |= {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
        self.write("serviceaccount/token", "pod-token\n")
        self.write("serviceaccount/ca.crt", "pod CA")
        self.write("serviceaccount/namespace", "pod-namespace\n")

    def load(self, **flags: Any) -> ClientConfig:
        return load(Overrides(**flags), self.environ, self.home, service_account=self.pod)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


# ---- files -----------------------------------------------------------------------------------------------------------


def test_home(world: World) -> None:
    world.write("home/.kube/config", config("home"))
    found = world.load()
    assert (found.context, found.server, found.namespace) == ("home", "https://home.example:6443", "default")
    assert (found.user.name, found.user.token) == ("home", "home-token")


def test_home_of_a_user_whom_nobody_knows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home_folder() == tmp_path
    lose_home(monkeypatch)
    assert home_folder() == NO_HOME
    assert not NO_HOME.exists()


def test_environment_before_home(world: World) -> None:
    world.write("home/.kube/config", config("home"))
    world.environ["KUBECONFIG"] = world.write("one", config("one"))
    assert world.load().context == "one"


def test_empty_environment_variable_counts_as_none(world: World) -> None:
    world.write("home/.kube/config", config("home"))
    world.environ["KUBECONFIG"] = ""
    assert world.load().context == "home"


def test_flag_before_environment(world: World) -> None:
    world.environ["KUBECONFIG"] = world.write("one", config("one"))
    assert world.load(kubeconfig=world.write("two", config("two"))).context == "two"


def test_flag_may_be_a_pipe(world: World) -> None:
    read, write = os.pipe()
    os.write(write, json.dumps(config("piped")).encode())
    os.close(write)
    try:
        assert world.load(kubeconfig=f"/dev/fd/{read}").context == "piped"
    finally:
        os.close(read)


def merge(world: World, *contents: object) -> None:
    paths = [world.write(f"file-{index}", content) for index, content in enumerate(contents)]
    world.environ["KUBECONFIG"] = os.pathsep.join(paths)


def test_missing_and_empty_files_of_the_list_are_skipped(world: World) -> None:
    one = world.write("one", config("one"))
    empty = world.write("empty", "# nothing\n")
    world.environ["KUBECONFIG"] = os.pathsep.join(["", str(world.root / "absent"), empty, one, one])
    assert world.load().context == "one"


def test_first_current_context_that_is_not_empty_wins(world: World) -> None:
    merge(world, {**config("a"), "current-context": ""}, config("b"), config("c"))
    assert world.load().context == "b"


def test_an_entry_is_taken_whole_from_the_first_file(world: World) -> None:
    first = config("a", users=[{"name": "a", "user": {"username": "x"}}])
    second = config("a", clusters=[{"name": "a", "cluster": {"server": "https://second"}}])
    second["users"][0]["user"]["password"] = "y"
    merge(world, first, second)
    found = world.load()
    assert found.server == "https://a.example:6443"
    assert (found.user.username, found.user.password, found.user.token) == ("x", "", None)


def test_entries_of_all_files_can_be_combined(world: World) -> None:
    merge(
        world,
        {"current-context": "x", "contexts": [{"name": "x", "context": {"cluster": "b", "user": "c"}}]},
        config("b"),
        config("c"),
    )
    found = world.load()
    assert (found.context, found.server, found.user.token) == ("x", "https://b.example:6443", "c-token")


def test_paths_are_relative_to_the_file_that_has_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    user = {"client-certificate": "pki/cert", "client-key": "../key", "tokenFile": "token"}
    first = config("a", users=[{"name": "a", "user": user}])
    first["clusters"][0]["cluster"]["certificate-authority"] = "ca"
    world.write("one/kubeconfig", first)
    for name, text in {"one/pki/cert": "CERT", "key": "KEY", "one/ca": "CA"}.items():
        world.write(name, text)
    world.environ["KUBECONFIG"] = "one/kubeconfig"  # relative itself
    monkeypatch.chdir(world.root)
    found = world.load()
    assert found.certificate_authority == b"CA"
    assert (found.user.certificate, found.user.key) == (b"CERT", b"KEY")
    assert found.user.token_file == str(world.root / "one" / "token")


def test_data_wins_over_files(world: World) -> None:
    user = {
        "client-certificate": "/absent",
        "client-certificate-data": b64("CERT"),
        "client-key": "/absent",
        "client-key-data": b64("KEY"),
    }
    content = config("a", users=[{"name": "a", "user": user}])
    content["clusters"][0]["cluster"] |= {"certificate-authority": "/absent", "certificate-authority-data": b64("CA")}
    merge(world, content)
    found = world.load()
    assert (found.certificate_authority, found.user.certificate, found.user.key) == (b"CA", b"CERT", b"KEY")


def test_all_of_a_cluster_and_a_context(world: World) -> None:
    content = config("a")
    content["contexts"][0]["context"]["namespace"] = "ns"
    content["clusters"][0]["cluster"] |= {
        "tls-server-name": "name.example",
        "insecure-skip-tls-verify": True,
        "proxy-url": "socks5://proxy:1080",
        "disable-compression": True,
    }
    merge(world, content)
    found = world.load(request_timeout=5.0)
    assert found == ClientConfig(
        context="a",
        server="https://a.example:6443",
        namespace="ns",
        insecure=True,
        tls_server_name="name.example",
        proxy_url="socks5://proxy:1080",
        disable_compression=True,
        user=UserConfig(name="a", token="a-token"),
        request_timeout=5.0,
    )


def test_what_does_not_matter_is_not_looked_at(world: World) -> None:
    content = config("a", extensions=[1], preferences={"colors": True}, unknown=[{}])
    content["users"].append({"name": "other", "user": {"token": 5, "client-certificate": "/absent"}})
    content["clusters"].append({"name": "other", "cluster": {"server": ["?"]}})
    content["contexts"].append({"name": "other", "context": {"cluster": "absent"}})
    content["users"][0]["user"]["unknown"] = object.__name__
    merge(world, content)
    assert world.load().user.token == "a-token"


def test_nulls_are_nothing(world: World) -> None:
    merge(
        world,
        """
        current-context: a
        contexts: [{name: a, context: {cluster: a, user: a, namespace: null}}]
        clusters: [{name: a, cluster: {server: "https://a", certificate-authority: , proxy-url: ~}}]
        users: [{name: a, user: {token: t, as: null, as-groups: null, exec: null, auth-provider: }}, {name: b, user: }]
        """,
    )
    assert world.load().user == UserConfig(name="a", token="t")
    assert world.load(user="b").user == UserConfig(name="b")


def test_exec(world: World) -> None:
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "bin/login",
        "args": ["get", "token"],
        "env": [{"name": "A", "value": "1"}, {"name": "B"}],
        "installHint": "brew install login",
        "provideClusterInfo": True,
        "interactiveMode": "Never",
    }
    content = config("a", users=[{"name": "a", "user": {"exec": plugin}}])
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "x", "port": 1}}
    content["clusters"][0]["cluster"]["extensions"] = [{"name": "other"}, extension]
    merge(world, content)
    found = world.load().user.exec
    assert found is not None
    assert found.command == str(world.root / "bin/login")
    assert found.args == ("get", "token")
    assert found.env == (("A", "1"), ("B", ""))
    assert (found.api_version, found.interactive_mode) == ("client.authentication.k8s.io/v1", "Never")
    assert (found.install_hint, found.provide_cluster_info) == ("brew install login", True)
    assert found.cluster_config == {"audience": "x", "port": 1}


@pytest.mark.parametrize(("command", "kept"), [("login", True), ("/bin/login", True), ("./login", False)])
def test_exec_command_without_a_slash_is_left_to_the_path(world: World, command: str, kept: bool) -> None:
    merge(world, config("a", users=[{"name": "a", "user": {"exec": {"command": command}}}]))
    found = world.load().user.exec
    assert found is not None
    assert (found.command == command) is kept


def test_auth_provider(world: World) -> None:
    provider = {"name": "oidc", "config": {"id-token": "s3cret"}}
    merge(world, config("a", users=[{"name": "a", "user": {"auth-provider": provider}}]))
    found = world.load().user.auth_provider
    assert found is not None
    assert (found.name, found.config) == ("oidc", {"id-token": "s3cret"})


# ---- flags -----------------------------------------------------------------------------------------------------------


def test_flags_choose_entries(world: World) -> None:
    merge(world, config("a"), config("b"), config("c"))
    found = world.load(context="b")
    assert (found.context, found.server, found.user.token) == ("b", "https://b.example:6443", "b-token")
    found = world.load(cluster="b", user="c")
    assert (found.context, found.server, found.user.token) == ("a", "https://b.example:6443", "c-token")


def test_flags_choose_entries_without_any_context(world: World) -> None:
    merge(world, {**config("a"), "current-context": "", "contexts": []})
    found = world.load(cluster="a", user="a")
    assert (found.context, found.server, found.user.token) == ("", "https://a.example:6443", "a-token")
    assert world.load(cluster="a").user == UserConfig()


def test_namespace(world: World) -> None:
    content = config("a")
    content["contexts"][0]["context"]["namespace"] = "of-context"
    merge(world, content)
    assert world.load().namespace == "of-context"
    assert world.load(namespace="of-flag").namespace == "of-flag"


def test_flags_alone(world: World) -> None:
    ca = world.write("ca", "CA")
    found = world.load(server="https://x:1/prefix/", certificate_authority=ca, token="t", namespace="n")
    assert found == ClientConfig(
        server="https://x:1/prefix", certificate_authority=b"CA", namespace="n", user=UserConfig(token="t")
    )


TRUST = {"certificate-authority-data": b64("CA"), "tls-server-name": "of-file"}


@pytest.mark.parametrize(
    ("cluster", "flags", "expected"),
    [
        (TRUST, {}, (b"CA", False, "of-file")),
        (TRUST, {"insecure_skip_tls_verify": True}, (None, True, "of-file")),
        (TRUST, {"certificate_authority": "ca"}, (b"OTHER", False, "of-file")),
        ({"insecure-skip-tls-verify": True}, {"certificate_authority": "ca"}, (b"OTHER", False, None)),
        (TRUST, {"tls_server_name": "of-flag"}, (b"CA", False, "of-flag")),
        (TRUST, {"server": "https://x"}, (b"CA", False, None)),
        (TRUST, {"server": "https://x", "tls_server_name": "of-flag"}, (b"CA", False, "of-flag")),
    ],
)
def test_flags_about_trust(
    world: World,
    cluster: dict[str, Any],
    flags: dict[str, Any],
    expected: tuple[object, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(world.root)
    world.write("ca", "OTHER")  # the flag's path is relative to the working directory
    content = config("a")
    content["clusters"][0]["cluster"] |= cluster
    merge(world, content)
    found = world.load(**flags)
    assert (found.certificate_authority, found.insecure, found.tls_server_name) == expected


def test_token_flag_stands_alone(world: World) -> None:
    """Unlike kubectl, which sends the client certificate along."""
    user = {
        "client-certificate": "/absent",
        "client-key": "/absent",
        "tokenFile": "/absent",
        "exec": {"command": "x"},
        "as": "somebody",
    }
    merge(world, config("a", users=[{"name": "a", "user": user}]))
    expected = UserConfig(name="a", token="t", impersonate=Impersonation("somebody"))
    assert world.load(token="t").user == expected
    assert world.load(token="t", user="a").user == expected
    merge(world, config("a", users=[]))
    assert world.load(token="t").user == UserConfig(token="t")


def test_certificate_flags(world: World) -> None:
    cert, key = world.write("cert", "CERT"), world.write("key", "KEY")
    user = {"client-certificate-data": b64("OLD"), "client-key-data": b64("OLD KEY")}
    merge(world, config("a", users=[{"name": "a", "user": user}]))
    found = world.load(client_certificate=cert, client_key=key).user
    assert (found.certificate, found.key) == (b"CERT", b"KEY")
    found = world.load(client_certificate=cert).user
    assert (found.certificate, found.key) == (b"CERT", b"OLD KEY")
    found = world.load(client_certificate=cert, client_key=key, token="t").user
    assert (found.certificate, found.key, found.token) == (b"CERT", b"KEY", "t")


def test_impersonation(world: World) -> None:
    user = {"token": "t", "as": "u", "as-uid": "1", "as-groups": ["g", "h"], "as-user-extra": {"scopes": ["a", "b"]}}
    merge(world, config("a", users=[{"name": "a", "user": user}]))
    extra = (("scopes", ("a", "b")),)
    assert world.load().user.impersonate == Impersonation("u", "1", ("g", "h"), extra)
    flags = {"impersonate_user": "v", "impersonate_uid": "2", "impersonate_groups": ("i",)}
    assert world.load(**flags).user.impersonate == Impersonation("v", "2", ("i",), extra)


# ---- servers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server", "secure", "url"),
    [
        ("https://a:6443", False, "https://a:6443"),
        ("https://a:6443/", False, "https://a:6443"),
        ("https://a/k8s/c-1/", False, "https://a/k8s/c-1"),
        ("https://a/p?query#fragment", False, "https://a/p"),
        ("http://a:8080", False, "http://a:8080"),
        ("HTTPS://a", False, "https://a"),
        ("a:6443", False, "http://a:6443"),
        ("a:6443", True, "https://a:6443"),
        ("a", True, "https://a"),
        ("[::1]:6443", True, "https://[::1]:6443"),
        ("https://[fe80::1]", False, "https://[fe80::1]"),
    ],
)
def test_server(world: World, server: str, secure: bool, url: str) -> None:
    assert world.load(server=server, insecure_skip_tls_verify=secure).server == url


def test_a_client_certificate_makes_the_default_https(world: World) -> None:
    cert, key = world.write("cert", "CERT"), world.write("key", "KEY")
    assert world.load(server="a", client_certificate=cert, client_key=key).server == "https://a"


def test_over_plain_http_no_credential_is_read(world: World) -> None:
    content = config("a", users=[{"name": "a", "user": {"tokenFile": "/absent", "client-certificate": "/absent"}}])
    content["clusters"][0]["cluster"]["server"] = "http://a"
    merge(world, content)
    assert world.load().user == UserConfig(name="a")
    assert world.load(token="t").user == UserConfig(name="a")


def test_kubernetes_master(world: World) -> None:
    world.environ["KUBERNETES_MASTER"] = "https://master"
    assert world.load().server == "https://master"


# ---- in a pod --------------------------------------------------------------------------------------------------------


def test_pod(world: World) -> None:
    world.become_pod()
    assert world.load() == ClientConfig(
        server="https://10.96.0.1:443",
        namespace="pod-namespace",
        certificate_authority=b"pod CA",
        user=UserConfig(token_file=str(world.pod / "token")),
    )


def test_pod_with_ipv6(world: World) -> None:
    world.become_pod(host="fd00::1", port="6443")
    assert world.load().server == "https://[fd00::1]:6443"


def test_pod_namespace(world: World) -> None:
    world.become_pod()
    world.environ["POD_NAMESPACE"] = "of-environment"
    assert world.load().namespace == "of-environment"
    assert world.load(namespace="of-flag").namespace == "of-flag"
    del world.environ["POD_NAMESPACE"]
    (world.pod / "namespace").unlink()
    assert world.load().namespace == "default"


def test_pod_and_flags(world: World) -> None:
    world.become_pod()
    ca = world.write("ca", "CA")
    found = world.load(token="t", certificate_authority=ca, impersonate_user="u")
    assert (found.server, found.certificate_authority) == ("https://10.96.0.1:443", b"CA")
    assert found.user == UserConfig(token="t", impersonate=Impersonation("u"))
    assert world.load(insecure_skip_tls_verify=True).certificate_authority is None


def test_pod_without_ca(world: World) -> None:
    world.become_pod()
    (world.pod / "ca.crt").unlink()
    assert world.load().certificate_authority is None


def test_a_kubeconfig_wins_over_the_pod(world: World) -> None:
    world.become_pod()
    world.write("home/.kube/config", config("home"))
    assert world.load().server == "https://home.example:6443"
    assert world.load().user.token == "home-token"


def test_the_pods_namespace_is_that_of_a_context_without_one(world: World) -> None:
    world.become_pod()
    content = config("home")
    world.write("home/.kube/config", content)
    assert world.load().namespace == "pod-namespace"
    assert world.load(server="https://x").namespace == "pod-namespace"
    assert world.load(namespace="of-flag").namespace == "of-flag"
    world.environ["POD_NAMESPACE"] = "of-environment"
    assert world.load().namespace == "of-environment"
    content["contexts"][0]["context"]["namespace"] = "default"
    world.write("home/.kube/config", content)
    assert world.load().namespace == "default"


def test_a_server_flag_wins_over_the_pod(world: World) -> None:
    world.become_pod()
    found = world.load(server="https://x")
    assert (found.user, found.namespace) == (UserConfig(), "pod-namespace")


def test_the_pod_wins_over_a_kubeconfig_without_a_server(world: World) -> None:
    world.become_pod()
    context = {"name": "c", "context": {"namespace": "of-context"}}
    world.write("home/.kube/config", {"contexts": [context], "current-context": "c"})
    found = world.load()
    assert (found.server, found.namespace) == ("https://10.96.0.1:443", "of-context")


# ---- secrets and timeouts --------------------------------------------------------------------------------------------


def test_no_repr_shows_a_secret(world: World) -> None:
    user = {
        "token": "s3cret",
        "client-key-data": b64("s3cret"),
        "client-certificate-data": b64("c"),
        "exec": {"command": "x", "args": ["s3cret"], "env": [{"name": "A", "value": "s3cret"}]},
    }
    merge(world, config("a", users=[{"name": "a", "user": user}]))
    found = world.load()
    provider = {"name": "oidc", "config": {"id-token": "s3cret"}}
    other = config("b", users=[{"name": "b", "user": {"auth-provider": provider, "password": "s3cret"}}])
    merge(world, other)
    for value in (found, found.user, found.user.exec, world.load(), world.load().user.auth_provider):
        assert "s3cret" not in repr(value)
    assert "s3cret" not in repr(Overrides(token="s3cret"))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", MAX_TIMEOUT), ("0s", MAX_TIMEOUT), ("0h0m", MAX_TIMEOUT),
        ("5", 5.0), ("+5", 5.0), ("5s", 5.0), ("1m30s", 90.0), ("500ms", 0.5),
        ("1.5h", 5400.0), (".5s", 0.5), ("1.s", 1.0), ("100us", 1e-4), ("100µs", 1e-4), ("100μs", 1e-4),
        ("1h1m1s1ms", 3661.001), ("999999999999999999h", 315360000.0),
    ],
)  # fmt: skip
def test_timeout(text: str, seconds: float) -> None:
    """Nothing and none are not the same: 0 is no limit, as for kubectl."""
    assert parse_timeout(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "-1", "-1s", "1.5", "5 s", " 5", "5d", "s", "1m30", ".s", "1s-1s", "1e3", "٣", "5s\n", "9" * 5000]
)
def test_no_timeout(text: str) -> None:
    with pytest.raises(UsageError, match="a single integer in seconds, or an integer"):
        parse_timeout(text)


def test_nor_do_those_of_what_is_read() -> None:
    for value in (
        RawAuthProvider("oidc", {"id-token": "s3cret"}),
        RawExec(command="login", args=("--password", "s3cret"), env=(RawEnv("TOKEN", "s3cret"),)),
        RawUser(token="s3cret"),
        execplugin._ExecCredential(status=execplugin._Status(token="s3cret")),
    ):
        assert "s3cret" not in repr(value)
