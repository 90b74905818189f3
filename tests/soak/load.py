"""The honest load of a soak: texts, each tenth with an idempotency key, pushes, a reader of events, probes. Each remembers what it was
told, so that the proof can hold it against the sandbox's ledger and the database."""

import http.client
import threading
import time
from collections import Counter

import grpc

from rpc_failure import Failure
from sandbox_process import CUSTOM

TEXTS_PER_SECOND = 15
PUSHES_PER_SECOND = 15
PUSHERS = 8


class Worker(threading.Thread):
    """Does `step` until it is told to stop. What it didn't expect ends it, and is in `broken`."""

    def __init__(self, stage, name):
        super().__init__(name=name, daemon=True)
        self.stage, self.ending, self.broken = stage, threading.Event(), None

    def run(self):
        try:
            while not self.ending.is_set():
                self.step()
        except Exception as error:  # pylint: disable=broad-except
            self.broken = f"{self.name}: {type(error).__name__}: {error}"

    def end(self):
        self.ending.set()


class Pace:
    def __init__(self, per_second):
        self.gap, self.next, self.lock = 1 / per_second, time.monotonic(), threading.Lock()

    def wait(self):
        with self.lock:
            self.next = max(self.next + self.gap, time.monotonic() - 1)
            turn = self.next
        time.sleep(max(0.0, turn - time.monotonic()))


class Texts(Worker):
    """told[content] is `sent`, `unknown` (the service says so), `unheard` (nobody said anything) or `not sent`."""

    def __init__(self, stage):
        super().__init__(stage, "texts")
        self.told, self.when, self.reasons, self.pace = {}, [], Counter(), Pace(TEXTS_PER_SECOND)
        self.places = threading.Semaphore(100)

    def step(self):
        self.pace.wait()
        self.places.acquire()
        content, life, stage = f"text-{len(self.told)}", self.stage.life, self.stage
        self.told[content] = "unheard"
        openid = stage.people[len(self.told) % len(stage.people)]
        # A key is remembered for a day, some 700 bytes each: with one for every text memory would grow as it should.
        key = content if len(self.told) % 10 == 0 else ""
        try:
            call = stage.service.begin_text(openid, content, timeout=5, idempotency_key=key)
        except ValueError:  # its channel is closed: the service is being started again
            self.told[content] = "not sent"
            self.places.release()
            return
        call.add_done_callback(lambda call: self._note(call, content, openid, life, key))

    def _note(self, call, content, openid, life, key, again=False):
        told = self._meaning(call)
        self.when.append((time.monotonic(), told))
        # The rules allow one more try with the same key: it returns what is recorded, and sends nothing. Keys are kept in
        # memory, so only while the same process runs.
        if told == "unknown" and key and not again and life == self.stage.life:
            try:
                call = self.stage.service.begin_text(openid, content, timeout=5, idempotency_key=content)
                call.add_done_callback(lambda call: self._note(call, content, openid, life, key, again=True))
                self.told[content] = told
                return
            except ValueError:
                pass
        # What was unknown stays so, whatever the second call said, unless it says that it was sent.
        if not again or told == "sent":
            self.told[content] = told
        self.places.release()

    def _meaning(self, call):
        if call.cancelled():
            return "unheard"
        error = call.exception()
        if error is None:
            return "sent"
        failed = Failure.of_error(error)
        self.reasons[failed.reason or f"{failed.code.name} without details"] += 1
        if failed.reason == "OUTCOME_UNKNOWN":
            return "unknown"
        return "not sent" if failed.reason else "unheard"


class Arrivals(Worker):
    """Follows the sandbox's ledger: how often each text has reached its reader."""

    def __init__(self, stage):
        super().__init__(stage, "arrivals")
        self.count, self.after, self.forgotten = Counter(), 0, 0

    def step(self):
        if not self.read():
            self.ending.wait(2)

    def read(self):
        found = self.stage.account.ledger(CUSTOM, after_seq=self.after, limit=1000)
        for request in found:
            self.after = request["seq"]
            if request["counted"]:
                self.count[request["body"]["text"]["content"]] += 1
        return found


