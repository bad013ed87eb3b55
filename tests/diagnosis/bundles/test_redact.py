"""Nothing secret stays in an evidence, wherever an API object may have carried it."""

from __future__ import annotations

import base64
import json
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_metrics.diagnosis import objects as k8s
from kubectl_metrics.diagnosis.bundles.bundle import encode
from kubectl_metrics.diagnosis.bundles.redact import REMOVED, redact, redact_text
from kubectl_metrics.diagnosis.evidence import Evidence, Health, Log
from kubectl_metrics.diagnosis.judge import judge
from kubectl_metrics.diagnosis.probe import Answer, Attempt, KubeletProbe, Scrape
from tests.diagnosis.build import failed, healthy, ok, pem

T = TypeVar("T")

JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl-PLANTED_sig"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAplanted0\nplanted1PLANTED\n-----END RSA PRIVATE KEY-----"
EKS = "k8s-aws-v1.aHR0cHM6Ly9zdHMPLANTED"
AWS = "AKIAPLANTEDPLANTED42"


def decoded(kind: type[T], document: dict[str, Any]) -> T:
    """An object as the API server sends it, with fields that nobody has declared."""
    return msgspec.json.decode(json.dumps(document), type=kind)


METADATA = {
    "name": "metrics-server",
    "namespace": "kube-system",
    "annotations": {
        "kubectl.kubernetes.io/last-applied-configuration": '{"data":{"password":"planted-02"}}',
        "meta.helm.sh/release-name": "metrics-server",
        "example.org/token": "planted-03",
    },
    "managedFields": [{"manager": "helm", "fieldsV1": {"f:data": {"f:planted-04": {}}}}],
}
CONTAINER = {
    "name": "metrics-server",
    "image": "registry.example/metrics-server:v0.9.0",
    "command": ["/metrics-server", "--token", "planted-05", "--etcd-password=planted-06"],
    "args": [
        "--kubelet-insecure-tls",
        "--api-key=planted-07",
        f"--authorization={JWT}",
        "--client-secret", "planted-08",
        "--upstream=https://user:planted-09@upstream.example/x",
        "--script=curl -H 'Authorization: Bearer planted-10x'",
        "--tls-private-key-file=/etc/tls/tls.key",
        "--bearer=planted-40",
        "--pass=planted-41",
        "--db-pwd", "planted-42",
        "--auth=planted-43",
        "--cookie=planted-44",
        "--dsn=user:planted-45@tcp(db)/x",
        "--anonymous-auth=false",
        "--authorization-mode=Node,RBAC",
        "--authentication-kubeconfig=/etc/kubernetes/x.conf",
    ],
    "env": [
        {"name": "PASSWORD", "value": "planted-11"},
        {"name": "HTTPS_PROXY", "value": "http://user:planted/12@proxy.example:3128"},
        {"name": "no_proxy", "value": "10.0.0.0/8"},
        {"name": "AWS_ACCESS_KEY_ID", "value": AWS},
    ],
    "envFrom": [{"secretRef": {"name": "planted-13"}}],
    "volumeMounts": [{"name": "planted-14"}],
}  # fmt: skip
POD = {
    "metadata": METADATA,
    "spec": {
        "containers": [CONTAINER],
        "initContainers": [CONTAINER],
        "imagePullSecrets": [{"name": "planted-15"}],
        "nodeName": "node-a",
    },
    "status": {
        "message": f"could not log in with {JWT}",
        "conditions": [{"type": "Ready", "message": "token=planted-16"}],
        "containerStatuses": [
            {
                "name": "metrics-server",
                "state": {"waiting": {"reason": "x", "message": 'pulling from "https://me:planted-17@registry/x"'}},
                "lastState": {"terminated": {"message": f"panic: {KEY}", "exitCode": 1}},
            }
        ],
    },
}


