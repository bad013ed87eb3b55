"""Which field of an evidence holds what: a name, labels, an image, a certificate, or just text.

Strategy: an evidence is gone through twice, field by field. The first time names are learned, the second time they are
replaced. A field that nobody has put into FIELDS is text: in it what was learned is replaced, and what looks like a
host name or an address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from msgspec import structs

from kubectl_metrics.diagnosis import objects as k8s
from kubectl_metrics.diagnosis.bundles.mask.certificates import mask_base64, mask_pem
from kubectl_metrics.diagnosis.bundles.mask.names import Names
from kubectl_metrics.diagnosis.bundles.mask.vocabulary import (
    LABEL_DOMAINS,
    LABEL_KEYS,
    OPEN_LABELS,
    PRIVATE_FLAG,
    PUBLIC_SYSTEM,
)
from kubectl_metrics.diagnosis.evidence import Connected, Evidence, Log, Read
from kubectl_metrics.diagnosis.probe import Answer, Attempt, Certificate, KubeletAuthentication, KubeletProbe, Scrape

T = TypeVar("T")

# What a field holds. Any other word is the kind of object that it names.
KEEP, TEXT, LABELS, KEY, VALUE, IMAGE, WORDS, PEM, PEM64, RDNS, DATA, SYSTEM = (
    "(keep)", "(text)", "(labels)", "(label key)", "(label value)", "(image)", "(command line)", "(PEM)",
    "(PEM in base64)", "(distinguished name)", "(data of a ConfigMap)", "(operating system)",
)  # fmt: skip

_CONDITION = dict.fromkeys(
    ("type", "status", "reason", "last_transition_time", "last_heartbeat_time", "phase", "start_time"), KEEP
)

FIELDS: Mapping[type, Mapping[str, str]] = {
    Evidence: {"collected_at": KEEP, "tool_version": KEEP, "in_depth": "node"},
    Connected: {"server": "host", "date": KEEP, "asked": KEEP, "user": "user"},
    Read: {"state": KEEP, "failure": KEEP},
    Log: {"pod": "pod", "container": "container"},
    # The name of an object is of the kind of the object: see OBJECTS.
    k8s.Metadata: {
        "namespace": "namespace", "labels": LABELS, "creation_timestamp": KEEP, "deletion_timestamp": KEEP,
    },
    k8s.Annotations: {
        "helm_release": "release", "helm_namespace": "namespace", "argo_tracking": "release", "metrics_path": KEEP,
    },
    k8s.ManagedField: {"manager": "manager"},
    k8s.Owner: {"kind": KEEP, "name": "owner"},
    k8s.Condition: _CONDITION,
    k8s.NamespaceStatus: _CONDITION,
    k8s.Version: {"git_version": KEEP, "platform": KEEP},
    k8s.GroupVersion: {"version": KEEP},
    k8s.APIGroup: {"name": "group"},
    k8s.ServiceReference: {"namespace": "namespace", "name": "service"},
    k8s.APIServiceSpec: {"group": "group", "version": KEEP, "ca_bundle": PEM64},
    k8s.ConfigMap: {"data": DATA},
    k8s.NodeMetrics: {"timestamp": KEEP, "window": KEEP, "usage": KEEP},
    k8s.PodMetrics: {"timestamp": KEEP, "window": KEEP},
    k8s.ContainerMetrics: {"name": "container", "usage": KEEP},
    k8s.ScaleTarget: {"kind": KEEP, "name": "workload"},
    k8s.ResourceMetric: {"name": KEEP},
    k8s.MetricSpec: {"type": KEEP},
    k8s.ServicePort: {"name": KEEP, "target_port": KEEP, "protocol": KEEP},
    k8s.ServiceSpec: {"type": KEEP, "ip_families": KEEP, "selector": LABELS, "external_name": "host"},
    k8s.TargetRef: {"kind": KEEP, "namespace": "namespace", "name": "pod"},
    k8s.Endpoint: {"addresses": "host", "node_name": "node"},
    k8s.EndpointPort: {"name": KEEP},
    k8s.EndpointSlice: {"address_type": KEEP},
    k8s.LabelSelectorRequirement: {"key": KEY, "operator": KEEP, "values": VALUE},
    k8s.LabelSelector: {"match_labels": LABELS},
    k8s.NetworkPolicyPort: {"port": KEEP, "protocol": KEEP},
    k8s.NetworkPolicySpec: {"policy_types": KEEP},
    k8s.Address: {"type": KEEP, "address": "node"},
    k8s.NodeInfo: {
        "kubelet_version": KEEP, "operating_system": KEEP, "architecture": KEEP, "os_image": SYSTEM,
        "container_runtime_version": KEEP,
    },
    k8s.NodeStatus: {"allocatable": KEEP, "capacity": KEEP},
    k8s.CSRSpec: {"signer_name": "signer", "username": "user"},
    k8s.CSRStatus: {"certificate": PEM64},
    k8s.Subject: {"kind": KEEP, "name": "user", "namespace": "namespace"},
    k8s.RoleRef: {"kind": KEEP, "name": "role"},
    k8s.PolicyRule: {"verbs": KEEP, "resources": KEEP, "resource_names": "object", "non_resource_urls": KEEP},
    k8s.EnvVar: {"name": KEEP, "value": "host"},
    k8s.Resources: {"requests": KEEP, "limits": KEEP},
    k8s.ContainerPort: {"name": KEEP},
    k8s.HTTPGet: {"path": KEEP, "port": KEEP},
    k8s.Container: {"name": "container", "image": IMAGE, "command": WORDS, "args": WORDS, "restart_policy": KEEP},
    k8s.PodSpec: {"node_name": "node", "service_account_name": "account", "node_selector": LABELS},
    k8s.Waiting: {"reason": KEEP},
    k8s.Terminated: {"reason": KEEP, "started_at": KEEP, "finished_at": KEEP},
    k8s.Running: {"started_at": KEEP},
    k8s.ContainerStatus: {"name": "container", "image": IMAGE},
    k8s.PodStatus: _CONDITION,
    k8s.Event: {"type": KEEP, "reason": KEEP, "last_timestamp": KEEP, "event_time": KEEP},
    Certificate: {
        "subject": RDNS, "issuer": RDNS, "dns_names": "host", "not_before": KEEP, "not_after": KEEP,
    },
    Attempt: {"type": KEEP, "address": "node", "failure": KEEP},
    Scrape: {"zero_containers": "pod", "duplicates": "pod"},
    Answer: {"path": KEEP, "failure": KEEP, "content_type": KEEP, "date": KEEP, "asked": KEEP},
    KubeletAuthentication: {"client_ca_file": "path"},
    KubeletProbe: {"node": "node"},
}  # fmt: skip

# The kind of an object, for its name.
OBJECTS: Mapping[type, str] = {
    k8s.APIService: "group",
    k8s.Binding: "binding",
    k8s.ConfigMap: "configmap",
    k8s.CSR: "csr",
    k8s.Deployment: "deployment",
    k8s.EndpointSlice: "endpoints",
    k8s.Event: "event",
    k8s.HPA: "hpa",
    k8s.Namespace: "namespace",
    k8s.NetworkPolicy: "policy",
    k8s.Node: "node",
    k8s.NodeMetrics: "node",
    k8s.Pod: "pod",
    k8s.PodMetrics: "pod",
    k8s.Role: "role",
    k8s.Service: "service",
}

_SELECTOR_FLAGS = ("--node-selector", "-l")
_SELECTOR_WORDS = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?")
_OPERATORS = frozenset(("in", "notin"))
_IMAGE = re.compile(r"(?P<repository>[^@]*?)(?::(?P<tag>[^:/@]+))?(?:@(?P<digest>.*))?")
_TAG = re.compile(r"(v?\d+(?:\.\d+)*(?:-(?:eksbuild|gke|rc|alpha|beta|debian|amd64|arm64)[.\d-]*)*)(.*)")
_CERTIFICATES = frozenset(("client-ca-file", "requestheader-client-ca-file", "ca.crt"))
_OPEN_DATA = frozenset(
    ("requestheader-extra-headers-prefix", "requestheader-group-headers", "requestheader-username-headers")
)


class _Visitor:
    """Goes through an evidence and calls a method for each text in it, by what the field holds."""

    def __init__(self, names: Names) -> None:
        self.names = names

    def visit(self, value: T) -> T:
        """The value, as the methods have left it. It is not changed; what stays the same is shared with the result."""
        found: T = self._value(value, TEXT)
        return found

    def _value(self, value: Any, holds: str) -> Any:
        if value is None or holds == KEEP or isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, str):
            return self.leaf(value, holds)
        if isinstance(value, list):
            return self._words(value) if holds == WORDS else [self._value(one, holds) for one in value]
        if isinstance(value, dict):
            return self._mapping(value, holds)
        return self._struct(value)

    def _struct(self, value: Any) -> Any:
        fields = FIELDS.get(type(value), {})
        changes = {}
        for name in value.__struct_fields__:
            old = getattr(value, name)
            if old is None:
                continue
            if isinstance(old, k8s.Metadata):
                new = self._metadata(old, OBJECTS.get(type(value), "name"))
            else:
                new = self._value(old, fields.get(name, TEXT))
            if new is not old:
                changes[name] = new
        return structs.replace(value, **changes) if changes else value

    def _metadata(self, value: k8s.Metadata, kind: str) -> k8s.Metadata:
        found: k8s.Metadata = self._struct(structs.replace(value, name=""))
        return structs.replace(found, name=self._value(value.name, kind))

    def _mapping(self, value: dict[str, Any], holds: str) -> dict[str, Any]:
        if holds == LABELS:
            return {self.leaf(key, KEY): self.label(key, text) for key, text in value.items()}
        if holds == DATA:
            return {key: self.data(key, text) for key, text in value.items()}
        return {key: self._value(one, holds) for key, one in value.items()}

    def _words(self, words: list[str]) -> list[str]:
        """A command line."""
        found = []
        flag = ""  # the flag before a word, if it has no value of its own
        for word in words:
            name, equals, value = word.partition("=")
            if flag in _SELECTOR_FLAGS:
                found.append(self.selector(word))
                flag = ""
                continue
            private = bool(PRIVATE_FLAG.fullmatch(flag or name))
            if not word.startswith("-"):
                found.append(self.leaf(word, "host" if private else TEXT))
            elif not equals:
                found.append(word)
            elif name in _SELECTOR_FLAGS:
                found.append(f"{name}={self.selector(value)}")
            else:
                found.append(f"{name}={self.leaf(value, 'host' if private else TEXT)}")
            flag = name if word.startswith("-") and not equals else ""
        return found

    def leaf(self, text: str, holds: str) -> str:
        """A text of a field."""
        raise NotImplementedError

    def label(self, key: str, value: str) -> str:
        """The value of a label."""
        if OPEN_LABELS.fullmatch(key):
            return value
        return self.leaf(value, "node" if key == "kubernetes.io/hostname" else VALUE)

    def data(self, key: str, value: str) -> str:
        """An entry of a ConfigMap."""
        if key in _OPEN_DATA:
            return value
        return self.leaf(value, PEM if key in _CERTIFICATES else "user")

    def selector(self, text: str) -> str:
        """A label selector as it is written on a command line: keys and values, alternating in no way that matters."""

        def word(match: re.Match[str]) -> str:
            found = match.group()
            if found in _OPERATORS:
                return found
            before = text[: match.start()].rstrip()
            is_value = before.endswith("=") or (before.count("(") > before.count(")"))
            return self.leaf(found, VALUE if is_value else KEY)

        return _SELECTOR_WORDS.sub(word, text)


class Learning(_Visitor):
    """Learns the names of an evidence."""

    def leaf(self, text: str, holds: str) -> str:
        if holds == TEXT:
            self.names.learn_from(text)
        elif holds == IMAGE:
            match = _IMAGE.fullmatch(text)
            self.names.learn(match["repository"] if match else text, "image")
        elif holds == KEY:
            if _key_is_private(text):
                self.names.learn(text, "label")
        elif holds == VALUE:
            self.names.learn(text, "label")
        elif holds == RDNS:
            for match in _ATTRIBUTE.finditer(text):
                self.names.learn(_unescaped(match.group(2)), "name")
        elif holds == PEM:
            mask_pem(text, self._learned, self.names.digest)
        elif holds == PEM64:
            mask_base64(text, self._learned, self.names.digest)
        elif holds not in (KEEP, SYSTEM):
            self.names.learn(text, holds)
        return text

    def _learned(self, name: str) -> str:
        self.names.learn(name, "name")
        return name


class Replacing(_Visitor):
    """Replaces what was learned."""

    def leaf(self, text: str, holds: str) -> str:
        names = self.names
        if holds == TEXT:
            return names.text(text)
        if holds == PEM:
            return mask_pem(text, names.name, names.digest)
        if holds == PEM64:
            return mask_base64(text, names.name, names.digest)
        if holds == IMAGE:
            return self._image(text)
        if holds == KEY:
            return names.name(text) if _key_is_private(text) else text
        if holds == RDNS:
            return _rename(text, names)
        if holds == SYSTEM and PUBLIC_SYSTEM.fullmatch(text):
            return text
        return names.name(text)

    def _image(self, text: str) -> str:
        match = _IMAGE.fullmatch(text)
        if match is None:
            return self.names.name(text)
        masked = self.names.name(match["repository"])
        if match["tag"] is not None:
            tag = _TAG.fullmatch(match["tag"])
            version, rest = tag.groups() if tag is not None else ("", match["tag"])
            masked += f":{version}{self.names.name(rest)}"
        if match["digest"] is not None:
            masked += f"@sha256:{self.names.digest(match['digest'].encode()).hex()}"
        return masked


def _key_is_private(key: str) -> bool:
    domain, slash, name = key.rpartition("/")
    if not slash:
        return name not in LABEL_KEYS
    return not LABEL_DOMAINS.fullmatch(domain) or domain == "node-role.kubernetes.io"


_SPECIAL = re.compile(r'[,+"\\<>;]')
_ATTRIBUTE = re.compile(r"((?<![A-Z])[A-Z]+|(?<![\d.])\d+(?:\.\d+)*)=((?:\\.|[^,+\\])*)", re.DOTALL)


def _rename(text: str, names: Names) -> str:
    """A distinguished name with its values masked, as the one in the masked certificate is printed."""

    def pair(match: re.Match[str]) -> str:
        if match.group(2).startswith("#"):  # an attribute that nobody knows, in DER
            return f"{match.group(1)}=#0c00"
        return f"{match.group(1)}={_SPECIAL.sub(_escape, names.name(_unescaped(match.group(2))))}"

    if _ATTRIBUTE.sub("", text).strip(",+"):
        return names.name(text)  # it is none
    return _ATTRIBUTE.sub(pair, text)


def _unescaped(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value)


def _escape(special: re.Match[str]) -> str:
    return "\\" + special.group()
