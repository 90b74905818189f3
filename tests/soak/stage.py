"""The programs of a soak: a sandbox, and a hongyand that can be killed, broken and watched from outside."""

import mmap
import os
import pathlib
import struct
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

from certificates import Authority  # noqa: E402
from sandbox_process import CUSTOM, Sandbox  # noqa: E402
from service_process import Service  # noqa: E402

NAME = "wechat.soak.test"
PEOPLE = 40
FILES = 2048  # that hongyand may open; its listeners get more connections than that


class Faults:
    """The numbers that faults.c looks at."""

    FIELDS = ("flush_ms", "disk_full", "names_silent", "clock_seconds")

    def __init__(self, folder):
        self.path = folder / "faults"
        self.path.write_bytes(bytes(8 * len(self.FIELDS)))
        with open(self.path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self.library = folder / "faults.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", self.library, HERE / "faults.c",
                        "-ldl"], check=True)

    def set(self, **values):
        for name, value in values.items():
            struct.pack_into("q", self._map, 8 * self.FIELDS.index(name), value)

    def clear(self):
        self.set(**dict.fromkeys(self.FIELDS, 0))

    def environment(self):
        return {"LD_PRELOAD": str(self.library), "HONGYAN_SOAK_FAULTS": str(self.path)}


class Stage:
    def __init__(self, api, folder):
        self.api, self.folder = api, folder
        self.faults = Faults(folder)
        # Certificates that are valid since long ago, for clocks that go back.
        self.faults.set(clock_seconds=-90 * 86400)
        os.environ.update(self.faults.environment())
        try:
            authority = Authority(folder, "authority", days=1000)
            certificate, key = authority.issue("wechat", san=f"DNS:{NAME},IP:127.0.0.1", days=1000)
        finally:
            for name in self.faults.environment():
                del os.environ[name]
            self.faults.clear()
        self.sandbox = Sandbox("--tls-cert", str(certificate), "--tls-key", str(key), scheme="https")
        self.account = self.sandbox.new_account()
        self.account.post("quota", api=CUSTOM, daily_limit=10**8)
        self.people = [self.account.user(window_seconds=10**7) for _ in range(PEOPLE)]
        self.life = 0  # how many times it has begun; odd while it runs, even while it doesn't
        self.changed = threading.Condition()
        self.service = Service(api, folder, {"main": self.account}, {
            "wechat": {"api_urls": [f"https://{NAME}:{self.sandbox.port}"], "ca_file": str(authority.ca),
                       "timeout": "3s"},
            "callback": {"max_connections": 256, "timestamp_window": "0s"},
            "shutdown": {"delay": "0s", "grace": "5s"},
            "log": {"level": "warn"},
        }, env=self.faults.environment(), launcher=["prlimit", f"--nofile={FILES}"])
        self._began()

    def _began(self):
        self.account.calls_back(self.service.callback_url + "main")
        self.pid = self.service.process.pid
        with self.changed:
            self.life += 1
            self.changed.notify_all()

    def _ends(self):
        with self.changed:
            self.life += 1
        for channel in self.service.channels:
            channel.close()
        self.service.channels.clear()

    def running(self):
        return self.life % 2 == 1

    def keep_log(self):
        with open(self.folder / "log", "a", encoding="utf-8") as log:
            log.write(self.service.stderr)

    def kill(self):
        """Ends it as a power cut would, and starts it again."""
        self._ends()
        self.service.process.kill()
        self.service.process.wait()
        self.keep_log()
        self.service.start()
        self._began()

    def restart(self):
        """Ends it in peace, and starts it again."""
        self._ends()
        self.service.stop()
        self.keep_log()
        self.service.start()
        self._began()

    def stop(self):
        self._ends()
        self.service.stop()
        self.keep_log()

    def abandon(self):
        """Leaves nothing behind, whatever has happened."""
        if self.service.process.poll() is None:
            self.service.process.kill()
            self.service.process.wait()
        self.sandbox.stop()

    # --- what the kernel knows ---------------------------------------------------------------------------------------

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def figures(self):
        """(resident MB, threads, descriptors)."""
        return self.service.resident_mb(), self.threads(), self.descriptors()

    def settled(self, seconds):
        """The middle of what is seen in so many quiet seconds."""
        seen = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            seen.append(self.figures())
            time.sleep(0.5)
        return tuple(sorted(column)[len(column) // 2] for column in zip(*seen))
