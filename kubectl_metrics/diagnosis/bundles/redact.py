"""Takes out of an evidence what is nobody's business, before anybody sees it.

Strategy: what is decoded is already little (see ``objects``); of that

- of an environment only the variables for proxies stay, without user and password;
- of command lines the values of flags that are called like secrets go; those of pods that have nothing to do with
  metrics-server go as a whole, they are never looked at;
- of ConfigMaps the known keys stay, and of those that hold certificates only the certificates;
- in every text, wherever it stands, what looks like a secret goes: other people's programs wrote these texts.

Doing it twice changes nothing, and no check may depend on what is taken out here.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

import msgspec
from msgspec import structs

from kubectl_metrics.diagnosis.bundles.walk import rewrite
from kubectl_metrics.diagnosis.evidence import Evidence, Log, Read
from kubectl_metrics.diagnosis.objects import CSR, APIService, ConfigMap, Container, EnvVar, Pod

REMOVED = "(removed)"

_LINE = 4000  # characters of a line of a log
_PASSES = 10  # over a text; two are enough for nearly all

_PROXY = re.compile(r"(?:https?|no|all|ftp)_proxy", re.IGNORECASE)
# Its dashes are its own: those with which the beginning of a key ends would be missing there.
_CERTIFICATE = re.compile(
    r"(?<!KEY-)(?<!KEY--)(?<!KEY---)(?<!KEY----)"
    r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----"
)
# A line of YAML with the name of a role or a user, "groups:", or a group.
_AWS_LINE = re.compile(r"""\s*(?:-\s+)?["']?(?:rolearn|username|groups)["']?\s*:.*|\s*-\s+["']?[\w:{}./-]+["']?\s*""")

_BEGINNING = re.compile(r"-----BEGIN ([^-]*)-----")
_KEY_MARK = re.compile(r"-----(BEGIN|END) [A-Z0-9 ]*PRIVATE KEY-----")

# Flags with a secret for a value. One that ends in "file" has the name of a file.
# "auth" and the like only at its end: kube-apiserver's --authorization-mode is none.
_SECRET_FLAG = re.compile(
    r"-{1,2}(?:[\w.-]*(?:token|passw|passphrase|secret|key|credential|signature|bearer)[\w.-]*"
    r"|(?:[\w.-]*[._-])?(?:pass|pwd|auth|cookies?|session(?:[._-]?id)?|dsn))",
    re.IGNORECASE,
)
_HARMLESS_VALUE = re.compile(r"(?:true|false|(?:\d+(?:\.\d+)?(?:ns|us|ms|s|m|h))+)", re.IGNORECASE)

