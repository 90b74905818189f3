"""The programs that scripts/bench measures, and what the kernel knows about them."""

import os
import pathlib
import re
import socket
import subprocess
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
STOP_SECONDS = 25
TICKS = os.sysconf("SC_CLK_TCK")

# Common to both nginx: one process, nothing written, connections that live.
NGINX = """
daemon off; master_process off; pid nginx.pid; error_log nginx.log error;
events {{ worker_connections 4096; }}
http {{
  access_log off; default_type application/json; keepalive_requests 1000000000;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  {http}
}}
"""
PROXY = """
  upstream echo {{ server {upstream}; keepalive 256; keepalive_requests 1000000000; }}
  server {{ listen 127.0.0.1:{port} http2; location / {{ grpc_pass grpc://echo; }} }}
"""
STUB = """
  server {{
    listen 127.0.0.1:{port};
    location = /status {{ stub_status; }}
    location = /cgi-bin/stable_token {{ return 200 '{{"access_token":"{token}","expires_in":7200}}'; }}
    location / {{ return 200 '{{"errcode":0,"errmsg":"ok"}}'; }}
  }}
"""
SERVICE = """
grpc: {{ listen: "{grpc}" }}
callback: {{ listen: "127.0.0.1:0", timestamp_window: 0s }}
admin: {{ listen: "127.0.0.1:0" }}
log: {{ level: {level} }}
wechat: {{ api_urls: ["{upstream}"] }}
shutdown: {{ delay: 0s }}
accounts:
  - name: main
    app_id: wxsandbox00000001
    app_secret: ${{BENCH_SECRET}}
    callback:
      token: ${{BENCH_CALLBACK_TOKEN}}
      {mode}
"""
PLAIN = "mode: plain"
SAFE = "mode: safe\n      encoding_aes_key: ${BENCH_AES_KEY}"
STATIC = """
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 'success'; }} }}
"""
CALLBACK_TOKEN = "sandboxtoken"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
SECRETS = {"BENCH_SECRET": "sandboxsecret0000000000000000001", "BENCH_CALLBACK_TOKEN": CALLBACK_TOKEN,
           "BENCH_AES_KEY": AES_KEY}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Program:
    """A child that prints `listening NAME ADDRESS` on standard output."""

    def __init__(self, folder, command, last=None):
        self.begun = time.monotonic()
        with open(folder / "stderr", "ab") as errors:
            self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, cwd=folder,
                                            stdout=subprocess.PIPE, stderr=errors, text=True,
                                            env={**os.environ, **SECRETS})
        self.addresses = {}
        while last is not None and last not in self.addresses:
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit(f"{command[0]} did not start:\n" + (folder / "stderr").read_text()[-2000:])
            _, name, address = line.split()
            self.addresses[name] = address

    def cpu_seconds(self):
        """User and system time so far, from /proc/PID/stat."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_mb(self, what="VmRSS"):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(what + r":\s+(\d+) kB", status).group(1)) / 1024

    def stop(self):
        """Ends it; False if it had to be killed."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
            return True
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False
        finally:
            self.process.stdout.close()


class Nginx(Program):
    def __init__(self, folder, http, **values):
        self.port = free_port()
        folder.mkdir()
        (folder / "nginx.conf").write_text(NGINX.format(http=http.format(port=self.port, **values)))
        super().__init__(folder, ["nginx", "-p", folder, "-c", "nginx.conf", "-e", "nginx.log"])
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise SystemExit("nginx did not start:\n" + (folder / "nginx.log").read_text())

    def requests(self):
        """How many requests it has answered, from stub_status; this question is one of them."""
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.port}/status", timeout=5).read().decode()
        return int(text.splitlines()[2].split()[2])


class Service(Program):
    """hongyand, with everything on loopback."""

    def __init__(self, folder, binaries, upstream, level="info", grpc="127.0.0.1:0", mode=PLAIN):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        config = SERVICE.format(grpc=grpc, level=level, upstream=upstream, mode=mode)
        (folder / "hongyan.yaml").write_text(config)
        super().__init__(folder, [binaries / "hongyand", "--config", "hongyan.yaml"], last="admin")

    def metric(self, name, **labels):
        """The sum of the series with these labels."""
        text = urllib.request.urlopen(f"http://{self.addresses['admin']}/metrics", timeout=5).read().decode()
        total = 0.0
        for series, own, value in re.findall(r"^(\w+)(?:\{(.*)\})? (\S+)$", text, re.M):
            if series == name and all(f'{key}="{wanted}"' in own for key, wanted in labels.items()):
                total += float(value)
        return total
