"""Kubeconfigs that cannot be used: each is one line that names the file and the entry, and quotes no content."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kubectl_metrics.connection import kubefile
from kubectl_metrics.errors import KubeconfigError
from tests.connection.test_kubeconfig import World, b64, config, merge


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def failing(call: Callable[[], object]) -> KubeconfigError:
    with pytest.raises(KubeconfigError) as caught:
        call()
    text = str(caught.value)
    assert text.startswith("error: ")
    assert "\n" not in text
    assert "s3cret" not in text + str(caught.value.hint)
    return caught.value


def user(**fields: Any) -> dict[str, Any]:
    return config("a", users=[{"name": "a", "user": {k.replace("_", "-"): v for k, v in fields.items()}}])


def cluster(**fields: Any) -> dict[str, Any]:
    content = config("a")
    content["clusters"][0]["cluster"] |= {k.replace("_", "-"): v for k, v in fields.items()}
    return content


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a: [s3cret", "not valid YAML (line 2, column 1)"),
        ("\x00s3cret", "not valid YAML"),
        ("just s3cret text", "not a kubeconfig: a mapping is expected at the top"),
        ("[s3cret]", "not a kubeconfig: a mapping is expected at the top"),
        ("kind: Pod\napiVersion: v1", "not a kubeconfig: apiVersion v1 and kind Config are expected"),
        ("kind: Config\napiVersion: v2", "not a kubeconfig: apiVersion v1 and kind Config are expected"),
        ("kind: [s3cret]", "not a kubeconfig: apiVersion v1 and kind Config are expected"),
        ("[" * 1000, "nested too deeply"),
        ({"current-context": 5}, "current-context is not a string"),
        ({"contexts": {"a": {}}}, "contexts is not a list"),
        ({"users": ["s3cret"]}, "users[0] is not a mapping"),
        ({"clusters": [{"name": "a"}, {"name": 123}]}, "clusters[1].name is not a string (quotes missing?)"),
        ({"users": [{"name": "a", "user": "s3cret"}]}, 'user "a" is not a mapping'),
        ({"users": [{"name": "a"}, {"name": "b"}, {"name": "a"}]}, 'duplicate name "a" in users'),
        (user(token=5), 'user "a": Expected `str`, got `int` - at `$.token`'),
        (user(token={"s3cret": 1}), 'user "a": Expected `str`, got `object` - at `$.token`'),
        (user(exec={"command": "x", "args": "s3cret"}), 'user "a": Expected `array`, got `str` - at `$.exec.args`'),
        (user(exec={"env": [{"name": "A", "value": 1}]}),
         'user "a": Expected `str`, got `int` - at `$.exec.env[0].value`'),
        (cluster(insecure_skip_tls_verify="yes"),
         'cluster "a": Expected `bool`, got `str` - at `$.insecure-skip-tls-verify`'),
    ],
    ids=lambda _: "x",  # a test's name is in the path of its files, and that in the message
)  # fmt: skip
def test_broken_file(world: World, content: object, words: str) -> None:
    path = world.write("broken", content)
    world.environ["KUBECONFIG"] = path
    assert failing(world.load).message == f'error loading config file "{path}": {words}'


def test_one_broken_file_of_the_list_is_an_error(world: World) -> None:
    merge(world, config("a"), "[")
    assert "file-1" in str(failing(world.load))


def test_aliases_of_aliases(world: World) -> None:
    laughs = ["x: &a [y, y, y, y, y, y, y, y, y, y]"]
    laughs += [f"x{c}: &{c} [{', '.join([f'*{chr(ord(c) - 1)}'] * 10)}]" for c in "bcde"]
    text = "\n".join([*laughs, "current-context: c", "contexts: [{name: c, context: {cluster: c, user: u}}]",
                      "clusters: [{name: c, cluster: {server: 'https://x'}}]",
                      "users: [{name: u, user: {as: u, as-groups: [*e, *e, *e]}}]"])  # fmt: skip
    merge(world, text)
    assert 'user "u": too many values' in str(failing(world.load))


def test_too_large(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    path = world.write("large", "#" + "x" * 1000)
    monkeypatch.setattr(kubefile, "MAX_FILE", 1000)
    assert f"open {path}: larger than" in str(failing(lambda: world.load(kubeconfig=path)))


def test_explicit_file_has_to_exist(world: World) -> None:
    world.write("home/.kube/config", config("home"))
    error = failing(lambda: world.load(kubeconfig="/does/not/exist"))
    assert str(error) == "error: stat /does/not/exist: no such file or directory"  # kubectl's words


def test_folder(world: World) -> None:
    error = failing(lambda: world.load(kubeconfig=str(world.root)))
    assert str(error) == f'error: error loading config file "{world.root}": open {world.root}: is a directory'


def test_unreadable(world: World) -> None:
    path = world.write("unreadable", config("a"))
    os.chmod(path, 0)
    me = os.geteuid()
    if me == 0:  # root may read everything, nobody may not
        os.seteuid(65534)
    try:
        error = failing(lambda: world.load(kubeconfig=path))
    finally:
        os.seteuid(me)
    assert str(error).endswith(": permission denied")


def test_missing_entries(world: World) -> None:
    """The first three texts are kubectl's; for the rest see the module's docstring."""
    merge(world, config("a"))
    assert failing(lambda: world.load(context="x")).message == 'context "x" does not exist'
    assert failing(lambda: world.load(cluster="x")).message == 'cluster "x" does not exist'
    assert failing(lambda: world.load(user="x")).message == 'auth info "x" does not exist'
    assert failing(lambda: world.load(token="t", user="x")).message == 'auth info "x" does not exist'
    merge(world, config("a", **{"current-context": "x"}))
    error = failing(world.load)
    assert error.message.startswith("context was not found for specified context: x (the current-context of ")
    assert error.hint == "contexts in the kubeconfig: a"
    merge(world, config("a", clusters=[]))
    assert failing(world.load).message == 'cluster "a" was not found for context "a"'
    merge(world, config("a", users=[]))
    error = failing(world.load)
    assert error.message == 'user "a" was not found for context "a"'
    assert error.hint == "the kubeconfig has no users"


def test_many_contexts_are_not_all_named(world: World) -> None:
    contexts = [{"name": f"c{index:03}", "context": {}} for index in range(30)]
    merge(world, {"contexts": contexts})
    hint = failing(lambda: world.load(context="x")).hint
    assert hint is not None
    assert hint.endswith("c008, c009, and 20 more")


def test_no_server(world: World) -> None:
    content = config("a")
    content["clusters"][0]["cluster"] = {}
    merge(world, content)
    assert failing(world.load).message == f'no server found for cluster "a" in {world.root / "file-0"}'


def test_nothing(world: World) -> None:
    error = failing(world.load)
    path = world.home / ".kube/config"
    assert error.message == (
        f"no configuration has been provided: looked at {path} (does not exist), "
        "and this is not a pod with a service account"
    )
    assert error.hint is not None
    assert "--kubeconfig" in error.hint and "KUBECONFIG" in error.hint


def test_no_current_context(world: World) -> None:
    merge(world, {**config("a"), "current-context": ""})
    error = failing(world.load)
    assert error.message == f"no current context is set in {world.root / 'file-0'}"
    assert error.hint is not None
    assert "use-context" in error.hint


@pytest.mark.parametrize("missing", ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "token"])
def test_half_a_pod_is_none(world: World, missing: str) -> None:
    world.become_pod()
    world.environ.pop(missing, None)
    if missing == "token":
        (world.pod / "token").unlink()
    assert "this is not a pod" in str(failing(world.load))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (user(client_certificate_data="s3cret!", client_key_data=b64("k")),
         'client-certificate-data of user "a" in FILE is not base64'),
        (user(client_certificate_data=b64("c"), client_key_data="s3cret"),
         'client-key-data of user "a" in FILE is not base64'),
        (cluster(certificate_authority_data="ünicode"),
         'certificate-authority-data of cluster "a" in FILE is not base64'),
        (user(client_certificate_data=b64("c")),
         'client-key-data or client-key must be specified for user "a" in FILE '
         'to use the clientCert authentication method'),
        (user(client_certificate="absent"),
         'unable to read client-certificate DIR/absent for user "a" in FILE due to open DIR/absent: '
         'no such file or directory'),
        (user(client_certificate_data=b64("c"), client_key="absent"),
         'unable to read client-key DIR/absent for user "a" in FILE due to open DIR/absent: '
         'no such file or directory'),
        (cluster(certificate_authority="absent"),
         'unable to read certificate-authority DIR/absent for cluster "a" in FILE due to open DIR/absent: '
         'no such file or directory'),
        (cluster(certificate_authority_data=b64("c"), insecure_skip_tls_verify=True),
         'specifying a root certificates file with the insecure flag is not allowed (cluster "a" in FILE)'),
        (user(token="s3cret", username="u"),
         'more than one authentication method found for user "a" in FILE; found [token basicAuth], '
         'only one is allowed'),
        (config("a", users=[{"name": "a", "user": {"tokenFile": "/s3cret", "password": "s3cret"}}]),
         'username/password or bearer token may be set, but not both: user "a" in FILE'),
        (user(exec={"command": "x"}, auth_provider={"name": "oidc"}),
         'authProvider cannot be provided in combination with an exec plugin for user "a" in FILE'),
        (user(as_groups=["g"]), 'requesting uid, groups or user-extra for a without impersonating a user'),
        (cluster(proxy_url="ftp://u:s3cret@x"),
         'invalid \'proxy-url\' for cluster "a" in FILE: unsupported scheme "ftp", must be http, https, or socks5'),
        (cluster(proxy_url="http://u:s3cret@"), 'invalid \'proxy-url\' for cluster "a" in FILE: no host in it'),
        (cluster(proxy_url="http://[s3cret"), 'invalid \'proxy-url\' for cluster "a" in FILE: could not parse it'),
        (cluster(server="ftp://x"), 'unsupported protocol scheme "ftp" of the server'),
        (cluster(server="https://x:99999999"), "host must be a URL or a host:port pair: 'https://x:99999999'"),
        (cluster(server="https://"), "host must be a URL or a host:port pair: 'https://'"),
        (cluster(server="https://a b"), "host must be a URL or a host:port pair: 'https://a b'"),
        (cluster(server="https://x\r\ny"), "host must be a URL or a host:port pair: 'https://x\\r\\ny'"),
        (cluster(server="https://u:s3cret@x"),
         "the URL of the server x holds a user name or password, which is not supported"),
        (cluster(server="https://u:s3cret@x:y"), "host must be a URL or a host:port pair: 'https://***@x:y'"),
    ],
)  # fmt: skip
def test_broken_entry(world: World, content: dict[str, Any], words: str) -> None:
    merge(world, content)
    path = str(world.root / "file-0")
    expected = words.replace("FILE", path).replace("DIR", str(world.root))
    assert failing(world.load).message == expected


def test_flag_names_no_file(world: World) -> None:
    error = failing(lambda: world.load(server="https://x", certificate_authority="/absent"))
    assert error.message == (
        "unable to read certificate-authority /absent for --certificate-authority due to open /absent: "
        "no such file or directory"
    )
    cert = world.write("cert", "C")
    error = failing(lambda: world.load(server="https://x", client_certificate=cert))
    assert "must be specified for the command line" in error.message


def test_a_path_that_no_file_can_have(world: World) -> None:
    """YAML can write a NUL, and a path cannot have one."""
    for content in (
        cluster(certificate_authority="a\0b"),
        user(client_certificate="a\0b", client_key="key"),
        user(client_certificate_data=b64("c"), client_key="a\0b"),
    ):
        merge(world, json.dumps(content))
        assert failing(world.load).message.endswith(f"due to open {world.root}/a\0b: invalid argument")
    error = failing(lambda: world.load(kubeconfig="a\0b"))
    assert error.message == 'error loading config file "a\0b": open a\0b: invalid argument'


def test_contradicting_flags(world: World) -> None:
    ca = world.write("ca", "CA")
    error = failing(lambda: world.load(server="https://x", certificate_authority=ca, insecure_skip_tls_verify=True))
    assert error.message.startswith("specifying a root certificates file with the insecure flag is not allowed")
