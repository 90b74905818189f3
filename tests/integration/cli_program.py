"""The `hongyan` program: what its environment is, and how it looks on a terminal."""

import os
import pty
import select
import subprocess

from sandbox_process import BIN
from timing import LIMIT


def environment(**more):
    """Nothing of the tests' own, but for what the sanitizers need."""
    kept = {name: os.environ[name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS") if name in os.environ}
    return {"PATH": os.environ["PATH"], "TZ": "Asia/Shanghai", "LANG": "C", **kept, **more}


def on_a_terminal(*args, **env):
    """(exit code, what a person sees) of the program with a terminal for standard output and error."""
    leader, follower = pty.openpty()
    process = subprocess.Popen([BIN / "hongyan", *args], env=environment(**env), stdin=subprocess.DEVNULL,
                               stdout=follower, stderr=follower)
    os.close(follower)
    shown = b""
    while select.select([leader], [], [], LIMIT)[0]:
        try:
            block = os.read(leader, 4096)
        except OSError:  # the other end is closed
            break
        if not block:
            break
        shown += block
    os.close(leader)
    return process.wait(LIMIT), shown.decode("utf-8")