class Pushes:
    """`taken` are those that the service has acknowledged."""

    def __init__(self, stage):
        self.stage, self.pace, self.lock = stage, Pace(PUSHES_PER_SECOND), threading.Lock()
        self.number, self.taken, self.when = 0, set(), []
        self.workers = [Worker(stage, f"pushes {i}") for i in range(PUSHERS)]
        for worker in self.workers:
            worker.step = self.step

    def step(self):
        self.pace.wait()
        with self.lock:
            self.number += 1
            content = f"push {self.number};"
            openid = self.stage.people[self.number % len(self.stage.people)]
        begun = time.monotonic()
        answer = self.stage.account.post("message", openid=openid, type="text", content=content, retry=True)
        good = answer["push"]["status"] == 200
        with self.lock:
            self.when.append((begun, time.monotonic(), good))
            if good:
                self.taken.add(content)


class Reader(Worker):
    """Watches the events and goes on with its cursor whenever its stream ends."""

    def __init__(self, stage):
        super().__init__(stage, "reader")
        self.cursor, self.seen, self.streams, self.wrong = 0, Counter(), 0, []

    def step(self):
        if not self.stage.running():
            self.ending.wait(0.1)
            return
        request = self.stage.api.events.WatchEventsRequest(account="main", after_cursor=self.cursor)
        try:
            channel = self.stage.service.channel
            self.call = self.stage.api.events_rpc.EventServiceStub(channel).WatchEvents(request)
            self.streams += 1
            for answer in self.call:
                if answer.event.cursor <= self.cursor:
                    self.wrong.append(f"cursor {answer.event.cursor} after {self.cursor}")
                self.cursor = answer.event.cursor
                self.seen[answer.event.text.content] += 1
        except grpc.RpcError as error:
            failed = Failure.of_error(error)
            if failed.reason not in (None, "SHUTTING_DOWN", "STORAGE_UNAVAILABLE", "OVERLOADED") and not self.ending.is_set():
                self.wrong.append(f"{failed.code.name} {failed.reason}: {failed.message}")
        except ValueError:  # its channel is closed
            pass
        self.ending.wait(0.2)

    def end(self):
        super().end()
        if getattr(self, "call", None) is not None:
            self.call.cancel()


class Probes(Worker):
    """Asks /readyz and /livez twice a second, and watches what the process uses. `ready` has (begun, ended, status); 0 is
    no answer."""

    def __init__(self, stage):
        super().__init__(stage, "probes")
        self.ready, self.live, self.figures = [], [], []

    def step(self):
        life = self.stage.life
        for path, kept in (("/readyz", self.ready), ("/livez", self.live)):
            begun = time.monotonic()
            try:
                status = self.stage.service.http(path, timeout=3)[0]
            except (OSError, http.client.HTTPException):
                status = 0
            kept.append((begun, time.monotonic(), status))
        try:
            self.figures.append((time.monotonic(), *self.stage.figures()))
        except (OSError, AttributeError):
            if life == self.stage.life and self.stage.running() and self.stage.service.process.poll() is not None:
                self.broken = f"hongyand has ended with {self.stage.service.process.returncode}"
        self.ending.wait(0.5)


class Load:
    def __init__(self, stage):
        self.texts, self.arrivals, self.pushes = Texts(stage), Arrivals(stage), Pushes(stage)
        self.reader, self.probes = Reader(stage), Probes(stage)
        self.workers = [self.texts, self.arrivals, *self.pushes.workers, self.reader, self.probes]
        for worker in self.workers:
            worker.start()

    def broken(self):
        return [worker.broken for worker in self.workers if worker.broken]

    def stop_sending(self):
        """Ends texts and pushes, and waits for their outcomes."""
        for worker in (self.texts, *self.pushes.workers):
            worker.end()
        for worker in (self.texts, *self.pushes.workers):
            worker.join(timeout=60)
        for _ in range(100):
            self.texts.places.acquire(timeout=20)

    def stop(self):
        for worker in self.workers:
            worker.end()
        for worker in self.workers:
            worker.join(timeout=60)
        while self.arrivals.read():
            pass
