#!/usr/bin/env python3
"""many: CPU and memory per broadcast of 50, 200 and 1,000 small ones, beside nginx-rtmp with HLS and DASH

Every broadcast is the same 300 kbit/s recording, published over an RTMP connection of its own by one load process
(bench/many_load.cc); broadcast i has i % 3 viewers who fetch a playlist and a segment of each track once a second.
Both servers keep a minute of one-second segments and write HLS and DASH; nginx keeps them as files in a tmpfs, which
is counted with its memory. The server has one core, the load the other; servers take turns.

CPU is what the kernel's scheduler accounted to all of the server's threads (/proc/PID/task/*/schedstat), sampled in
equal windows after the live window has filled. Over loopback a receiver's TCP work is charged to the sender, equally
for both. Memory is the growth of PSS (plus tmpfs) from before the first broadcast, divided by the broadcasts.

A viewer of Klieg fetches two playlists and two segments a second, sound and pictures being tracks of their own, and
one of nginx one of each: that is how the two are watched.

A run counts only if the load kept pace and all broadcasts stayed on air. One in which the load was late while the
server's core was not full was disturbed by something else, and is done again, at most twice. `notes` says what is
wrong with a row, and a row that does not count gets no ratio.
"""

import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import machine
from servers import free_port, processes_of, raise_file_limit

LOAD = machine.ROOT / "build/release/bench/bench_many_load"
RECORDING = machine.ROOT / "build/bench/many_300k.flv"
WINDOWS = 5
# Full: the live window of 60 s and a bit fills before anything is measured.
SETTLE_S, MEASURE_S = 75, 30
SETTLE_QUICK_S, MEASURE_QUICK_S = 8, 10
LATE_P99_MS_MAX = 40  # beyond a frame interval the load does not send what it says
ATTEMPTS = 3
CORE_FULL = 0.95


def cpu_s(pids):
    total = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def memory_bytes(pids, kind):
    total = 0
    for pid in pids:
        found = re.search(rf"^{kind}:\s*(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        total += int(found[1]) * 1024
    return total


class Server:
    """A running server: pid, addresses, and where the load finds things. Ended by stop()."""

    def __init__(self, command, environment=None):
        self.directory = Path(tempfile.mkdtemp(prefix="klieg-many-", dir="/dev/shm"))
        self.log = open(self.directory / "log", "w+")
        self.process = None
        self.command = command
        self.environment = environment

    def start(self, **streams):
        self.process = subprocess.Popen(["taskset", "-c", "0", *map(str, self.command)], stderr=self.log, **streams)

    def files_bytes(self):
        """What it keeps in its tmpfs, in whole pages as tmpfs does."""
        return 0

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)


