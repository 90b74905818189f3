"""What a SendText costs beside a bare gRPC echo and nginx as gRPC proxy; see scripts/bench --help."""

import argparse
import json
import pathlib
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import time
import urllib.request
from concurrent import futures

import grpc

import loads
from programs import AES_KEY, PLAIN, PROXY, SAFE, STATIC, STUB, Nginx, Program, Service, free_port

IN_FLIGHT = 1000
LATENCY_MS = 250  # of WeChat, while memory is watched
STARTS = 5
PUSH_RATE = 1000  # events a second
WATCH_RATE = 200
WATCHERS = 100
OLD_EVENTS = 500000
PRUNING_SECONDS = 3


class Bench:
    def __init__(self, binaries, folder, seconds):
        self.binaries, self.folder, self.seconds = binaries, folder, seconds
        self.rows, self.facts, self.running = [], [], []
        self.request = loads.write_request(folder / "request")

    def keep(self, program):
        self.running.append(program)
        return program

    def sandbox(self):
        folder = self.folder / "sandbox"
        folder.mkdir()
        sandbox = self.keep(Program(folder, [self.binaries / "hongyan-sandbox", "--listen", "127.0.0.1:0"],
                                    last="sandbox"))
        return "http://" + sandbox.addresses["sandbox"]

    def measure(self, name, measured, load):
        """`load(seconds)` first to warm up, then for the record; CPU time is that of `measured` only."""
        load(loads.WARM_UP_SECONDS)
        before = measured.cpu_seconds()
        figures = load(self.seconds)
        figures["cpu_us"] = (measured.cpu_seconds() - before) / figures["done"] * 1e6
        self.rows.append((name, figures))
        print(f"  {name}: {figures['done'] / figures['seconds']:.0f} requests/s", flush=True)
        return figures

    def calls(self, name, measured, address):
        log = self.folder / "h2load.log"
        return self.measure(name, measured, lambda seconds: loads.h2load(address, self.request, seconds=seconds, log=log))

    # --- the rows ------------------------------------------------------------------------------------------------------

    def echo_and_proxy(self):
        (self.folder / "echo").mkdir()
        echo = self.keep(Program(self.folder / "echo", [self.binaries / "bench_echo"], last="grpc"))
        proxy = self.keep(Nginx(self.folder / "proxy", PROXY, upstream=echo.addresses["grpc"]))
        for address in (echo.addresses["grpc"], f"127.0.0.1:{proxy.port}"):
            answer(address, loads.METHOD, self.request.read_bytes()[5:])
        self.facts.append(("memory of the echo, idle", f"{echo.memory_mb():.1f} MB"))
        self.calls("gRPC echo, nothing behind it", echo, echo.addresses["grpc"])
        self.calls("nginx as gRPC proxy before it", proxy, f"127.0.0.1:{proxy.port}")
        proxy.stop()
        echo.stop()

    def send_text(self, level):
        stub = self.keep(Nginx(self.folder / f"stub-{level}", STUB, token="7" * 136))
        service = self.keep(Service(self.folder / f"service-{level}", self.binaries, f"http://127.0.0.1:{stub.port}", level))
        wait_until_serving(service.addresses["grpc"])
        if level == "info":
            self.facts.append(("memory of hongyand, idle", f"{service.memory_mb():.1f} MB"))
        at_stub = stub.requests()
        done = 0

        def load(seconds):
            nonlocal done
            figures = loads.h2load(service.addresses["grpc"], self.request, seconds=seconds, log=self.folder / "h2load.log")
            done += figures["done"]
            return figures

        self.measure(f"SendText, log level {level}", service, load)
        good = service.metric("grpc_server_handled_total", grpc_method="SendText", grpc_code="OK")
        arrived = stub.requests() - at_stub - 1
        if good < done or arrived < done:
            raise SystemExit(f"{done} calls, but {good:.0f} counted as OK and {arrived} requests at the stub")
        if level == "info":
            script = loads.write_wrk_script(self.folder / "wrk.lua", "/wechat/callback/main")
            self.measure("callback: server verification", service,
                         lambda seconds: loads.wrk(service.addresses["callback"], script, seconds))
        service.stop()
        stub.stop()

    def static_body(self):
        nginx = self.keep(Nginx(self.folder / "static", STATIC))
        self.measure("nginx, static body to the same pushes", nginx,
                     lambda seconds: loads.push(self.binaries, f"127.0.0.1:{nginx.port}", seconds))
        nginx.stop()

    def pushes(self, name, mode, key):
        stub = self.keep(Nginx(self.folder / f"stub-push-{name}", STUB, token="7" * 136))
        service = self.keep(Service(self.folder / f"service-push-{name}", self.binaries, f"http://127.0.0.1:{stub.port}",
                                    mode=mode))
        wait_until_serving(service.addresses["grpc"])
        address = service.addresses["callback"]
        done = 0

        def load(seconds, rate=0):
            nonlocal done
            figures = loads.push(self.binaries, address, seconds, key, rate)
            done += figures["done"]
            return figures

        self.measure(f"callback: text message stored, {name} mode", service, load)
        steady = load(self.seconds, PUSH_RATE)
        self.facts.append((f"answer to a push in {name} mode at {PUSH_RATE}/s: p50, p99, worst",
                           f"{steady['p50']:.1f} ms, {steady['p99']:.1f} ms, {steady['max']:.1f} ms"))
        stored = len_of_table(service.folder / "hongyan.db", "events")
        if stored != done:
            raise SystemExit(f"{done} pushes were answered, but {stored} events are stored")
        if name == "plain":
            self.watchers(service)
        service.stop()
        stub.stop()

    def pruning(self):
        """Pushes beside the removal of old events, which begins with the start."""
        stub = self.keep(Nginx(self.folder / "stub-pruning", STUB, token="7" * 136))
        folder = self.folder / "service-pruning"
        upstream = f"http://127.0.0.1:{stub.port}"
        self.keep(Service(folder, self.binaries, upstream)).stop()  # it has made the tables
        database = sqlite3.connect(folder / "hongyan.db")
        with database:
            database.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO events (seq, account,"
                " openid, event_type, create_time, receive_time, body_format, body, checksum) SELECT i, 'main', 'oOld' || i,"
                " 'text', i, i, 0, printf('%.350c', 'x'), 0 FROM n", (OLD_EVENTS,))
            database.execute("UPDATE hongyan_counters SET number = ? WHERE name = 'event'", (OLD_EVENTS,))
        database.close()
        service = self.keep(Service(folder, self.binaries, upstream))
        wait_until_serving(service.addresses["grpc"])
        old = f"events WHERE seq <= {OLD_EVENTS}"
        before = len_of_table(folder / "hongyan.db", old)
        removing = loads.push(self.binaries, service.addresses["callback"], PRUNING_SECONDS, "", PUSH_RATE)
        removed = before - len_of_table(folder / "hongyan.db", old)
        self.facts.append((f"answer to a push at {PUSH_RATE}/s while {removed} old events go: p50, p99, worst",
                           f"{removing['p50']:.1f} ms, {removing['p99']:.1f} ms, {removing['max']:.1f} ms"))
        service.stop()
        stub.stop()

    def watchers(self, service):
        events = WATCH_RATE * self.seconds
        watch = subprocess.Popen([str(self.binaries / "bench_watch"), "--target", service.addresses["grpc"], "--watchers",
                                  str(WATCHERS), "--events", str(events), "--seconds", str(self.seconds + 60)],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        try:
            if watch.stdout.readline().strip() != "ready":
                raise SystemExit("the watchers' streams don't stand")
            before = service.cpu_seconds()
            answers = loads.push(self.binaries, service.addresses["callback"], self.seconds, rate=WATCH_RATE)
            told = json.loads(watch.stdout.readline())
            cpu = (service.cpu_seconds() - before) / told["events"] * 1e6
        finally:
            watch.terminate()
            watch.wait()
        if told["events"] != events * WATCHERS or told["disordered"]:
            raise SystemExit(f"watchers missed events: {told}")
        self.facts.append((f"{WATCHERS} watchers at {WATCH_RATE} events/s: p50, p99, worst delay; CPU an event and watcher",
                           f"{told['p50']:.1f} ms, {told['p99']:.1f} ms, {told['max']:.1f} ms; {cpu:.1f} µs"))
        self.facts.append(("answer to a push meanwhile: p50, p99, worst",
                           f"{answers['p50']:.1f} ms, {answers['p99']:.1f} ms, {answers['max']:.1f} ms"))

    def memory_under_load(self):
        url = self.sandbox()
        for what, order in (("quota", {"app_id": "wxsandbox00000001", "api": "/cgi-bin/message/custom/send",
                                       "daily_limit": 10000000}),
                            ("faults", {"api": "/cgi-bin/message/custom/send", "times": 0,
                                        "effect": {"delay_before_ms": LATENCY_MS}})):
            urllib.request.urlopen(f"{url}/sandbox/{what}", json.dumps(order).encode(), timeout=5).close()
        service = self.keep(Service(self.folder / "service-memory", self.binaries, url))
        wait_until_serving(service.addresses["grpc"])
        peak = 0
        with futures.ThreadPoolExecutor(1) as thread:
            load = thread.submit(loads.h2load, service.addresses["grpc"], self.request, connections=10,
                                 streams=IN_FLIGHT // 10, count=IN_FLIGHT * 4)
            while not load.done():
                peak = max(peak, service.metric("hongyan_in_flight"))
                time.sleep(0.1)
            load.result()
        good = service.metric("grpc_server_handled_total", grpc_method="SendText", grpc_code="OK")
        if good != IN_FLIGHT * 4:
            raise SystemExit(f"with {IN_FLIGHT} calls in flight only {good:.0f} of {IN_FLIGHT * 4} were OK")
        self.facts.append((f"memory of hongyand, peak with {peak:.0f} calls in flight", f"{service.memory_mb('VmHWM'):.1f} MB"))
        service.stop()

    def start_up(self):
        stub = self.keep(Nginx(self.folder / "stub-start", STUB, token="7" * 136))
        times = []
        for _ in range(STARTS):
            address = f"127.0.0.1:{free_port()}"
            service = self.keep(Service(self.folder / "service-start", self.binaries, f"http://127.0.0.1:{stub.port}", grpc=address))
            wait_until_serving(address)
            times.append(time.monotonic() - service.begun)
            service.stop()
        self.facts.append((f"from exec to SERVING, median of {STARTS}", f"{statistics.median(times) * 1000:.0f} ms"))
        stub.stop()

    def run(self):
        try:
            self.start_up()
            self.echo_and_proxy()
            self.send_text("warn")
            self.send_text("info")
            self.static_body()
            self.pushes("plain", PLAIN, "")
            self.pushes("safe", SAFE, AES_KEY)
            self.pruning()
            self.memory_under_load()
        finally:
            for program in self.running:
                program.stop()

    def table(self):
        # Calls are held against nginx proxying them, what WeChat sends against nginx answering it with a static body.
        proxy, static = (next(it for name, it in self.rows if name.startswith(f"nginx{what}"))
                         for what in (" as gRPC proxy", ", static body"))
        lines = ["| what | requests/s | CPU µs a request | CPU ÷ nginx | p50 ms | p99 ms |", "|---|---|---|---|---|---|"]
        for name, it in self.rows:
            base = static if name.startswith(("callback", "nginx, static")) else proxy
            lines.append(f"| {name} | {it['done'] / it['seconds']:.0f} | {it['cpu_us']:.1f} | "
                         f"{it['cpu_us'] / base['cpu_us']:.2f} | {it['p50']:.2f} | {it['p99']:.2f} |")
        lines += ["", "| what | |", "|---|---|"] + [f"| {name} | {value} |" for name, value in self.facts]
        return "\n".join(lines)


def answer(address, method, request):
    """One unary call with bytes; fails unless the status is OK."""
    with grpc.insecure_channel(address, (("grpc.use_local_subchannel_pool", 1),)) as channel:
        return channel.unary_unary(method)(request, timeout=5, wait_for_ready=True)


def len_of_table(path, name):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
    finally:
        connection.close()


def wait_until_serving(address):
    end = time.monotonic() + 10
    while answer(address, "/grpc.health.v1.Health/Check", b"") != b"\x08\x01":
        if time.monotonic() > end:
            raise SystemExit("hongyand did not come to SERVING")
        time.sleep(0.001)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=int, default=8, choices=range(1, 61), metavar="1..60")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hongyan-bench-"))
    try:
        bench = Bench(options.bin.resolve(), folder, options.seconds)
        bench.run()
        print("\n" + bench.table())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
