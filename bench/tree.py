"""tree: what two layers of caches add to a hit, what push saves upward, and what a PoP far away is behind its origin"""

import contextlib
import json
import re
import statistics
import subprocess
import sys
import urllib.request
from pathlib import Path

import machine
import places
import servers

METHOD = """\
Everything runs in network namespaces of its own; the PoP is behind a wire of 40 ms each way (bench_long_wire).
two layers: 500 clients ask for 500 objects of 62 KB, one after the other, 2 ms apart: first of a cache that has them all (one
  layer), then of a fresh proxy before that cache, so that every answer comes through both. Each layer has a core.
requests: `klieg serve` with a test card on air, a cache in the PoP before it, viewers in the PoP: LL-HLS with blocking reloads and
  parts, and LL-DASH. upward: what arrives at klieg serve (its http_server_request_duration_seconds_count) meanwhile.
delay: when an LL-DASH viewer in the PoP has bytes of a growing segment, against one beside the origin, both having
  asked before the segment's birth. By the kernel's stamps on arrival, for every piece the latter got; first: each segment's first.
  klieg x 2: a proxy before a cache, both in the PoP."""

ONE_WAY_MS = 40

ADDED_P99_MS_MAX, SAVED_MIN, DELAY_MS_MAX = 1, 0.99, ONE_WAY_MS + 5


def load_paths(server, name):
    found = json.loads(servers.run_on_load_core(servers.BUILT / "bench_herd_load", server.http, f"/grow/62000/1/0/length/{name}{{}}",
                                                500, 0, 1000, 10))
    if found["ok"] < found["clients"]:
        sys.exit(f"{server.name}: {found['clients'] - found['ok']} of {found['clients']} objects did not come whole")
    return found["whole_ms"]


def start_proxy(bench, name, parent, cache):
    """Before a cache: klieg's proxies know the cache hosts of their PoP, and their parent should all of these be gone."""
    if name == "klieg":
        return bench.start_klieg_edge(parent, ["--layer", "proxy", "--peers", cache.address])
    return bench.start_cache(name, cache.address)


def measure_layers(name, rounds):
    results = []
    for number in range(rounds):
        with servers.Bench() as bench:
            origin = bench.start_growing_origin()
            cache = bench.start_cache(name, origin.address, core=servers.LOAD_CORE)
            proxy = start_proxy(bench, name, origin.address, cache)
            load_paths(cache, "a-")  # fills it
            one, two = load_paths(cache, "a-"), load_paths(proxy, "a-")
            results.append({"one": one, "two": two, "added_p50": two["p50"] - one["p50"], "added_p99": two["p99"] - one["p99"]})
    return results


def requests_at(server):
    text = urllib.request.urlopen(f"http://127.0.0.1:{server.admin}/metrics").read().decode()
    ended = re.findall(r"^http_server_request_duration_seconds_count\{.*\} (\d+)", text, re.MULTILINE)
    return sum(map(int, ended))


@contextlib.contextmanager
def viewers(address, *, inside=(), hls=0, dash=0, settle, seconds):
    process = subprocess.Popen([*inside, "taskset", "-c", str(servers.LOAD_CORE), sys.executable, Path(__file__).with_name("viewers.py"), address,
                                "cam", "--hls", str(hls), "--dash", str(dash), "--settle", str(settle), "--seconds", str(seconds)],
                               stdout=subprocess.PIPE, text=True, start_new_session=True)
    machine.prefer(process.pid)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def figures_of(process):
    found = json.loads(process.stdout.readline())
    if found["lost"]:
        print(f"{found['lost']} connections of viewers ended early: {found['first_refused']}", file=sys.stderr)
    return found


def delays_ms(near, far):
    """Of each segment both have: for every piece that came to the near viewer, when the far one had as much."""
    first, every = [], []
    for name, pieces in near.items():
        distant = iter(far.get(name, []))
        taken, stamp_ns = 0, 0
        for number, (size, near_ns) in enumerate(pieces):
            while taken < size:
                taken, stamp_ns = next(distant, (1 << 62, None))
            if stamp_ns is None:
                break
            every.append((stamp_ns - near_ns) / 1e6)
            if number == 0:
                first.append(every[-1])
    return first, every


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None


def start_in_pop(bench, pop, name, parent):
    bench.prefix = pop.inside
    try:
        if not name.endswith(" x 2"):
            return bench.start_cache(name, parent)
        cache = bench.start_klieg_edge(parent, core=servers.LOAD_CORE)
        return start_proxy(bench, "klieg", parent, cache)
    finally:
        bench.prefix = ()


