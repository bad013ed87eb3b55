"""Exec credential plugins: real programs that behave in every way that plugins do."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kubectl_metrics.connection import execplugin, programs, signals
from kubectl_metrics.connection.config import ClientConfig, ExecConfig, UserConfig
from kubectl_metrics.connection.execplugin import ExecStatus
from kubectl_metrics.errors import CredentialError

V1 = "client.authentication.k8s.io/v1"
V1BETA1 = "client.authentication.k8s.io/v1beta1"
LONG = 20.0  # seconds that only a hang takes

CONFIG = ClientConfig(server="https://a.example:6443", context="ctx", user=UserConfig(name="me"))


def credential(version: str = V1, **status: Any) -> str:
    return json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status})


class Plugin:
    """Writes programs and runs them as plugins."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "plugin"
        self.environ = {"PATH": os.environ["PATH"]}

    def script(self, text: str, *, mode: int = 0o755) -> Plugin:
        self.path.write_text(text)
        self.path.chmod(mode)
        return self

    def shell(self, text: str) -> Plugin:
        return self.script(f"#!/bin/sh\n{text}\n")

    def saying(self, output: str) -> Plugin:
        (self.folder / "output").write_text(output)
        return self.shell(f"cat '{self.folder}/output'")

    def run(
        self,
        *,
        config: ClientConfig = CONFIG,
        interactive: bool = False,
        timeout: float | None = LONG,
        **fields: Any,
    ) -> ExecStatus:
        fields = {"command": str(self.path), "api_version": V1, "interactive_mode": "Never", **fields}
        plugin = ExecConfig(**fields)
        return execplugin.run(plugin, config, environ=self.environ, interactive=interactive, timeout=timeout)


@pytest.fixture
def plugin(tmp_path: Path) -> Plugin:
    return Plugin(tmp_path)


def failing(call: Callable[[], object]) -> str:
    """The error without what all have in common."""
    with pytest.raises(CredentialError) as caught:
        call()
    text = caught.value.message
    assert text.startswith("getting credentials: exec plugin ")
    assert ' of user "me" (context "ctx"): ' in text
    assert "\n" not in text
    assert "s3cret" not in text
    return text.partition('(context "ctx"): ')[2]


# ---- what it gives ---------------------------------------------------------------------------------------------------


def test_token(plugin: Plugin) -> None:
    assert plugin.saying(credential(token="t")).run() == ExecStatus("t", None)


def test_certificate(plugin: Plugin) -> None:
    status = {"clientCertificateData": "CERT", "clientKeyData": "KEY", "token": ""}
    assert plugin.saying(credential(**status)).run() == ExecStatus(None, (b"CERT", b"KEY"))


def test_v1beta1_needs_no_interactive_mode(plugin: Plugin) -> None:
    found = plugin.saying(credential(V1BETA1, token="t")).run(api_version=V1BETA1, interactive_mode="")
    assert found.token == "t"


@pytest.mark.parametrize("expiry", ["2999-01-01T00:00:00Z", "2999-01-01T00:00:00.5+02:00", None])
def test_expiry_in_the_future(plugin: Plugin, expiry: str | None) -> None:
    assert plugin.saying(credential(token="t", expirationTimestamp=expiry)).run().token == "t"


def test_unknown_fields_and_yaml(plugin: Plugin) -> None:
    plugin.saying(f"apiVersion: {V1}\nkind: ExecCredential\nspec: {{}}\nstatus:\n  token: t\n  more: [1]\n")
    assert plugin.run().token == "t"


def test_no_repr_shows_a_secret() -> None:
    assert "s3cret" not in repr(ExecStatus("s3cret", (b"s3cret", b"s3cret")))


# ---- what it gets ----------------------------------------------------------------------------------------------------

REPORT = f"""#!{sys.executable}
import json, os, stat, sys
report = {{"args": sys.argv[1:], "env": dict(os.environ), "stdin": sys.stdin.read(), "session": os.getsid(0)}}
open(os.path.join(os.path.dirname(sys.argv[0]), "report"), "w").write(json.dumps(report))
info = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
print(json.dumps({{"apiVersion": info["apiVersion"], "kind": "ExecCredential", "status": {{"token": "t"}}}}))
"""


def report(plugin: Plugin, **options: Any) -> dict[str, Any]:
    plugin.script(REPORT).run(**options)
    found: dict[str, Any] = json.loads((plugin.folder / "report").read_text())
    return found


