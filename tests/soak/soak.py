"""scripts/soak: an honest load, and beside it one attack after the other; at the end the proof that nothing was lost."""

import argparse
import pathlib
import random
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

import grpc  # noqa: E402

import attacks  # noqa: E402
import load  # noqa: E402
import proof  # noqa: E402
import rpc_failure  # noqa: E402
import stubs  # noqa: E402
from stage import Stage  # noqa: E402

WARM_UP = 20  # seconds of honest load before the first attack, and before a life's start is measured
AT_THE_END = "text at the end"
QUIET = 15  # seconds without attacks before its end is measured


def within(rows, begun, ended):
    return [row for row in rows if begun <= row[0] <= ended]


def line(name, all_, begun, ended):
    """What an attack did, as one line."""
    pushed = Counter(good for _, _, good in within(all_.pushes.when, begun, ended))
    texts = Counter(what for _, what in within(all_.texts.when, begun, ended))
    ready = [status == 200 for _, _, status in within(all_.probes.ready, begun, ended)]
    figures = within(all_.probes.figures, begun, ended)
    most = [max(row[i] for row in figures) if figures else 0 for i in (1, 2, 3)]
    return (f"{time.strftime('%H:%M:%S')}  {name:<18} {ended - begun:4.0f} s  pushes {pushed[True]:4} taken {pushed[False]:4} not"
            f"  texts {texts['sent']:4} sent {texts['unknown']:3} unknown {texts['not sent']:4} not sent {texts['unheard']:3} unheard"
            f"  ready {100 * sum(ready) / max(1, len(ready)):3.0f} %  at most {most[0]:4.0f} MB {most[1]:4} threads {most[2]:5} descriptors")


def attack(stage, all_, minutes, seed, chosen):
    """What it used after its last start, and at the end."""
    begun = time.monotonic()
    end = begun + 60 * minutes
    time.sleep(WARM_UP)
    start = stage.settled(5)
    rng, plan, met = random.Random(seed), [], set()
    lasting = {each for each in attacks.OTHERS if each.__name__ in chosen}
    while time.monotonic() < end - QUIET - 5 and not all_.broken():
        if not plan:
            early = time.monotonic() < begun + 20 * minutes
            plan = [each for each in attacks.OTHERS + (attacks.DEADLY if early else ()) if each.__name__ in chosen]
            rng.shuffle(plan)
        each, started = plan.pop(), time.monotonic()
        each(stage, rng, min(rng.uniform(6, 20), end - started))
        time.sleep(5)
        print(line(each.__name__, all_, started, time.monotonic()), flush=True)
        if each in attacks.DEADLY:  # what grows is judged by the last life
            time.sleep(WARM_UP)
            start = stage.settled(5)
            met.clear()
        elif each not in met:
            met.add(each)
            if met == lasting:  # told, not judged: its buffers, caches and pools have all been in use by now
                print("each attack has been through: {:.1f} MB, {} threads, {} descriptors".format(*stage.settled(5)),
                      flush=True)
    stage.faults.clear()
    stage.sandbox.clear_faults()
    time.sleep(QUIET)
    return start, stage.settled(5)


def main():
    names = [each.__name__ for each in (*attacks.OTHERS, *attacks.DEADLY)]
    parser = argparse.ArgumentParser(prog="scripts/soak")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", action="store_true")
    given = parser.parse_args()
    chosen = given.only.split(",") if given.only else names
    if given.minutes <= 0 or given.minutes > 24 * 60 or not set(chosen) <= set(names):
        parser.error("--minutes is 1 to 1440; attacks are " + ", ".join(names))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    folder = pathlib.Path(tempfile.mkdtemp(prefix="hongyan_soak."))
    print(f"seed {given.seed}, {given.minutes:g} minutes, folder {folder}", flush=True)
    api = stubs.load(pathlib.Path(tempfile.mkdtemp(dir=folder)))
    rpc_failure.use(api)
    stage = Stage(api, folder)
    wrong = []
    try:
        all_ = load.Load(stage)
        start, end = attack(stage, all_, given.minutes, given.seed, chosen)
        wrong += all_.broken()
        all_.stop_sending()
        # The reader may need a moment for what was recorded last.
        limit = time.monotonic() + 30
        while time.monotonic() < limit and not all_.pushes.taken <= set(all_.reader.seen):
            time.sleep(0.2)
        # It must still answer, on every listener.
        for path in ("/livez", "/readyz"):
            status = stage.service.http(path)[0]
            if status != 200:
                wrong.append(f"{path} says {status} at the end")
        try:
            stage.service.send_text(stage.people[0], AT_THE_END, timeout=10)
        except grpc.RpcError as error:
            wrong.append(f"a text at the end: {error.code().name} {error.details()}")
        all_.stop()
        del all_.arrivals.count[AT_THE_END]
        stage.stop()
        found = proof.stored(folder / "hongyan.db")
        wrong += proof.texts(all_.texts.told, all_.arrivals.count)
        wrong += proof.outage(all_.texts.told)
        wrong += proof.pushes(all_.pushes.taken, found, all_.reader.seen)
        wrong += all_.reader.wrong
        wrong += proof.readiness(all_.pushes.when, all_.probes.ready)
        wrong += proof.growth(start, end)
        print(f"texts: {dict(Counter(all_.texts.told.values()))}; reasons {dict(all_.texts.reasons)}")
        print(f"pushes: {len(all_.pushes.taken)} of {all_.pushes.number} acknowledged, {len(found)} stored, "
              f"{len(all_.reader.seen)} read over {all_.reader.streams} streams")
        print("at the start {:.1f} MB, {} threads, {} descriptors; at the end {:.1f} MB, {} threads, {} descriptors"
              .format(*start, *end))
    finally:
        stage.abandon()
        if not given.keep and not wrong and sys.exc_info()[0] is None:
            shutil.rmtree(folder)
    for each in wrong[:30]:
        print("WRONG: " + each)
    if len(wrong) > 30:
        print(f"WRONG: and {len(wrong) - 30} more")
    print(f"{len(wrong)} wrong" if wrong else "nothing lost, nothing twice, nothing untrue")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
