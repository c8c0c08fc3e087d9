#!/usr/bin/env python3
"""fanout: one 500 kbit/s broadcast pushed to 500 to 15,000 players by RTMP and WebSocket, beside nginx-rtmp and a bare writev loop

One server on one core; the publisher and all players on the other (fanout_load.cc). The bare loop (fanout_bare.cc) sends as
many bytes as often as Klieg did in the same run: what it takes is the kernel's price.

CPU is what the scheduler accounted to the server. Over loopback the receivers' TCP work is charged to the sender, equally for
all, and depends on how often the players read: every 20 ms, every 100 ms from 5,000 players on. Delay is from the publisher's
send to the moment when one of twenty players has the whole frame. Memory is resident memory over the players, from before the
first came.

--websocket adds rows of players who have the same as chunks of CMAF over a WebSocket, as pages do, beside the bare loop once more."""

import json
import os
import re
import subprocess
import sys
import threading
import urllib.request

import machine
import servers
from herd import deep_backlog
from servers import BUILT, LOAD_CORE, Bench, free_port, raise_file_limit

RECORDING = machine.ROOT / "build/bench/fanout_500k.flv"
LATE_MS_MAX = {500: 35, 2000: 35}  # added delay, p99; of more players:
LATE_MANY_MS_MAX = 110
STEADY_S_MAX = 150  # 15,000 players have come within 60 s, where the server lets them in


def start_klieg(bench):
    folder = bench.folder("klieg")
    config = folder / "klieg.toml"
    config.write_text('[server]\nloops = 1\nchannels = ["show:bench-key"]\n[ladder]\nrungs = "none"\n[log]\nlevel = "warning"\n'
                      '[http]\nconnections_max = 20000\n[push]\nadmit = "first"\n')
    server = bench.start("klieg", [machine.KLIEG, "serve", "--config", config, "--data", folder / "data", "--http", "127.0.0.1:0",
                                   "--rtmp", "127.0.0.1:0", "--admin", "127.0.0.1:0"], 0, folder=folder, wait=False)
    ready = server.ready()
    server.rtmp, server.http = (int(ready[door].rpartition(":")[2]) for door in ("rtmp", "http"))
    server.admin = ready["admin"]
    return server


def start_nginx(bench):
    folder, port = bench.folder("nginx"), free_port()
    config = folder / "nginx.conf"
    config.write_text(f"""
load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log error;
{"user root;" if os.geteuid() == 0 else ""}
worker_rlimit_nofile 19900;
events {{ worker_connections 19000; }}
rtmp {{ server {{ listen 127.0.0.1:{port}; application live {{ live on; wait_key on; }} }} }}
""")
    server = bench.start("nginx-rtmp", ["nginx", "-c", config], port, folder=folder, serves_in_child=True)
    server.rtmp = port
    return server


def start_bare(bench, interval_ms):
    port = free_port()
    server = bench.start("bare", [BUILT / "bench_fanout_bare", port, RECORDING.stat().st_size / 20, interval_ms], port)
    server.rtmp = port
    return server


def pushes_of(server):
    with urllib.request.urlopen(f"http://{server.admin}/metrics") as answer:
        return float(re.search(r"^klieg_push_pushes_total (\S+)", answer.read().decode(), re.MULTILINE)[1])


def measure(server, players, settle_s, seconds, recording=RECORDING, way="RTMP"):
    """CPU in us per player and second, and what the load saw."""
    key, name = {"klieg": ("bench-key", "show"), "nginx-rtmp": ("show", "show"), "bare": ("-", "-")}[server.name]
    before_bytes = server.memory_bytes()
    drain_ms = 100 if players >= 5000 else 20
    load = subprocess.Popen(["taskset", "-c", str(LOAD_CORE), BUILT / "bench_fanout_load", str(server.rtmp), recording, key, name,
                             str(players), str(settle_s), str(seconds), str(drain_ms)] + ([str(server.http)] if way == "WebSocket" else []),
                            start_new_session=True, stdout=subprocess.PIPE, text=True)
    machine.prefer(load.pid)
    late = threading.Timer(STEADY_S_MAX, load.kill)
    late.start()
    try:
        if load.stdout.readline().strip() != "steady":
            return None
        late.cancel()
        cpu_s = server.cpu_seconds()
        pushes = pushes_of(server) if server.name == "klieg" else 0
        said = load.stdout.readline()
        cpu_s = server.cpu_seconds() - cpu_s
        figures = json.loads(said)
        each = players * figures["seconds"]
        figures["cpu_us"] = cpu_s * 1e6 / each
        figures["core"] = cpu_s / figures["seconds"]
        figures["kib"] = (server.memory_bytes() - before_bytes) / 1024 / players
        if pushes:
            figures["interval_ms"] = 1000 * each / (pushes_of(server) - pushes)
        return figures
    finally:
        late.cancel()
        load.kill()
        load.wait()