def test_arguments_and_environment(plugin: Plugin) -> None:
    plugin.environ |= {"KEPT": "1", "REPLACED": "1"}
    seen = report(plugin, args=("get", "a b", ""), env=(("REPLACED", "2"), ("ADDED", "3")))
    assert seen["args"] == ["get", "a b", ""]
    assert (seen["env"]["KEPT"], seen["env"]["REPLACED"], seen["env"]["ADDED"]) == ("1", "2", "3")
    assert seen["stdin"] == ""


@pytest.mark.parametrize("version", [V1, V1BETA1])
def test_exec_info(plugin: Plugin, version: str) -> None:
    info = json.loads(report(plugin, api_version=version)["env"]["KUBERNETES_EXEC_INFO"])
    assert info == {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}}


def test_cluster_info(plugin: Plugin) -> None:
    config = ClientConfig(
        server="https://a.example:6443",
        tls_server_name="name",
        certificate_authority=b"CA",
        insecure=True,
        proxy_url="http://proxy",
        disable_compression=True,
    )
    options = {"provide_cluster_info": True, "cluster_config": {"audience": "x", "port": 1}}
    info = json.loads(report(plugin, config=config, **options)["env"]["KUBERNETES_EXEC_INFO"])
    assert info["spec"]["cluster"] == {
        "server": "https://a.example:6443",
        "tls-server-name": "name",
        "insecure-skip-tls-verify": True,
        "certificate-authority-data": "Q0E=",
        "proxy-url": "http://proxy",
        "disable-compression": True,
        "config": {"audience": "x", "port": 1},
    }
    info = json.loads(report(plugin, provide_cluster_info=True)["env"]["KUBERNETES_EXEC_INFO"])
    assert info["spec"]["cluster"] == {"server": "https://a.example:6443", "config": None}


def test_cluster_info_that_is_no_json(plugin: Plugin) -> None:
    words = failing(lambda: plugin.saying("").run(provide_cluster_info=True, cluster_config={(1, 2): "b"}))
    assert words == "the cluster's extension for it cannot be written as JSON"


@pytest.mark.parametrize(
    ("mode", "version", "terminal", "passed"),
    [
        ("Never", V1, True, False),
        ("Never", V1, False, False),
        ("IfAvailable", V1, True, True),
        ("IfAvailable", V1, False, False),
        ("Always", V1, True, True),
        ("", V1BETA1, True, True),
        ("", V1BETA1, False, False),
    ],
)
def test_standard_input(plugin: Plugin, mode: str, version: str, terminal: bool, passed: bool) -> None:
    plugin.script(REPORT)
    read, write = os.pipe()
    os.write(write, b"typed")
    os.close(write)
    program = (
        "import sys; from kubectl_metrics.connection import execplugin, config as k\n"
        f"e = k.ExecConfig(command={str(plugin.path)!r}, api_version={version!r}, interactive_mode={mode!r})\n"
        f"c = k.ClientConfig(server='https://x')\n"
        f"execplugin.run(e, c, environ={plugin.environ!r}, interactive={terminal})\n"
    )
    try:
        subprocess.run([sys.executable, "-c", program], stdin=read, check=True, timeout=LONG)
    finally:
        os.close(read)
    seen = json.loads((plugin.folder / "report").read_text())
    assert seen["stdin"] == ("typed" if passed else "")
    assert json.loads(seen["env"]["KUBERNETES_EXEC_INFO"])["spec"]["interactive"] is passed
    assert (seen["session"] == os.getsid(0)) is passed


def test_standard_error_goes_to_the_user(plugin: Plugin, capfd: pytest.CaptureFixture[str]) -> None:
    plugin.shell(f"echo 'open https://login' >&2; echo '{credential(token='s3cret')}'").run()
    out, err = capfd.readouterr()
    assert (out, err) == ("", "open https://login\n")


# ---- how it is found -------------------------------------------------------------------------------------------------


def test_bare_name_is_looked_up_in_the_path(plugin: Plugin) -> None:
    plugin.saying(credential(token="t"))
    other = plugin.folder / "other"
    other.mkdir()
    (other / "plugin").write_text("not executable")
    plugin.environ["PATH"] = os.pathsep.join(["", "relative", str(other), str(plugin.folder), "/usr/bin", "/bin"])
    assert plugin.run(command="plugin").token == "t"