def measure_far(name, sizes, seconds):
    """One run: upward requests with each number of viewers, then the delay."""
    results = {"saved": {}, "first_ms": [], "every_ms": []}
    with servers.Bench() as bench, places.World() as world:
        pop = world.place()
        wire = world.lay(places.HERE, pop, ONE_WAY_MS)
        serve = bench.start_klieg_serve(["--http", "0.0.0.0:0"], core=servers.LOAD_CORE)
        card = servers.on_air(serve)
        try:
            cache = start_in_pop(bench, pop, name, f"{wire.at_a}:{serve.http}")
            for hls, dash in sizes:
                with viewers(cache.address, inside=pop.inside, hls=hls, dash=dash, settle=4, seconds=seconds) as process:
                    process.stdout.readline()
                    before = requests_at(serve)
                    found = figures_of(process)
                    upward = requests_at(serve) - before
                results["saved"][hls, dash] = {"requests": found["requests"], "upward": upward, "refused": found["refused"],
                                               "lost": found["lost"], "first_refused": found["first_refused"]}
            with viewers(cache.address, inside=pop.inside, dash=1, settle=4, seconds=seconds) as far, \
                    viewers(f"127.0.0.1:{serve.http}", dash=1, settle=4, seconds=seconds) as near:
                far.stdout.readline(), near.stdout.readline()
                arrivals = [figures_of(process)["arrivals"] for process in (near, far)]
            results["first_ms"], results["every_ms"] = delays_ms(*arrivals)
        finally:
            card.terminate()
            card.wait()
    return results


def main():
    options = machine.options(__doc__, seconds=(8, 6), arguments=[
        ("--rounds", {"type": int, "help": "2, quick 1"}), servers.CACHES_ARGUMENT])
    rounds = options.rounds or (1 if options.quick else 2)
    servers.raise_file_limit()
    servers.build("bench_growing_origin", "bench_herd_load", "bench_long_wire", "klieg")
    header = machine.print_header("tree", versions=[*servers.VERSIONS, "ffmpeg"])
    print(METHOD, flush=True)
    places.enter_namespace("bench tree")
    names = servers.chosen(servers.CACHES, options.caches)

    layers = {name: measure_layers(name, rounds) for name in names}
    layer_columns = ["cache", "one layer p50 ms", "p99", "two layers p50 ms", "p99", "added p50", "added p99", "least", "most"]
    layer_rows = []
    for name, results in layers.items():
        added = [one["added_p99"] for one in results]
        middle = [statistics.median(one[which][share] for one in results) for which in ("one", "two") for share in ("p50", "p99")]
        layer_rows.append([name, *middle, statistics.median(one["added_p50"] for one in results), statistics.median(added), min(added), max(added)])
    print(f"\n{machine.table(layer_columns, layer_rows)}\n", flush=True)

    sizes = [(1, 1), (10, 10)]
    far = {}
    for _ in range(rounds):
        for name in servers.chosen([*servers.CACHES, "klieg x 2"], options.caches):
            far.setdefault(name, []).append(measure_far(name, sizes, options.seconds))
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    saved_columns = ["cache", "viewers", "requests", "upward", "caused none", "least", "refused", "lost"]
    saved_rows = []
    for name, results in far.items():
        for size in sizes:
            runs = [one["saved"][size] for one in results]
            shares = [1 - one["upward"] / one["requests"] if one["requests"] else 0 for one in runs]
            saved_rows.append([name, f"{size[0]} HLS, {size[1]} DASH", sum(one["requests"] for one in runs), sum(one["upward"] for one in runs),
                               f"{max(0, statistics.median(shares)):.2%}", f"{max(0, min(shares)):.2%}", sum(one["refused"] for one in runs),
                               sum(one["lost"] for one in runs)])
    print(f"{machine.table(saved_columns, saved_rows)}\n")
    delay_columns = ["cache", "pieces", "first byte p50 ms", "p99", "most", "every piece p50", "p99", "most"]
    delay_rows = []
    for name, results in far.items():
        first, every = ([ms for one in results for ms in one[which]] for which in ("first_ms", "every_ms"))
        delay_rows.append([name, len(every), *(percentile(values, share) for values in (first, every) for share in (0.5, 0.99, 1))])
    print(f"{machine.table(delay_columns, delay_rows)}\n")
    print(f"aims: two layers add at most {ADDED_P99_MS_MAX} ms at p99; {SAVED_MIN:.0%} of viewers' requests cause none upward; a PoP's "
          f"first byte at most {DELAY_MS_MAX} ms behind the origin's")
    if options.json:
        machine.write_json(options.json, "tree", header, layer_columns, layer_rows, method=METHOD,
                           saved=[dict(zip(saved_columns, row)) for row in saved_rows],
                           delays=[dict(zip(delay_columns, row)) for row in delay_rows],
                           layers=layers, far={name: [one["first_ms"] for one in results] for name, results in far.items()})


if __name__ == "__main__":
    main()