class Klieg(Server):
    name = "klieg"
    playlist = "/live/b{}/index.m3u8"
    key = "bench-key-{}"

    def __init__(self, broadcasts):
        super().__init__([])
        config = self.directory / "klieg.toml"
        channels = ",\n".join(f'  "b{i}:bench-key-{i}"' for i in range(broadcasts))
        config.write_text(f"[server]\nloops = 1\nchannels = [\n{channels}\n]\n\n[ladder]\nrungs = \"none\"\n\n[log]\nlevel = \"warning\"\n")
        self.command = [machine.KLIEG, "serve", "--config", config, "--data", self.directory / "data",
                        "--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
        self.start(stdout=subprocess.PIPE, text=True)
        ready = self.process.stdout.readline()
        found = dict(re.findall(r"(\w+)=(\S+)", ready))
        if "http" not in found or "rtmp" not in found:
            self.log.seek(0)
            sys.exit(f"klieg serve did not become ready: {ready}{self.log.read()}")
        self.http, self.rtmp = found["http"], found["rtmp"]
        self.pid = self.process.pid


class Nginx(Server):
    name = "nginx-rtmp"
    playlist = "/hls/bench-key-{}.m3u8"
    key = "bench-key-{}"

    def __init__(self, broadcasts):
        super().__init__([])
        rtmp, http = free_port(), free_port()
        self.rtmp, self.http = f"127.0.0.1:{rtmp}", f"127.0.0.1:{http}"
        media = self.directory / "media"
        media.mkdir()
        for folder in ("hls", "dash", "tmp"):
            (media / folder).mkdir()
        config = self.directory / "nginx.conf"
        # One worker: an RTMP broadcast lives in the worker that accepted it, and the core is one.
        config.write_text(f"""
load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
daemon off; worker_processes 1; pid {self.directory}/pid; error_log {self.directory}/error.log error;
{"user root;" if os.geteuid() == 0 else ""}
worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
rtmp {{ server {{ listen 127.0.0.1:{rtmp}; application live {{
  live on; wait_key on;
  hls on; hls_path {media}/hls; hls_fragment 1s; hls_playlist_length 60s;
  dash on; dash_path {media}/dash; dash_fragment 1s; dash_playlist_length 60s;
}} }} }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; types {{ }}
  client_body_temp_path {media}/tmp; proxy_temp_path {media}/tmp; fastcgi_temp_path {media}/tmp;
  uwsgi_temp_path {media}/tmp; scgi_temp_path {media}/tmp;
  server {{ listen 127.0.0.1:{http}; root {media}; }}
}}
""")
        self.media = media
        self.command = ["nginx", "-c", config]
        self.start()
        self.pid = self.process.pid
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", rtmp), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    self.log.seek(0)
                    sys.exit(f"nginx did not start: {self.log.read()}")
                time.sleep(0.05)

    def files_bytes(self):
        total = 0
        for folder, _, names in os.walk(self.media):
            for name in names:
                try:
                    total += os.stat(os.path.join(folder, name)).st_blocks * 512
                except FileNotFoundError:
                    pass  # it has just left the live window
        return total


def measure(server_class, broadcasts, settle_s, measure_s):
    """One run: a fresh server, the load, the figures."""
    server = server_class(broadcasts)
    load = None
    try:
        pids = processes_of(server.pid)
        before = {kind: memory_bytes(pids, kind) for kind in ("Pss", "Rss")}
        load = subprocess.Popen(
            ["taskset", "-c", str(max(os.sched_getaffinity(0))), LOAD, "--flv", RECORDING, "--rtmp", server.rtmp,
             "--http", server.http, "--key", server.key, "--playlist", server.playlist,
             "--broadcasts", str(broadcasts), "--stagger-s", str(max(2, broadcasts / 100))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if load.stdout.readline().strip() != "steady":
            sys.exit(f"the load never became steady against {server.name}")
        time.sleep(settle_s)

        shares = []
        for _ in range(WINDOWS):
            cpu, began = cpu_s(pids), time.monotonic()
            time.sleep(measure_s / WINDOWS)
            shares.append((cpu_s(pids) - cpu) / (time.monotonic() - began))
        growth = {kind: memory_bytes(pids, kind) - before[kind] for kind in before}
        files = server.files_bytes()
        said, _ = load.communicate("")
        load_figures = json.loads(said)
    finally:
        if load and load.poll() is None:
            load.kill()
            load.wait()
        server.stop()

    notes, counts = [], True
    if load_figures["on_air"] < broadcasts or load_figures["ended"]:
        notes.append(f"{load_figures['on_air']} on air, {load_figures['ended']} ended: {load_figures['first_end']}")
        counts = False
    if load_figures["late_p99_ms"] > LATE_P99_MS_MAX:
        counts = False
        notes.append(f"load late, p99 {load_figures['late_p99_ms']} ms")
    if max(shares) > CORE_FULL:
        notes.append("core full")
    if load_figures["unsent_max"] > 256 * 1024:
        notes.append("server reads too slowly")
    if load_figures["viewers_lost"]:
        notes.append(f"{load_figures['viewers_lost']} viewers lost")
    fetches = load_figures["segments"]
    stale = load_figures["ticks_without_segment"] + load_figures["not_found"]
    if fetches < stale * 4:
        notes.append(f"{stale} of {stale + fetches} fetches without a new segment")
    return {"shares": shares, "pss": growth["Pss"], "rss": growth["Rss"], "files": files, "load": load_figures,
            "notes": notes, "counts": counts}


def measure_undisturbed(*case):
    for attempt in range(ATTEMPTS):
        result = measure(*case)
        disturbed = result["load"]["late_p99_ms"] > LATE_P99_MS_MAX and max(result["shares"]) < CORE_FULL
        if not disturbed:
            break
        print(f"{case[0].name}, {case[1]} broadcasts: disturbed, the load was late by "
              f"{result['load']['late_p99_ms']} ms", file=sys.stderr, flush=True)
    return result


def main():
    options = machine.options(__doc__.splitlines()[0], arguments=[
        ("--broadcasts", {"type": int, "nargs": "*", "metavar": "N", "help": "instead of 50 200 1000"}),
        ("--rounds", {"type": int, "help": "runs of each case (2, quick 1)"}),
    ])
    sizes = options.broadcasts or ([50, 200] if options.quick else [50, 200, 1000])
    rounds = options.rounds or (1 if options.quick else 2)
    settle_s, measure_s = (SETTLE_QUICK_S, MEASURE_QUICK_S) if options.quick else (SETTLE_S, MEASURE_S)

    raise_file_limit()
    subprocess.run(["tools/build_preset", "release", "bench_many_load"], cwd=machine.ROOT, check=True)
    machine.make_recording(RECORDING, seconds=30, noise=12, video_kbps=236)
    header = machine.print_header("many", versions=["klieg", "nginx"])
    print(f"{RECORDING.stat().st_size * 8 / 30 / 1000:.0f} kbit/s each, {rounds} x {measure_s} s in {WINDOWS} windows "
          f"after {settle_s} s" + (": memory is not full yet" if settle_s < 60 else "") + "\n", flush=True)

    columns = ["broadcasts", "viewers", "server", "CPU us/s each", "least", "most", "core", "KiB each", "PSS", "RSS",
               "files", "notes"]
    rows, medians = [], {}
    for broadcasts in sizes:
        runs = {server: [] for server in (Klieg, Nginx)}
        for _ in range(rounds):
            for server in runs:
                runs[server].append(measure_undisturbed(server, broadcasts, settle_s, measure_s))
        for server, results in runs.items():
            each = sorted(share * 1e6 / broadcasts for result in results for share in result["shares"])
            kib = {kind: statistics.median(result[kind] for result in results) / 1024 / broadcasts
                   for kind in ("pss", "rss", "files")}
            cpu = statistics.median(each)
            if all(result["counts"] for result in results):
                medians[broadcasts, server.name] = (cpu, kib["pss"] + kib["files"])
            rows.append([broadcasts, results[-1]["load"]["viewers"], server.name, cpu, each[0], each[-1],
                         f"{cpu * broadcasts / 1e4:.1f} %", kib["pss"] + kib["files"], kib["pss"], kib["rss"],
                         kib["files"], "; ".join(sorted({note for result in results for note in result["notes"]}))])
    print(machine.table(columns, rows))
    print()
    ratios = []
    for broadcasts in sizes:
        ours, theirs = medians.get((broadcasts, Klieg.name)), medians.get((broadcasts, Nginx.name))
        if not ours or not theirs:
            print(f"{broadcasts:>5} broadcasts: no ratio, a row does not count")
            continue
        ratio = {"broadcasts": broadcasts, "cpu": ours[0] / theirs[0], "memory": ours[1] / theirs[1]}
        ratios.append(ratio)
        print(f"{broadcasts:>5} broadcasts: klieg takes {ratio['cpu']:.2f} x the CPU and {ratio['memory']:.2f} x the "
              f"memory of nginx-rtmp")
    if options.json:
        machine.write_json(options.json, "many", header, columns, rows, ratios=ratios)


if __name__ == "__main__":
    main()