def test_the_working_directory_is_not_searched(plugin: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin.saying(credential(token="t"))
    monkeypatch.chdir(plugin.folder)
    plugin.environ["PATH"] = os.pathsep.join(["", "."])
    assert failing(lambda: plugin.run(command="plugin")) == "executable plugin not found"


@pytest.mark.parametrize(("hint", "shown"), [(" brew install it\n", "brew install it"), ("", "it is needed")])
def test_missing(plugin: Plugin, hint: str, shown: str) -> None:
    with pytest.raises(CredentialError) as caught:
        plugin.run(command="no-such-plugin", install_hint=hint)
    assert caught.value.message.endswith("executable no-such-plugin not found")
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(shown)
    assert failing(lambda: plugin.run(command="/no/such/plugin")) == "executable /no/such/plugin not found"


def test_not_executable(plugin: Plugin) -> None:
    words = failing(lambda: plugin.script("x", mode=0o644).run())
    assert words == f"permission denied: {plugin.path} is not executable"


def test_no_program(plugin: Plugin) -> None:
    words = failing(lambda: plugin.script("no first line\n").run())
    assert words.startswith("exec format error: ")
    words = failing(lambda: plugin.script("#!/no/such/interpreter\n").run())
    assert words == "cannot be started: the interpreter in its first line does not exist"
    words = failing(lambda: plugin.saying("").run(args=("\0",)))
    assert words == "an argument or variable of it has a NUL character"
    words = failing(lambda: plugin.saying("").run(args=("x" * 10_000_000,)))
    assert words == "cannot be started: arguments and environment are too long"


# ---- what is wrong with it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"command": ""}, "command must be specified to use exec authentication plugin"),
        ({"api_version": ""}, "apiVersion must be specified to use exec authentication plugin"),
        ({"api_version": "client.authentication.k8s.io/v1alpha1"},
         "apiVersion client.authentication.k8s.io/v1alpha1 is not supported any more"),
        ({"api_version": "v1"}, 'invalid apiVersion "v1"'),
        ({"interactive_mode": ""}, "interactiveMode must be specified to use exec authentication plugin"),
        ({"interactive_mode": "Sometimes"}, 'invalid interactiveMode: "Sometimes"'),
        ({"interactive_mode": "Always"}, "cannot support interactive mode: standard input is not a terminal"),
        ({"env": (("", "x"),)}, "env variable name must be specified to use exec authentication plugin"),
    ],
)  # fmt: skip
def test_configuration(plugin: Plugin, fields: dict[str, Any], words: str) -> None:
    plugin.shell(f"touch '{plugin.folder}/ran'")
    assert failing(lambda: plugin.run(**fields)) == words
    assert not (plugin.folder / "ran").exists()


def test_v1alpha1_has_a_remedy(plugin: Plugin) -> None:
    with pytest.raises(CredentialError) as caught:
        plugin.run(api_version="client.authentication.k8s.io/v1alpha1")
    assert caught.value.hint is not None
    assert V1 in caught.value.hint


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("", "returned nothing on its standard output"),
        (" \n", "returned nothing on its standard output"),
        ("s3cret", "returned something that is not an ExecCredential"),
        ("{s3cret", "returned something that is not an ExecCredential"),
        ("[" * 100_000, "returned something that is not an ExecCredential"),
        ("{" * 100_000, "returned something that is not an ExecCredential"),
        ('{"x": ' + "[" * 100_000, "returned something that is not an ExecCredential"),
        ('{"status": "s3cret"}', "returned something that is not an ExecCredential"),
        (credential(token=5), "returned something that is not an ExecCredential"),
        ("{}", "did not return an ExecCredential"),
        ('{"kind": "Status", "apiVersion": "v1", "message": "s3cret"}', "did not return an ExecCredential"),
        (credential(V1BETA1, token="s3cret"),
         f"is configured to use API version {V1}, plugin returned version {V1BETA1}"),
        (credential("s3cret", token="s3cret"),
         f"is configured to use API version {V1}, plugin returned version another"),
        (f'{{"apiVersion": "{V1}", "kind": "ExecCredential"}}', "didn't return a status field"),
        (credential(), "didn't return a token or cert/key pair"),
        (credential(token="", clientKeyData=""), "didn't return a token or cert/key pair"),
        (credential(token="s3cret", clientKeyData="s3cret"), "returned only certificate or key, not both"),
        (credential(clientCertificateData="s3cret"), "returned only certificate or key, not both"),
        (credential(token="s3cret", expirationTimestamp="2020-01-01T00:00:00Z"),
         "returned credentials that expired at 2020-01-01T00:00:00+0000"),
        (credential(token="s3cret", expirationTimestamp="s3cret"), "returned something that is not an ExecCredential"),
        (credential(token="s3cret", expirationTimestamp="2020-01-01T00:00:00"),
         "returned an expirationTimestamp without a time zone"),
    ],
    ids=lambda _: "x",
)  # fmt: skip
def test_output(plugin: Plugin, output: str, words: str) -> None:
    assert failing(lambda: plugin.saying(output).run()) == words


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("exit 3", "failed with exit code 3"),
        ("exit 255", "failed with exit code 255"),
        ("kill -TERM $$", "was ended by SIGTERM"),
        ("kill -40 $$", "was ended by signal 40"),
    ],
)
def test_exit(plugin: Plugin, end: str, words: str, capfd: pytest.CaptureFixture[str]) -> None:
    text = failing(lambda: plugin.shell(f"echo '{credential(token='s3cret')}'; {end}").run())
    assert text == words
    assert capfd.readouterr() == ("", "")


