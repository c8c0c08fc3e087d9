"""herd: thousands of viewers ask for one growing object at once, through klieg and four other caches"""

import contextlib
import json
import statistics
import sys
import urllib.request
from pathlib import Path

import machine
import servers

METHOD = """\
An origin streams an object of 100 KB as 10 pieces, one every 100 ms, the first at once; a cache stands before it; N clients with
open connections ask the cache for it. The cache has core 0, the origin and the clients share core 1.
  at once    all ask together
  staggered  one asks at 0 ms, the others evenly between 50 and 800 ms
  drop       at once; the origin closes the connection of its first answer after 30 %
  late       at once; the origin answers 404 for a second, then the object begins; clients answered 404 ask again after 250 ms
bare is the origin itself on core 0, without a cache: one send of shared memory per piece and client, the bare write.
up: requests that reached the origin. first: from asking (late: from the object's beginning) to the first byte of the body.
last: from the birth of the object's last piece to a client's last byte. Both by the kernel's stamps on arrival, in ms. x bare:
last p99 against that of bare.
cut: clients whose answer ended short; other: refused, wrong bytes, or unfinished after 10 s. peak: most resident memory, MB.
Figures are medians of the rounds, of fresh processes each; "spread" is the least and most of first p99 and of last p99."""

CASES = {"at once": ("", 0, 0), "staggered": ("", 50, 800), "drop": ("+drop", 0, 0), "late": ("+late", 0, 0)}
LIMIT_SECONDS = 10
BACKLOG = Path("/proc/sys/net/core/netdev_max_backlog")

FIRST_P99_MS_MAX, LAST_TIMES_BARE_MAX, PEAK_MB_MAX = 5, 1.5, 50


@contextlib.contextmanager
def deep_backlog():
    """The kernel queues 1,000 packets on loopback and drops the rest, which a burst to 3,000 clients exceeds; where that may
    not be changed, print() says how many were lost."""
    before = BACKLOG.read_text()
    with contextlib.suppress(OSError):
        BACKLOG.write_text("100000")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            BACKLOG.write_text(before)


def packets_dropped():
    return sum(int(line.split()[1], 16) for line in Path("/proc/net/softnet_stat").read_text().splitlines())