# What a text has to contain for the patterns below to be worth a try.
_SUSPICIOUS = re.compile(
    r"eyJ|://|pass|pwd|auth|cookie|session|dsn|@\w+\(|token|secret|credential|[_-]?key|signature|bearer|basic|PRIVATE"
    r"|[?&;](?:sig|verify)=|A[KS]IA|gh[a-z]_|github_pat|xox|ya29|AIza|[a-z0-9]{6}\.[a-z0-9]{16}",
    re.IGNORECASE,
)
_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    # A private key, or the beginning of one in a text that was cut. A certificate before it may have its dashes.
    (
        re.compile(
            r"-{0,5}BEGIN [A-Z0-9 ]{0,60}PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)", re.DOTALL
        ),
        REMOVED,
    ),
    # ... or the end of one; nothing but base64 stands before it. Each stretch of base64 is tried from its start alone:
    # from each of its characters it would take minutes.
    (
        re.compile(r"(?<![A-Za-z0-9+/=\s\\])[A-Za-z0-9+/=\s\\]*-----END [A-Z0-9 ]*PRIVATE KEY-----"),
        REMOVED,
    ),
    (re.compile(r"\beyJ[A-Za-z0-9_=-]{6,}(?:\.[A-Za-z0-9_=-]*)*"), REMOVED),  # a JWT, or a part of one
    (re.compile(r"(\w://)[^\s/?#\"'<>]+@"), rf"\1{REMOVED}@"),  # user and password in a URL
    # "user:password@tcp(db)/x": from the first colon of the word on. Each word is tried from its start alone.
    (
        re.compile(r"((?<![^\s\"'<>])(?:[^\s\"'<>:]|(?<!\w):)*(?<=\w):)[^\s\"'<>]+@(?=\w{1,10}\()"),
        rf"\1{REMOVED}@",
    ),
    (
        re.compile(
            r"(\bcookie[\"']?:\s{0,9}[\"']?)[\w.-]{1,200}=[^\s\"',;]*(?:;\s[\w.-]{1,200}=[^\s\"',;]*)*", re.IGNORECASE
        ),
        rf"\1{REMOVED}",
    ),
    (
        re.compile(
            r"(\bpass(?:word|wd|phrase)?\s(?:is|was)\s[\"']?)(?!(?:not|no|too|in|only|being|required|incorrect|invalid|wrong|missing|empty|expired|set|unset|needed|optional)\b)[^\s\"',;]+",
            re.IGNORECASE,
        ),
        rf"\1{REMOVED}",
    ),
    (re.compile(r"(\bauthorization[\"']?\s*[:=]\s*\[?[\"']?)(?:\w+\s+)?[^\s\"'\]]+", re.IGNORECASE), rf"\1{REMOVED}"),
    (re.compile(r"(\b(?:bearer|basic)\s+)(?=\S*[\d~=])[A-Za-z0-9+/=._~%-]{8,}", re.IGNORECASE), rf"\1{REMOVED}"),
    # In URLs that are signed: Azure's, and those of Docker Hub's layers. Others have a name that tells (signature).
    (re.compile(r"([?&;](?:sig|verify)=)(?!\(removed\))[^\s\"'&;<>]+", re.IGNORECASE), rf"\1{REMOVED}"),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}"), REMOVED),  # AWS's access key ids
    (re.compile(r"\b(?:gh[a-z]_|github_pat_|glpat-|xox[a-z]-|ya29\.|AIza)[A-Za-z0-9_./-]{8,}"), REMOVED),
    (re.compile(r"\bk8s-aws-v1\.[A-Za-z0-9_-]+"), REMOVED),  # EKS's tokens
    (re.compile(r"(?<![\w.-])[a-z0-9]{6}\.(?=[a-z]*\d)[a-z0-9]{16}(?![\w.-])"), REMOVED),  # kubeadm's tokens
)
# "token=abc", "password: abc", '"secret":"abc"', "X-Amz-Signature=abc".
_NAMED = re.compile(
    r"(?P<name>(?:token|passw|passphrase|secret|credential|(?:api|access|private|account)[_.-]?key|signature)[\w.-]{0,60}"
    r"|(?<![a-z])(?:pass|pwd|auth|bearer|cookie|session(?:[_-]?id)?|dsn))"
    r"(?P<between>\\?[\"']?\s*[:=]\s*)(?:(?P<quote>\\?[\"'])(?P<quoted>[^\"']*)|(?P<bare>(?!\(removed\))[^\s\"',;&)\]}]+))",
    re.IGNORECASE,
)
_WORD = re.compile(r"[a-z]+[:.,]?")


def redact(evidence: Evidence) -> Evidence:
    """The evidence without secrets."""
    known: dict[str, str] = {}  # most texts occur again and again

    def clean(text: str) -> str:
        found = known.get(text)
        if found is None:
            found = known[text] = redact_text(text)
        return found

    evidence = structs.replace(
        evidence,
        authentication=_narrowed(evidence.authentication, _authentication),
        root_ca=_narrowed(evidence.root_ca, _root_ca),
        aws_auth=_narrowed(evidence.aws_auth, _aws_auth),
        pods=_without_commands(evidence.pods),
    )
    return rewrite(
        evidence,
        clean,
        {Container: _container, APIService: _api_service, CSR: _csr, Log: _log},
    )


def redact_text(text: str) -> str:
    """A text in which what looks like a secret is replaced by REMOVED."""
    # What is taken out can leave behind what only now looks like a secret: until nothing changes any more.
    for _ in range(_PASSES):
        cleaned = _cleaned(text)
        if cleaned == text:
            return text
        text = cleaned
    return REMOVED  # nothing that anybody writes


def _cleaned(text: str) -> str:
    if len(text) < 6 or not _SUSPICIOUS.search(text):
        return text
    if "-----BEGIN CERTIFICATE-----" in text:  # base64 is too much like a secret to be looked at
        parts = _CERTIFICATE.split(text)
        if len(parts) > 1:
            blocks = [*_CERTIFICATE.findall(text), ""]
            return "".join(_cleaned(part) + block for part, block in zip(parts, blocks, strict=True))
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return _NAMED.sub(_named, text)


def _named(match: re.Match[str]) -> str:
    name, between = match["name"], match["between"]
    if match["quote"] is not None:
        return f"{name}{between}{match['quote']}{REMOVED if match['quoted'] else ''}"
    value = match["bare"]
    if name.lower().endswith("file") or _HARMLESS_VALUE.fullmatch(value):
        return match.group()
    # "failed to fetch token: unexpected status" is prose; "password: hunter" may be as well, and is not risked.
    if between.endswith(" ") and _WORD.fullmatch(value) and "passw" not in name.lower():
        return match.group()
    return f"{name}{between}{REMOVED}"


def _container(one: Container) -> Container:
    return structs.replace(one, command=_arguments(one.command), args=_arguments(one.args), env=_environment(one.env))