def test_too_much_output(plugin: Plugin) -> None:
    words = failing(lambda: plugin.shell("while :; do echo s3cret; done").run())
    assert words == "wrote more than 1 MiB and was stopped"


def gone(pid: int) -> bool:
    """Whether a process has ended, or does within a time that only a hang takes."""
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        status = Path(f"/proc/{pid}/stat").read_text() if Path(f"/proc/{pid}/stat").exists() else ") Z"
        if status.rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("output", ["", "echo started;"])
def test_timeout_ends_all_that_it_started(plugin: Plugin, output: str) -> None:
    started = time.monotonic()
    plugin.shell(f"{output} sleep 1000 & echo $! > '{plugin.folder}/pid'; trap '' TERM; wait")
    words = failing(lambda: plugin.run(timeout=3.0))  # it has to get as far as to say who is to be ended
    assert words == "gave no credentials within 3s and was stopped"
    assert time.monotonic() - started < LONG
    assert gone(int((plugin.folder / "pid").read_text()))


def test_timeout_after_the_output_is_closed(plugin: Plugin) -> None:
    words = failing(lambda: plugin.shell("exec >&-; sleep 1000").run(timeout=0.3))
    assert words == "gave no credentials within 0.3s and was stopped"


def test_timeout_of_an_interactive_plugin(plugin: Plugin) -> None:
    plugin.script(f"#!{sys.executable}\nimport time; time.sleep(1000)")
    words = failing(lambda: plugin.run(timeout=0.3, interactive_mode="Always", interactive=True))
    assert words == "gave no credentials within 0.3s and was stopped"


def test_something_left_running_does_not_hold_us(plugin: Plugin) -> None:
    """As an agent that a plugin starts: it inherits the pipe and keeps it open."""
    plugin.shell(f"sleep 1000 & echo $! > '{plugin.folder}/pid'; echo '{credential(token='t')}'")
    started = time.monotonic()
    assert plugin.run().token == "t"
    assert time.monotonic() - started < LONG
    os.kill(int((plugin.folder / "pid").read_text()), signal.SIGKILL)


