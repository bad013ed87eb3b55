"""A shell at a terminal of its own, typed into: what TAB makes of the line, and what it shows."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path

_PATIENCE = 60.0  # seconds for a shell to do what it was told
_CLEAR, _TELL = "\x15", "\x07"  # Ctrl-U empties the line, Ctrl-G writes it into $LINE
_PROMPT = "ready> "
_TOLD = "<told>"  # what the terminal gets behind everything else

# The start of each: nothing that does not belong here, and a key that tells what the line is, here and on the terminal:
# what that has got before is all there then.
_START = {
    "bash": f"""
PS1='{_PROMPT}'
bind 'set enable-bracketed-paste off'
bind -x '"\\C-g": printf "%s\\n" "$READLINE_LINE" >"$LINE"; printf "{_TOLD}"'
""",
    "zsh": f"""
PS1='{_PROMPT}'
unsetopt beep prompt_sp prompt_cr
autoload -Uz compinit && compinit -u -D
tell() {{ print -r -- "$BUFFER" >"$LINE"; print -rn -- "{_TOLD}" }}
zle -N tell
bindkey -e
bindkey '^G' tell
""",
    "fish": f"""
function fish_prompt; printf '{_PROMPT}'; end
function fish_greeting; end
set -g fish_autosuggestion_enabled 0
bind \\cg 'commandline >"$LINE"; printf "{_TOLD}"'
""",
}
_ARGUMENTS = {"bash": ["--noprofile", "--rcfile"], "zsh": ["-d", "-i"], "fish": ["--no-config", "-C"]}


class Shell:
    """One interactive shell, which runs in ``folder`` and has it for a home. Close it."""

    def __init__(self, name: str, folder: Path, start: str, wrapped: Callable[..., list[str]]) -> None:
        """``start`` is what it reads first; ``wrapped`` puts a command into the environment that it is to have.

        Raises TimeoutError if it does not come up.
        """
        fifo = folder / "line"
        os.mkfifo(fifo)
        self._line = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)  # for both ends: so none of them waits for the other
        text = _START[name] + start
        if name == "zsh":
            (folder / ".zshrc").write_text(text)
        else:
            (folder / "start").write_text(text)
        last = {"bash": ["start"], "zsh": [], "fish": ["source start"]}[name]
        executable = shutil.which(name)
        assert executable is not None, f"{name} is not installed"
        self.name = name
        environment = [f"HOME={folder}", f"ZDOTDIR={folder}", f"LINE={fifo}", "TERM=xterm", "fish_history="]
        command = wrapped("env", *environment, executable, *_ARGUMENTS[name], *last)
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        self._terminal = ours
        self._shown = b""
        self._process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *command], stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder
        )
        os.close(theirs)
        self._wait(lambda: _PROMPT.encode() in self._shown)

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._terminal)  # which hangs up
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        os.close(self._line)

    def type(self, keys: str) -> str:
        """The line after these keys, typed into an empty one."""
        self._shown = b""
        os.write(self._terminal, f"{_CLEAR}{keys}{_TELL}".encode())
        told = b""

        def complete() -> bool:
            nonlocal told
            if select.select([self._line], [], [], 0)[0]:
                told += os.read(self._line, 65536)
            return told.endswith(b"\n") and _TOLD.encode() in self._shown

        self._wait(complete)
        return told.decode().removesuffix("\n")

    def shown(self) -> str:
        """What the terminal has got since the last typing began, without colours and the like."""
        return re.sub(r"\x1b(\[[0-9;?]*[a-zA-Z]|[()>=][0-9A-B]?)", "", self._shown.decode("utf-8", "replace"))

    def _wait(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + _PATIENCE
        while not condition():
            ready, _, _ = select.select([self._terminal, self._line], [], [], max(end - time.monotonic(), 0))
            if not ready:
                raise TimeoutError(f"the terminal shows {self.shown()!r}")
            if self._terminal in ready:
                self._shown += os.read(self._terminal, 65536)
