"""What a hit costs: several servers serve the same bytes in turns, over HTTP/1.1, TLS and HTTP/2.

    rows = hits.measure(started, options)            # started: servers of servers.py; the first is ours
    print(machine.table(hits.columns(started), rows))

HTTP/1.1 is loaded by bench_http_load, which throws bodies away in the kernel; TLS and HTTP/2 by h2load (10 streams per
connection), whose decryption on core 1 bounds requests per second; there, connection set-up is subtracted.
"""

import json
import os
import re
import ssl
import statistics
import sys
import urllib.request

import servers

KILOBYTES = (12, 62, 250)
BARE_RATIO_MAX = 1.25

METHOD = """\
Each server is pinned to core 0, the load to core 1; the servers take turns, round by round, on the same bytes.
us: CPU time of the server per request (schedstat of all its threads), the median of the rounds; "spread" is the widest
distance between two rounds of klieg, of its median. On loopback the receiver's share of TCP is charged to the server.
bare: an epoll loop of one recv and one writev, without parser, limits or timeouts: the floor of what is copied.
HTTP/1.1 is loaded by bench_http_load, which throws bodies away in the kernel; TLS and HTTP/2 by h2load (10 streams per
connection), whose decryption on core 1 bounds requests per second; there, connection set-up is subtracted."""


def make_files(directory):
    files = directory / "files"
    files.mkdir()
    for kilobytes in KILOBYTES:
        (files / f"s{kilobytes}k.m4s").write_bytes(os.urandom(kilobytes * 1000))
    return files


def check(server, files):
    """The same bytes come from every server, or the figures mean nothing. A cache has them afterwards."""
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    addresses = [f"http://127.0.0.1:{server.http}"] + ([f"https://127.0.0.1:{server.https}"] if server.https else [])
    for file in sorted(files.iterdir()):
        for address in addresses:
            for _ in range(2):  # a cache keeps what it has seen, or what it has seen twice
                with urllib.request.urlopen(f"{address}/{file.name}", context=anybody if "https" in address else None) as response:
                    if response.read() != file.read_bytes():
                        sys.exit(f"{server.name} sends other bytes for {file.name}")


def load_http1(server, path, connections, seconds):
    """us of CPU per request, requests per second"""
    said = servers.run_on_load_core(servers.BUILT / "bench_http_load", server.http, path, connections, seconds / 4, seconds, server.pid)
    found = json.loads(said)
    if found["errors"] or not found["requests"]:
        sys.exit(f"{server.name}: {found['errors']} failed requests for {path}")
    return found["cpu_seconds"] / found["requests"] * 1e6, found["requests"] / found["seconds"]


def load_h2load(server, path, connections, requests, flags):
    def once(count):
        before = server.cpu_seconds()
        said = servers.run_on_load_core("h2load", *flags, "-t", 1, "-c", connections, "-n", count, f"https://127.0.0.1:{server.https}{path}")
        if f"{count} succeeded" not in said:
            sys.exit(f"{server.name}: h2load failed for {path}\n{said}")
        return server.cpu_seconds() - before, float(re.search(r"([\d.]+) req/s", said)[1])

    connecting, _ = once(connections)
    spent, rate = once(connections + requests)
    return (spent - connecting) / requests * 1e6, rate


def columns(started):
    names = [server.name for server in started]
    return ["transport", "connections", "KB", *(f"{name} us" for name in names), "klieg/best", "best", "klieg/bare",
            *(f"{name} r/s" for name in names), "spread"]


def measure(started, options):
    """Rows under columns(started), and every round's figures. Sets options.seconds aside for each server and round."""
    rounds = 1 if options.quick else 3
    ours = started[0].name
    peers = [server.name for server in started if server.name not in (ours, "bare")]
    rows, details = [], []
    for transport in ("HTTP/1.1", "HTTP/1.1 TLS", "HTTP/2 TLS"):
        for connections in (50,) if options.quick else (50, 1000):
            for kilobytes in KILOBYTES:
                path = f"/s{kilobytes}k.m4s"
                requests = int(options.seconds * 1e6 / (10 + kilobytes))  # about `seconds` of one core
                figures = {}
                for _ in range(rounds):
                    for server in started:
                        if transport == "HTTP/1.1":
                            figure = load_http1(server, path, connections, options.seconds)
                        elif not server.https:
                            continue
                        elif transport == "HTTP/1.1 TLS":
                            figure = load_h2load(server, path, connections, requests, ["--h1"])
                        else:
                            figure = load_h2load(server, path, connections, requests, ["-m", 10])
                        figures.setdefault(server.name, []).append(figure)
                cpu = {name: statistics.median(us for us, _ in found) for name, found in figures.items()}
                rate = {name: round(statistics.median(per_second for _, per_second in found)) for name, found in figures.items()}
                rows.append([transport, connections, kilobytes, *(cpu.get(server.name) for server in started),
                             *compare(cpu, ours, peers), *(rate.get(server.name) for server in started),
                             spread([us for us, _ in figures.get(ours, [])])])
                details.append({"transport": transport, "connections": connections, "kilobytes": kilobytes, "rounds": figures})
                print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return rows, details


def compare(cpu, ours, peers):
    best = min((name for name in peers if name in cpu), key=cpu.get)
    if ours not in cpu:
        return None, best, None
    return cpu[ours] / cpu[best], best, cpu[ours] / cpu["bare"] if "bare" in cpu else None


def spread(rounds):
    return f"{(max(rounds) - min(rounds)) / statistics.median(rounds):.0%}" if rounds else "-"


def verdict(started, rows):
    to_best, to_bare = (columns(started).index(name) for name in ("klieg/best", "klieg/bare"))
    clear = [row for row in rows if row[to_bare]]
    ahead = sum(row[to_best] is not None and row[to_best] < 1 for row in rows)
    near = sum(row[to_bare] <= BARE_RATIO_MAX for row in clear)
    return f"ahead of the best peer in {ahead} of {len(rows)} rows; within 25 % of the bare loop in {near} of {len(clear)}"