def test_interrupt_ends_the_plugin(plugin: Plugin) -> None:
    plugin.shell(f"echo $$ > '{plugin.folder}/pid.new'; mv '{plugin.folder}/pid.new' '{plugin.folder}/pid'; sleep 1000")
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background job ignores it
        "from kubectl_metrics.connection import execplugin, config as k\n"
        f"e = k.ExecConfig(command={str(plugin.path)!r}, api_version={V1!r}, interactive_mode='Never')\n"
        "c = k.ClientConfig(server='https://x')\n"
        "try: execplugin.run(e, c, environ={'PATH': '/bin:/usr/bin'}, interactive=False)\n"
        "except KeyboardInterrupt: print('interrupted')\n"
    )
    ours = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    end = time.monotonic() + LONG
    while not (plugin.folder / "pid").exists() and time.monotonic() < end:
        time.sleep(0.01)
    ours.send_signal(signal.SIGINT)
    out, _ = ours.communicate(timeout=LONG)
    assert out == "interrupted\n"
    assert gone(int((plugin.folder / "pid").read_text()))


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_that_ends_us_ends_the_plugin(plugin: Plugin, name: str) -> None:
    """It runs in a session of its own, where neither a closed terminal nor a signal to our group reaches it."""
    plugin.shell(f"echo $$ > '{plugin.folder}/pid.new'; mv '{plugin.folder}/pid.new' '{plugin.folder}/pid'; sleep 1000")
    program = (
        "import signal\n"
        f"signal.signal(signal.{name}, signal.SIG_DFL)\n"  # under nohup, one of them is ignored
        "from kubectl_metrics.connection import execplugin, config as k\n"
        f"e = k.ExecConfig(command={str(plugin.path)!r}, api_version={V1!r}, interactive_mode='Never')\n"
        "c = k.ClientConfig(server='https://x')\n"
        "execplugin.run(e, c, environ={'PATH': '/bin:/usr/bin'}, interactive=False)\n"
    )
    ours = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE)
    end = time.monotonic() + LONG
    while not (plugin.folder / "pid").exists() and time.monotonic() < end:
        time.sleep(0.01)
    ours.send_signal(getattr(signal, name))
    _, err = ours.communicate(timeout=LONG)
    assert (ours.returncode, err) == (-getattr(signal, name), b"")
    assert gone(int((plugin.folder / "pid").read_text()))


def while_it_is_being_started(plugin: Plugin, number: signal.Signals, before: str, within: str = "if True") -> int:
    """How a process ends that gets a signal when its plugin runs already, and Popen has not told us yet which it is."""
    pid = plugin.folder / "pid"
    plugin.shell(f"echo $$ > '{pid}.new'; mv '{pid}.new' '{pid}'; sleep 1000")
    program = (
        "import os, signal, sys, time\n"
        "from kubectl_metrics.completing.alarm import alarm\n"
        "from kubectl_metrics.connection import execplugin, config as k\n"
        f"e = k.ExecConfig(command={str(plugin.path)!r}, api_version={V1!r}, interactive_mode='Never')\n"
        "c = k.ClientConfig(server='https://x')\n"
        "def forked(frame, event, function):\n"
        "    if event == 'c_return' and function.__name__ == 'fork_exec':\n"
        f"        while not os.path.exists({str(pid)!r}): time.sleep(0.01)\n"
        f"        os.kill(os.getpid(), {int(number)})\n"
        f"{before}\n"
        "sys.setprofile(forked)\n"
        f"{within}: execplugin.run(e, c, environ={{'PATH': '/bin:/usr/bin'}}, interactive=False)\n"
    )
    ours = subprocess.run([sys.executable, "-c", program], stderr=subprocess.DEVNULL, timeout=LONG, check=False)
    assert gone(int(pid.read_text()))
    return ours.returncode


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_the_plugin_is_being_started(plugin: Plugin, number: signal.Signals) -> None:
    handler = "default_int_handler" if number == signal.SIGINT else "SIG_DFL"  # a background job ignores some of them
    assert while_it_is_being_started(plugin, number, f"signal.signal({int(number)}, signal.{handler})") == -number


def test_an_alarm_while_the_plugin_is_being_started(plugin: Plugin) -> None:
    """The time limit of a completion is one; what strikes is an exception like that of Ctrl-C."""
    assert while_it_is_being_started(plugin, signal.SIGALRM, "", "with alarm(1000)") == 0


# It does not end by itself when nobody reads any more.
SAYS_TOO_MUCH = "echo $$ > '{folder}/pid'; trap '' PIPE; head -c 2000000 /dev/zero 2>&-; exec sleep 1000"


def refuse(*_: object) -> None:
    raise PermissionError


@pytest.mark.parametrize("killpg", ["missing", "refused"])
def test_where_the_group_cannot_be_ended_the_plugin_is(
    plugin: Plugin, monkeypatch: pytest.MonkeyPatch, killpg: str
) -> None:
    """Windows has no groups of processes, and macOS refuses where one of them is a zombie."""
    plugin.shell(SAYS_TOO_MUCH.format(folder=plugin.folder))
    if killpg == "missing":
        monkeypatch.delattr(os, "killpg")
    else:
        monkeypatch.setattr(os, "killpg", refuse)
    assert failing(plugin.run) == "wrote more than 1 MiB and was stopped"
    assert gone(int((plugin.folder / "pid").read_text()))