def planted() -> Evidence:
    """A cluster whose every object carries secrets."""
    evidence = healthy()
    deployment = {"metadata": METADATA, "spec": {"template": POD}, "status": {"conditions": []}}
    evidence.deployments = ok([decoded(k8s.Deployment, deployment)])
    for name in ("service_pods", "control_plane", "kube_proxies", "tunnels", "pods"):
        setattr(evidence, name, ok([decoded(k8s.Pod, POD)]))
    evidence.authentication = ok(
        decoded(
            k8s.ConfigMap,
            {
                "data": {
                    "client-ca-file": pem("kubernetes") + KEY,
                    "requestheader-client-ca-file": pem("front-proxy-ca"),
                    "requestheader-allowed-names": '["front-proxy-client"]',
                    "password": "planted-18",
                },
                "binaryData": {"x": "planted-19"},
            },
        )
    )
    evidence.root_ca = ok(decoded(k8s.ConfigMap, {"data": {"ca.crt": pem("kubernetes"), "tls.key": KEY}}))
    roles = "- rolearn: arn:aws:iam::1:role/x\n  username: u\n  groups:\n  - system:nodes\n  sessionName: planted-20\n"
    evidence.aws_auth = ok(
        decoded(k8s.ConfigMap, {"data": {"mapRoles": roles, "mapUsers": "- userarn: planted-21", "x": "planted-22"}})
    )
    bundle = base64.b64encode((pem("kubernetes") + KEY).encode()).decode()
    evidence.api_services = ok(
        [
            decoded(
                k8s.APIService,
                {
                    "metadata": METADATA,
                    "spec": {"group": "metrics.k8s.io", "version": "v1beta1", "caBundle": bundle},
                    "status": {"conditions": [{"type": "Available", "message": f"Bearer {EKS}"}]},
                },
            )
        ]
    )
    csr = {
        "metadata": METADATA,
        "spec": {"signerName": "x", "request": "planted-23", "extra": {"x": ["planted-24"]}},
        "status": {"certificate": bundle},
    }  # fmt: skip
    evidence.csrs = ok([decoded(k8s.CSR, csr)])
    evidence.events = ok([decoded(k8s.Event, {"metadata": METADATA, "message": "password: planted-25"})])
    evidence.logs = ok(
        [
            Log(
                pod="metrics-server",
                lines=[
                    f'E1 "Unable to authenticate" token="{JWT}"',
                    "Authorization: Basic dXNlcjpwbGFudGVkLTI2",
                    *KEY.splitlines(),
                    f"aws_secret_access_key = planted-27 and {AWS}",
                    "GET https://bucket.example/x?X-Amz-Signature=planted28&X-Amz-Credential=planted29",
                    "joined with abcdef.0123456789planted"[:35],
                    '{"level":"info","clientSecret":"planted-30","msg":"x"}',
                ],
            )
        ]
    )
    evidence.readyz = ok(Health(status=401, text="not ready: token=planted-31"))
    evidence.hpas = failed("list hpas", message=f"proxy said: Bearer {JWT}")
    evidence.service_account = ok(
        decoded(k8s.Object, {"metadata": METADATA, "secrets": [{"name": "planted-32"}], "imagePullSecrets": []})
    )
    evidence.kubelets = [
        KubeletProbe(
            node="node-a",
            attempts=[Attempt(message="proxy http://u:planted-33@proxy: refused")],
            answers=[
                Answer(path="/x", status=401, message='{"token":"planted-34"}', scrape=Scrape(unparsable=f"at {JWT}"))
            ],
        )
    ]
    return evidence


def test_none_of_the_secrets_is_in_a_bundle() -> None:
    data = encode(planted()).decode()
    assert "planted" not in data.lower()
    for secret in ("PRIVATE KEY", "eyJ", EKS, AWS, "MIIEow", "dXNlcjpw", "abcdef.0123456789", "sessionName"):
        assert secret not in data