def main():
    options = machine.options(__doc__.splitlines()[0], seconds=(15, 5), arguments=[
        ("--players", {"type": int, "nargs": "*", "metavar": "N", "help": "instead of 500 2000 8000 15000"}),
        ("--websocket", {"action": "store_true", "help": "rows of players by WebSocket, too"})])
    sizes = options.players or ([500, 2000] if options.quick else [500, 2000, 8000, 15000])
    raise_file_limit()
    subprocess.run(["tools/build_preset", "release", "bench_fanout_load", "bench_fanout_bare", "bench_congestion_preload"],
                   cwd=machine.ROOT, check=True)
    machine.make_recording(RECORDING, seconds=20, noise=20, video_kbps=436)
    header = machine.print_header("fanout", versions=["klieg", "nginx"])
    columns = ["players", "by", "server", "CPU us/player s", "core", "push every ms", "p50 ms", "p99 ms", "max ms", "frames missed",
               "KiB/player", "notes"]
    rows, ratios = [], []
    with deep_backlog(), Bench() as bench:
        for players in sizes:
            settle_s = 3 if players < 5000 else 8
            found = {}
            servers_of = [("klieg", "RTMP", lambda: start_klieg(bench)), ("nginx-rtmp", "RTMP", lambda: start_nginx(bench)),
                          ("bare", "RTMP", lambda: start_bare(bench, found["klieg", "RTMP"]["interval_ms"]))]
            if options.websocket:
                servers_of += [("klieg", "WebSocket", lambda: start_klieg(bench)),
                               ("bare", "WebSocket", lambda: start_bare(bench, found["klieg", "WebSocket"]["interval_ms"]))]
            for name, way, start in servers_of:
                if name == "bare" and not found.get(("klieg", way)):
                    continue
                server = start()
                figures = found[name, way] = measure(server, players, settle_s, options.seconds, way="RTMP" if name == "bare" else way)
                bench.stop(server)
                if not figures:
                    rows.append([players, way, name, *[None] * 8, "the load did not become steady"])
                    continue
                watched = name != "bare"
                rows.append([players, way, name, figures["cpu_us"], f"{figures['core'] * 100:.0f} %", figures.get("interval_ms"),
                             *(figures[kind] if watched else None for kind in ("p50", "p99", "max", "missed")), figures["kib"],
                             "core full" if figures["core"] > 0.95 else ""])
                print(f"{players} players by {way}, {name}: {figures['cpu_us']:.0f} us", file=sys.stderr, flush=True)
            for way in ("RTMP", "WebSocket"):
                ours, bare = found.get(("klieg", way)), found.get(("bare", way))
                if not ours or not bare:
                    continue
                ratio = {"players": players, "way": way, "to_bare": ours["cpu_us"] / bare["cpu_us"], "p99_ms": ours["p99"]}
                if way == "RTMP" and found.get(("nginx-rtmp", way)):
                    ratio["to_nginx"] = ours["cpu_us"] / found["nginx-rtmp", way]["cpu_us"]
                ratios.append(ratio)
    print(machine.table(columns, rows))
    print()
    for ratio in ratios:
        bound = LATE_MS_MAX.get(ratio["players"], LATE_MANY_MS_MAX)
        print(f"{ratio['players']:>6} players by {ratio['way']}: klieg takes {ratio['to_bare']:.2f} x the CPU of the bare loop (aim 1.10)"
              + (f", {ratio['to_nginx']:.2f} x that of nginx-rtmp" if "to_nginx" in ratio else "")
              + f"; p99 {ratio['p99_ms']:.0f} ms (aim {bound})")
    if options.json:
        machine.write_json(options.json, "fanout", header, columns, rows, ratios=ratios)


if __name__ == "__main__":
    main()
