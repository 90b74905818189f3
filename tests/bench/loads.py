"""The load generators of scripts/bench and what they report. All on loopback, all bounded in time."""

import array
import hashlib
import json
import re
import struct
import subprocess

from programs import CALLBACK_TOKEN, HERE

ROOT = HERE.parents[1]
METHOD = "/hongyan.v1.NotifyService/SendText"
OPENID = "oSandbox_AliceDemoFollower01"
GRPC_HEADERS = ["-H", "content-type: application/grpc", "-H", "te: trailers"]
WARM_UP_SECONDS = 2
MILLISECONDS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


def write_request(path):
    """A SendTextRequest in its gRPC frame."""
    text = f'openid: "{OPENID}" content: "您的订单 1024 已发货"'
    message = subprocess.run(
        ["protoc", f"-I{ROOT / 'protos'}", "--encode=hongyan.v1.SendTextRequest",
         "hongyan/v1/notify.proto"], input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
    path.write_bytes(b"\0" + struct.pack(">I", len(message)) + message)
    return path


def h2load(address, request, connections=4, streams=32, seconds=None, count=None, log=None):
    """Runs h2load; {"done", "seconds", "p50", "p99"} in requests, seconds and milliseconds."""
    bound = ["-D", str(seconds)] if seconds else ["-n", str(count)]
    if log:
        log.unlink(missing_ok=True)
        bound += ["--log-file", str(log)]
    report = subprocess.run(
        ["h2load", "-t", "1", "-c", str(connections), "-m", str(streams), *bound, *GRPC_HEADERS, "-d", str(request),
         f"http://{address}{METHOD}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True, text=True,
        timeout=(seconds or 60) + 60).stdout
    done, good, failed = (int(re.search(rf"(\d+) {word}", report).group(1)) for word in ("done", "succeeded", "failed"))
    if not done or good != done or failed:
        raise SystemExit("h2load met failures:\n" + report)
    took, unit = re.search(r"finished in ([\d.]+)(us|ms|s),", report).groups()
    result = {"done": done, "seconds": float(took) * MILLISECONDS[unit] / 1000}
    if log:
        # Each line: start in µs, HTTP status, duration in µs.
        times = array.array("q", sorted(int(line.split()[2]) for line in open(log, encoding="ascii")))
        result["p50"], result["p99"] = times[len(times) // 2] / 1000, times[len(times) * 99 // 100] / 1000
    return result


def write_wrk_script(path, callback_path, count=20000):
    """So many different signed verifications, which wrk takes in turn."""
    queries = []
    for number in range(count):
        timestamp, nonce = "1700000000", f"n{number}"
        signature = hashlib.sha1("".join(sorted([CALLBACK_TOKEN, timestamp, nonce])).encode()).hexdigest()
        queries.append(json.dumps(f"{callback_path}?signature={signature}&timestamp={timestamp}&nonce={nonce}"
                                  f"&echostr={number}"))
    path.write_text("local all={\n" + ",\n".join(queries) + "}\nlocal at=0\nfunction request()\n  at=at%#all+1\n"
                    "  return wrk.format('GET',all[at])\nend\n", encoding="utf-8")
    return path


def wrk(address, script, seconds):
    """Runs wrk; the same figures as h2load."""
    report = subprocess.run(["wrk", "-t1", "-c32", f"-d{seconds}s", "--latency", "-s", str(script), f"http://{address}"],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True, text=True,
                            timeout=seconds + 60).stdout
    if "Non-2xx" in report:
        raise SystemExit("wrk met failures:\n" + report)
    done, took = re.search(r"(\d+) requests in ([\d.]+)s", report).groups()
    p50, p99 = (float(value) * MILLISECONDS[unit] for value, unit in re.findall(r"(?:50|99)%\s+([\d.]+)(us|ms|s)", report))
    return {"done": int(done), "seconds": float(took), "p50": p50, "p99": p99}


pushed = 1  # the next MsgId: no push of a run is a repeat


def push(binaries, address, seconds, key="", rate=0):
    """Pushes text messages, each a new one; the same figures as h2load, and "max"."""
    global pushed
    command = [binaries / "bench_push", "--address", address, "--seconds", seconds, "--rate", rate, "--first", pushed,
               "--token", CALLBACK_TOKEN, *(["--key", key] if key else [])]
    figures = json.loads(subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, check=True, timeout=seconds + 60).stdout)
    pushed += 200000
    if figures["other"] or not figures["done"]:
        raise SystemExit(f"bench_push met failures: {figures}")
    return figures