@pytest.mark.filterwarnings("ignore:subprocess:ResourceWarning")
def test_a_plugin_that_has_become_somebody_else_is_not_waited_for(
    plugin: Plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As sudo, which a user may not end."""
    plugin.shell(SAYS_TOO_MUCH.format(folder=plugin.folder))
    with monkeypatch.context() as patch:
        patch.setattr(os, "killpg", refuse)
        patch.setattr(os, "kill", refuse)
        assert failing(plugin.run) == "wrote more than 1 MiB and was stopped"
    gc.collect()  # the warning about what still runs comes here
    os.kill(int((plugin.folder / "pid").read_text()), signal.SIGKILL)


# ---- other systems ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "environ", "expected"),
    [
        ("login", {"PATH": r"C:\bin;relative;;.;D:\more"},
         [r"C:\bin\login.COM", r"C:\bin\login.EXE", r"C:\bin\login.BAT", r"C:\bin\login.CMD",
          r"D:\more\login.COM", r"D:\more\login.EXE", r"D:\more\login.BAT", r"D:\more\login.CMD"]),
        ("login", {"PATH": r"C:\bin", "PATHEXT": ".EXE;.PY;"}, [r"C:\bin\login.EXE", r"C:\bin\login.PY"]),
        ("login.exe", {"PATH": r"C:\bin", "PATHEXT": ".CMD"}, [r"C:\bin\login.exe", r"C:\bin\login.exe.CMD"]),
        (r"C:\it\login", {"PATH": r"C:\bin", "PATHEXT": ".EXE"}, [r"C:\it\login.EXE"]),
        ("C:/it/login.exe", {"PATHEXT": ".EXE"}, ["C:/it/login.exe", "C:/it/login.exe.EXE"]),
        ("login", {}, []),
    ],
)  # fmt: skip
def test_programs_on_windows(command: str, environ: dict[str, str], expected: list[str]) -> None:
    """Paths with either slash, endings, and no working directory."""
    assert programs.candidates(command, environ, windows=True) == expected


def test_programs_elsewhere() -> None:
    environ = {"PATH": "/bin:relative::.:/usr/bin", "PATHEXT": ".EXE"}
    assert programs.candidates("login", environ, windows=False) == ["/bin/login", "/usr/bin/login"]
    assert programs.candidates("/it/login", environ, windows=False) == ["/it/login"]


@pytest.fixture(params=[programs.ReadBySelect, programs.ReadByThread])
def run_and_read(request: pytest.FixtureRequest) -> Iterator[Callable[..., bytes]]:
    """Runs a line of shell, and reads what it writes in one of the two ways; ends what it leaves running."""
    processes: list[subprocess.Popen[bytes]] = []

    def run(line: str, seconds: float = LONG) -> bytes:
        process = subprocess.Popen(["sh", "-c", line], stdout=subprocess.PIPE, start_new_session=True)
        processes.append(process)
        assert process.stdout is not None
        return programs.read_all(process, request.param(process.stdout), time.monotonic() + seconds)

    yield run
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_either_way_all_is_read(run_and_read: Callable[..., bytes]) -> None:
    assert run_and_read("printf 'a\\r\\nb'; printf c") == b"a\r\nbc"
    assert run_and_read(":") == b""
    size = programs.MAX_OUTPUT
    assert run_and_read(f"head -c {size} /dev/zero") == bytes(size)
    assert run_and_read("echo now; sleep 1000 &") == b"now\n"  # which holds the pipe open


def test_either_way_it_has_an_end(run_and_read: Callable[..., bytes]) -> None:
    with pytest.raises(OverflowError):
        run_and_read("cat /dev/zero")
    for line in ("sleep 1000", "echo now; sleep 1000", "exec >&-; sleep 1000"):
        with pytest.raises(TimeoutError):
            run_and_read(line, 0.3)


def test_a_signal_is_not_lost_where_the_plugin_cannot_be_started() -> None:
    def interrupted() -> None:
        with signals.deferred():
            signal.raise_signal(signal.SIGINT)
            raise FileNotFoundError

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted()
    finally:
        signal.signal(signal.SIGINT, before)