def test_what_is_no_secret_stays() -> None:
    evidence = redact(planted())
    [container] = evidence.deployments.get()[0].spec.template.spec.containers or []
    assert container.args is not None
    assert container.args[0] == "--kubelet-insecure-tls"
    assert "--tls-private-key-file=/etc/tls/tls.key" in container.args
    assert container.args[-3:] == [
        "--anonymous-auth=false",
        "--authorization-mode=Node,RBAC",
        "--authentication-kubeconfig=/etc/kubernetes/x.conf",
    ]
    assert [(one.name, one.value) for one in container.env or ()] == [
        ("HTTPS_PROXY", f"http://{REMOVED}@proxy.example:3128"),
        ("no_proxy", "10.0.0.0/8"),
    ]
    assert (evidence.authentication.get().data or {}).keys() == {
        "client-ca-file", "requestheader-client-ca-file", "requestheader-allowed-names",
    }  # fmt: skip
    assert (evidence.root_ca.get().data or {}) == {"ca.crt": pem("kubernetes")}
    assert evidence.aws_auth.get().data == {
        "mapRoles": "- rolearn: arn:aws:iam::1:role/x\n  username: u\n  groups:\n  - system:nodes\n"
    }
    bundle = evidence.api_services.get()[0].spec.ca_bundle or ""
    assert base64.b64decode(bundle).decode() == pem("kubernetes")


def test_the_commands_of_pods_that_are_not_metrics_servers_go_as_a_whole() -> None:
    [container] = redact(planted()).pods.get()[0].spec.containers or []
    assert (container.command, container.args, container.env) == (None, None, None)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (
            '[{"rolearn": "arn:x", "username": "u", "groups": ["g"], "sessionName": "planted"}]',
            '[{"rolearn":"arn:x","username":"u","groups":["g"]}]',
        ),
        (
            "# planted\n- sessionName: planted\n  rolearn: arn:x\n- 'rolearn': arn:y\n  \"username\": u\n",
            "-\n  rolearn: arn:x\n- 'rolearn': arn:y\n  \"username\": u\n",
        ),
        ("planted: - x", ""),
        ("", ""),
    ],
)
def test_what_stays_of_aws_auth_is_whose_name_is_what(given: str, kept: str) -> None:
    evidence = healthy()
    evidence.aws_auth = ok(k8s.ConfigMap(data={"mapRoles": given}))
    once = redact(evidence)
    assert once.aws_auth.get().data == {"mapRoles": kept}
    assert redact(once) == once


@pytest.mark.parametrize("bundle", [None, "", "no base64!", "bm8gUEVN", base64.b64encode(b"\xff").decode()])
def test_a_bundle_that_is_none_stays(bundle: str | None) -> None:
    evidence = healthy()
    evidence.api_services.get()[0].spec.ca_bundle = bundle
    assert redact(evidence).api_services.get()[0].spec.ca_bundle == bundle


@pytest.mark.parametrize("evidence", [healthy(), planted()], ids=["healthy", "planted"])
def test_twice_is_as_good_as_once(evidence: Evidence) -> None:
    once = redact(evidence)
    assert redact(once) == once


def test_it_changes_no_verdict_and_not_what_it_was_given() -> None:
    evidence = healthy()
    before = msgspec.json.encode(evidence)
    assert judge(redact(evidence)) == judge(evidence)
    assert msgspec.json.encode(evidence) == before


