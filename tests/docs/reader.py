"""Somebody who reads the documents and does what they say, against what `scripts/demo --keep` leaves running.

grpcurl is no package of Debian 12: where it isn't on PATH, the stand-in beside this file runs its lines.
"""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

from sandbox_process import BIN, ROOT, SANDBOX
from timing import SCALE, eventually

# What no block takes on however busy a machine; whoever waits longer hangs.
PATIENCE = 300 * SCALE


class Reader:
    """Somebody with a clone of the repository, the demo running, and the demo's line pasted into the shell."""

    def __init__(self, folder):
        self.clone = folder / "clone"
        self.clone.mkdir()
        for name in ("protos", "scripts", "hongyan.example.yaml"):
            (self.clone / name).symlink_to(ROOT / name)
        (self.clone / "build" / "release").mkdir(parents=True)
        programs = self.clone / "build" / "release" / "bin"
        programs.mkdir()
        for name, program in (("hongyan", BIN / "hongyan"), ("hongyand", BIN / "hongyand"), ("hongyan-sandbox", SANDBOX)):
            (programs / name).symlink_to(program)
        tools = folder / "tools"
        tools.mkdir()
        (tools / "python3").symlink_to(sys.executable)  # the distribution's, whose packages the page names
        if not shutil.which("grpcurl"):
            (tools / "grpcurl").symlink_to(pathlib.Path(__file__).parent / "grpcurl")
        self.env = {name: value for name, value in os.environ.items()
                    if not name.startswith(("HONGYAN_T", "WX_", "LC_", "LANG"))}
        self.env.update(PATH=f"{tools}:{os.environ['PATH']}", LC_ALL="C.UTF-8", TMPDIR=str(folder))
        self.pasted = ""
        self.configurations = {}
        self._demo()

    def _demo(self):
        # In a file: who reads a pipe would wait for the end of what stays running.
        told = self.clone.parent / "demo"
        with open(told, "wb") as out:
            done = subprocess.run(["scripts/demo", "--keep", "--bin", self.clone / "build/release/bin"], cwd=ROOT,
                                  env=self.env, stdout=out, stderr=subprocess.STDOUT)
        text = told.read_text("utf-8")
        assert done.returncode == 0, text
        (self.pasted,) = re.findall(r"^  (export .*HONGYAN_TARGET=.*)$", text, re.M)
        (self._stop,) = re.findall(r"^  (kill .*)$", text, re.M)

    def stop(self):
        subprocess.run(["bash", "-c", self._stop], check=True)

    def run(self, code, stdin="", until=None, limit=PATIENCE, stopped=None):
        """All of it, or until `until(what was printed)` is true: then comes Ctrl-C, and it ends with `stopped` (None: any)."""
        printed = self.clone.parent / "printed"
        with open(printed, "wb") as out:
            # A worker of pytest may ignore SIGINT, and whoever is started by it would too.
            shell = subprocess.Popen(["bash", "-e", "-u", "-o", "pipefail", "-c", f"{self.pasted}\n{code}"], cwd=self.clone, env=self.env,
                                     stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
                                     preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
        try:
            shell.stdin.write(stdin.encode())
            shell.stdin.close()
            if until:
                try:
                    eventually(lambda: shell.poll() is not None or until(printed.read_text("utf-8")), PATIENCE)
                    assert shell.poll() is None, "it ended before Ctrl-C"
                except AssertionError as error:
                    raise AssertionError(f"{error}\n{printed.read_text('utf-8')}") from None
                os.killpg(shell.pid, signal.SIGINT)
            ended = shell.wait(timeout=limit)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()
        text = printed.read_text("utf-8")
        promised = stopped if until else 0
        assert promised is None or ended == promised, f"exit code {ended}\n{text}"
        return text


# --- what becomes of each block: functions of (reader, code) -----------------------------------------------------------


def prints(*fragments, stdin="", then="", limit=PATIENCE, stopped=None):
    """It is run, ends with 0 (or at Ctrl-C, where the block says that it ends so, with `stopped`), and prints all of these."""
    def run(reader, code):
        if "Ctrl-C" in code:
            reader.run(code, until=lambda text: all(fragment in text for fragment in fragments), stopped=stopped)
            return
        text = reader.run(code + then, stdin, limit=limit)
        for fragment in fragments:
            assert fragment in text, text
    return run


def cannot(reason):
    """It isn't run, because of this."""
    assert reason
    return None


def file(name):
    """A program that later blocks run."""
    def run(reader, code):
        (reader.clone / name).parent.mkdir(parents=True, exist_ok=True)
        (reader.clone / name).write_text(code, encoding="utf-8")
    return run


def follow(name, reader, blocks, steps):
    """Does what each block says, in their order. `steps`: (heading, step or None) for each of them."""
    for block, (heading, step) in zip(blocks, steps):
        if step:
            try:
                step(reader, block.code)
            except AssertionError as error:
                raise AssertionError(f"{name}:{block.line}, {heading}: {error}\n{block.code}") from None