def _arguments(words: list[str] | None) -> list[str] | None:
    if not words:
        return words
    cleaned = []
    secret = False  # whether the word before this one was a flag that wants a secret
    for word in words:
        name, equals, value = word.partition("=")
        harmless = name.lower().endswith("file") or bool(_HARMLESS_VALUE.fullmatch(value or word))
        if secret and not word.startswith("-") and not harmless:
            word, secret = REMOVED, False
        else:
            named = bool(_SECRET_FLAG.fullmatch(name)) and not name.lower().endswith("file")
            secret = named and not equals
            if named and value and not harmless:
                word = f"{name}={REMOVED}"
        cleaned.append(word)
    return cleaned


def _environment(env: list[EnvVar] | None) -> list[EnvVar] | None:
    if env is None:
        return None
    return [structs.replace(one, value=_proxy(one.value)) for one in env if _PROXY.fullmatch(one.name)]


def _proxy(value: str) -> str:
    """A proxy's URL without user and password, which have been seen with slashes in them."""
    account, at, host = value.rpartition("@")
    scheme, separator, _ = account.partition("://")
    return f"{scheme}{separator}{REMOVED}@{host}" if at and separator else f"{REMOVED}@{host}" if at else value


def _without_commands(read: Read[list[Pod]]) -> Read[list[Pod]]:
    if read.value is None:
        return read
    return structs.replace(read, value=[_bare(pod) for pod in read.value])


def _bare(pod: Pod) -> Pod:
    def bare(containers: list[Container] | None) -> list[Container] | None:
        if containers is None:
            return None
        return [
            structs.replace(one, command=None, args=None, env=None) if one.command or one.args or one.env else one
            for one in containers
        ]

    spec = pod.spec
    return structs.replace(
        pod,
        spec=structs.replace(spec, containers=bare(spec.containers), init_containers=bare(spec.init_containers)),
    )


def _narrowed(read: Read[ConfigMap], keep: Callable[[str, str], str | None]) -> Read[ConfigMap]:
    """A ConfigMap with those keys for which ``keep`` has a value."""
    if read.value is None or read.value.data is None:
        return read
    data = {key: kept for key, value in read.value.data.items() if (kept := keep(key, value)) is not None}
    return structs.replace(read, value=structs.replace(read.value, data=data))


def _authentication(key: str, value: str) -> str | None:
    if key in ("client-ca-file", "requestheader-client-ca-file"):
        return certificates_only(value)
    return value if key.startswith("requestheader-") else None


def _root_ca(key: str, value: str) -> str | None:
    return certificates_only(value) if key == "ca.crt" else None


def _aws_auth(key: str, value: str) -> str | None:
    """What of mapRoles says which role is mapped to which user name; users and accounts are not looked at."""
    if key != "mapRoles":
        return None
    try:
        entries = msgspec.json.decode(value, type=list[dict[str, object]])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return "".join(_aws_line(line) for line in value.splitlines())
    known = [{name: text for name, text in one.items() if name in ("rolearn", "username", "groups")} for one in entries]
    return msgspec.json.encode(known).decode()


def _aws_line(line: str) -> str:
    """A line of YAML if it is known what is in it; of another one that begins an entry, its beginning."""
    if _AWS_LINE.fullmatch(line):
        return f"{line}\n"
    indent, dash, _ = line.partition("-")
    return f"{indent}-\n" if dash and not indent.strip() else ""


def certificates_only(text: str) -> str:
    """A PEM text without whatever has a beginning in it and is no certificate."""
    if set(_BEGINNING.findall(text)) <= {"CERTIFICATE"}:
        return text
    return "".join(f"{block}\n" for block in _CERTIFICATE.findall(text))


def _bundle(encoded: str | None) -> str | None:
    """PEM in base64, with certificates only; what is no base64 has no key in it either, unless it is PEM itself."""
    if not encoded:
        return encoded
    try:
        text = base64.b64decode(encoded, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return encoded
    only = certificates_only(text)
    return encoded if only == text else base64.b64encode(only.encode()).decode()


def _api_service(one: APIService) -> APIService:
    return structs.replace(one, spec=structs.replace(one.spec, ca_bundle=_bundle(one.spec.ca_bundle)))


def _csr(one: CSR) -> CSR:
    return structs.replace(one, status=structs.replace(one.status, certificate=_bundle(one.status.certificate)))


def _log(one: Log) -> Log:
    """Lines of a private key belong together: each of them alone looks like nothing."""
    lines: list[str] = []
    inside = False
    for line in one.lines:
        marks = _KEY_MARK.findall(line) if "KEY-----" in line else ()
        if inside and "END" not in marks:
            line = REMOVED
        if marks:
            inside = marks[-1] == "BEGIN"
        lines.append(line[:_LINE])
    return structs.replace(one, lines=lines)