@pytest.mark.parametrize(
    "text",
    [
        'service/metrics-server in "kube-system" is not present',
        'configmaps "x" is forbidden: User "system:serviceaccount:a:x" cannot get resource "configmaps" in API group',
        'tokenreviews.authentication.k8s.io is forbidden: User "x" cannot create resource "tokenreviews" in API group',
        "failed to fetch anonymous token: unexpected status: 403 Forbidden",
        'MountVolume.SetUp failed for volume "certs" : secret "metrics-server-certs" not found',
        'Unable to authenticate the request err="[invalid bearer token, Token has been invalidated]"',
        "no basic auth credentials",
        "x509: certificate is valid for localhost, localhost, not metrics-server.kube-system.svc",
        "pull docker-pullable://registry.k8s.io/metrics-server@sha256:0123456789abcdef",
        "--authentication-token-webhook-cache-ttl=10s",
        "--service-account-key-file=/etc/kubernetes/pki/sa.pub",
        "secret: not found",
        "the password is incorrect, and the passphrase is not set",
        "auth: unauthorized, --anonymous-auth=false --authorization-mode=Node",
        'User "oidc:jane@corp.example" cannot get; pulling metrics-server:v0.9.0@sha256:0123',
        "sessionAffinity: None, bypass=3",
        "verifying certificate SN=1, SKID=, AKID=22:33 failed: x509: certificate has expired",
    ],
)  # fmt: skip
def test_ordinary_texts_stay(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("password: hunter", f"password: {REMOVED}"),
        ("token=abc, x", f"token={REMOVED}, x"),
        ('{\\"secret\\": \\"abc\\"}', f'{{\\"secret\\": \\"{REMOVED}"}}'),
        ("dial http://u:p@ss@host/x", f"dial http://{REMOVED}@host/x"),
        (f"-----BEGIN EC PRIVATE KEY-----\nabc {JWT}", REMOVED),
        ("MIIE+/= abc\n-----END PRIVATE KEY----- x", f"{REMOVED} x"),
        ("ghp_0123456789abcdef", REMOVED),
        ("token: Zm9v", f"token: {REMOVED}"),
        (
            "GET https://a.blob.core.windows.net/x?se=2026-03-02&sig=Zm9v%3D&sp=r",
            f"GET https://a.blob.core.windows.net/x?se=2026-03-02&sig={REMOVED}&sp=r",
        ),
        ("/data?verify=169-abc%3D: 403", f"/data?verify={REMOVED} 403"),
        ("pwd=a1 passphrase=b2 auth=c3 x", f"pwd={REMOVED} passphrase={REMOVED} auth={REMOVED} x"),
        ("cookie: session=a1; theme=b2 x", f"cookie: {REMOVED} x"),
        ("Set-Cookie: sid=a1", f"Set-Cookie: {REMOVED}"),
        ("session=a1, session_id=b2", f"session={REMOVED}, session_id={REMOVED}"),
        ("password is Tr0ub4dor, x", f"password is {REMOVED}, x"),
        ("dial user:p@ss@tcp(db:3306)/x", f"dial user:{REMOVED}@tcp(db:3306)/x"),
    ],
)
def test_secrets_go(text: str, expected: str) -> None:
    assert redact_text(text) == expected


def test_a_certificate_is_not_searched_for_secrets() -> None:
    certificate = pem("kubernetes").replace("M", "/eyJhbGciOi", 1)
    assert redact_text(f"token=x1 {certificate} token=x2") == f"token={REMOVED} {certificate} token={REMOVED}"


PIECES = [
    *"abkey=:-.@/ \"'\\\n{}[]()&,",
    "token",
    "eyJhbGci",
    "Bearer ",
    "password",
    "://",
    REMOVED,
    "authorization",
    "0123",
    "pwd",
    "auth",
    "cookie",
    "session=",
    "password is ",
    "@tcp(",
    "; ",
]


@given(st.lists(st.sampled_from(PIECES), max_size=16).map("".join))
def test_a_text_that_was_cleaned_is_clean(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once


@pytest.mark.parametrize(
    "piece",
    [
        "token",
        "a",
        "A= ",
        "eyJ",
        "://",
        "passw:",
        "Bearer ",
        "-----BEGIN ",
        ".",
        "  ",
        "a:",
        "cookie:",
        "cookie: a=",
        "; a=",
        "pass",
        "@tcp(",
    ],
)
def test_the_time_it_takes_grows_with_the_text(piece: str) -> None:
    """The limit is that of every test: what grows with the square would take longer."""
    text = f"token: x PRIVATE KEY-----{piece * 20_000}"
    assert redact_text(text)


@pytest.mark.parametrize(
    "between", ["-----END CERTIFICATE----------BEGIN", "-----END CERTIFICATE-----BEGIN", "-----BEGIN"]
)
def test_a_key_right_behind_a_certificate(between: str) -> None:
    lines = ["-----BEGIN CERTIFICATE-----", "MIIG", f"{between} PRIVATE KEY-----", "planted1", "planted2"]
    assert "planted" not in redact_text("\n".join(lines))
    evidence = redact(Evidence(logs=ok([Log(lines=[*lines, "-----END PRIVATE KEY-----", "what comes after it"])])))
    assert "planted" not in str(evidence.logs)
    assert evidence.logs.get()[0].lines[-1] == "what comes after it"