def about(origin, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{origin.http}/about{path}") as answer:
        return json.load(answer)


def run_case(server, origin, kinds, clients, case, number):
    more, first_ms, last_ms = CASES[case]
    path = f"/grow/100000/10/100/{kinds}{more}/{case.replace(' ', '-')}-{clients}-{number}-{server.name}"
    server.forget_peak()
    before, dropped = server.cpu_seconds(), packets_dropped()
    found = json.loads(servers.run_on_load_core(servers.BUILT / "bench_herd_load", server.http, path, clients, first_ms, last_ms,
                                                LIMIT_SECONDS))
    said = about(origin, path)
    offset_ms = (said["last_piece_ns"] - found["began_ns"]) / 1e6
    first = found["first_byte_ms"]
    if case == "late":  # who waited without asking again asked long before
        born_ms = (said["began_ns"] - found["began_ns"]) / 1e6
        first = {share: value - born_ms for share, value in found["came_ms"].items()}
    return {**found, "first_ms": first if found["came_ms"]["p50"] >= 0 else None, "up": said["requests"], "up_ranged": said["ranged"], "up_not_found": said["not_found"],
            "last_p50_ms": found["last_byte_ms"]["p50"] - offset_ms if found["ok"] else None,
            "last_p99_ms": found["last_byte_ms"]["p99"] - offset_ms if found["ok"] else None,
            "peak_mb": server.memory_bytes("VmHWM") / 1e6, "cpu_seconds": server.cpu_seconds() - before,
            "packets_dropped": packets_dropped() - dropped}


def measure(names, sizes, rounds, kinds):
    runs = {}
    for number in range(rounds):
        for clients in sizes:
            for name in names if number % 2 == 0 else reversed(names):
                with servers.Bench() as bench:
                    if name == "bare":
                        server = origin = bench.start_growing_origin("bare", core=servers.SERVER_CORE)
                    else:
                        origin = bench.start_growing_origin()
                        # The origin holds nothing, so klieg is told what may be held; the others have no such thing.
                        more = {"arguments": ["--edge-hold-paths", "/grow/*"]} if name == "klieg" else {}
                        server = bench.start_cache(name, origin.address, **more)
                    for case in CASES:
                        runs.setdefault((clients, case, name), []).append(run_case(server, origin, kinds, clients, case, number))
                print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return runs


def median(results, pick):
    values = [value for value in map(pick, results) if value is not None]
    return statistics.median(values) if values else None


def spread(results, pick):
    values = [value for value in map(pick, results) if value is not None]
    return f"{min(values):.1f}-{max(values):.1f}" if values else "-"


def first_p99(result):
    return result["first_ms"] and result["first_ms"]["p99"]


def make_rows(runs, names, sizes):
    rows = []
    for clients in sizes:
        for case in CASES:
            bare = median(runs[clients, case, "bare"], lambda one: one["last_p99_ms"])
            for name in names:
                results = runs[clients, case, name]
                last = median(results, lambda one: one["last_p99_ms"])
                rows.append([
                    clients, case, name, max(one["up"] for one in results),
                    median(results, lambda one: one["first_ms"] and one["first_ms"]["p50"]), median(results, first_p99),
                    median(results, lambda one: one["last_p50_ms"]), last, last / bare if last is not None and bare else None,
                    max(one["truncated"] for one in results),
                    max(one["wrong"] + one["refused"] + one["unfinished"] for one in results),
                    round(median(results, lambda one: one["peak_mb"])), median(results, lambda one: one["cpu_seconds"]),
                    f"{spread(results, first_p99)} {spread(results, lambda one: one['last_p99_ms'])}"])
    return rows


def print_aims(rows, sizes):
    def of(clients, case, column, name="klieg"):
        return next(row[column] for row in rows if row[:3] == [clients, case, name])

    def number(value, form):
        return "none" if value is None else format(value, form)

    for clients in sizes:
        print(f"{clients:>5,} clients: {of(clients, 'at once', 3)} requests upward (aim: 1); late joiners' first byte p99 "
              f"{number(of(clients, 'staggered', 5), '.1f')} ms (aim: {FIRST_P99_MS_MAX}; bare "
              f"{number(of(clients, 'staggered', 5, 'bare'), '.1f')}); last byte p99 {number(of(clients, 'at once', 8), '.2f')} and "
              f"{number(of(clients, 'staggered', 8), '.2f')} x bare "
              f"(aim: {LAST_TIMES_BARE_MAX}); peak {max(of(clients, case, 11) for case in CASES)} MB (aim: {PEAK_MB_MAX}); cut by a "
              f"drop: {of(clients, 'drop', 9)} (aim: 0); late: {of(clients, 'late', 3)} requests upward (aim: 1 held, which takes a "
              "parent that holds, as klieg serve does; this origin says 404 at once, so that 2 are the least)")


def main():
    options = machine.options(__doc__, arguments=[
        ("--clients", {"type": int, "nargs": "*", "metavar": "N", "help": "instead of 1000 5000"}),
        ("--rounds", {"type": int, "help": "3, quick 1"}),
        ("--length", {"action": "store_true", "help": "the origin knows Content-Length; usually its answers are chunked"}),
        servers.CACHES_ARGUMENT])
    sizes = options.clients or ([1000] if options.quick else [1000, 5000])
    rounds = options.rounds or (1 if options.quick else 3)
    kinds = "length" if options.length else "chunked"
    servers.raise_file_limit()
    servers.build("bench_growing_origin", "bench_herd_load")
    names = servers.chosen(("bare", *servers.CACHES), options.caches)
    header = machine.print_header("herd", versions=servers.VERSIONS)
    print(METHOD)
    print(f"\n{kinds}, {rounds} rounds\n", flush=True)
    with deep_backlog():
        runs = measure(names, sizes, rounds, kinds)

    columns = ["clients", "case", "cache", "up", "first p50", "first p99", "last p50", "last p99", "x bare", "cut", "other",
               "peak MB", "CPU s", "spread"]
    rows = make_rows(runs, names, sizes)
    print(machine.table(columns, rows), "\n")
    if "klieg" in names:
        print_aims(rows, sizes)
    lost = sum(one["packets_dropped"] for results in runs.values() for one in results)
    if lost:
        print(f"{lost} packets lost on loopback: the kernel's backlog could not be made deep enough")
    if options.json:
        machine.write_json(options.json, "herd", header, columns, rows, method=METHOD, origin=kinds,
                           runs=[{"clients": clients, "case": case, "cache": name, "rounds": results}
                                 for (clients, case, name), results in runs.items()])


if __name__ == "__main__":
    main()
