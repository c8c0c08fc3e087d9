#!/usr/bin/env python3
"""room: 10,000 viewers in one room, 100 comments and 1,000 hearts a second, beside nginx with nchan and a bare writev loop"""

import csv
import json
import os
import re
import subprocess
import sys
import urllib.request

import machine
import servers
from herd import deep_backlog
from servers import BUILT, LOAD_CORE, Bench, free_port

METHOD = """\
The server has core 0; the camera (640x360, 300 kbit/s) and all viewers (room_load.cc) share core 1, the load at a higher priority. Every
viewer reads everything and keeps a bit for each comment: all are measured, none is sampled.
us/comment: CPU time of the server (schedstat of all its threads) over comments that came to a viewer. delay: from just before the send
to the kernel's stamp on the packet that brought it. missing: comments x viewers that had not come 3 s after the last was said.
load: how much of core 1 the viewers took; late: the most that they said something later than was due.
  klieg         `klieg serve` with everybody a guest, nothing sampled (room.comments_per_s = 0); hearts are summed by it
  nchan         each viewer publishes to the channel he subscribes, comments as long as klieg's; no hearts, which favours it
  nchan-window  the same nchan, but comments are gathered for 100 ms before they are published, as an application before it could; what
                that application costs is not counted
  bare          a loop of nothing but sendmsg, which sends as many bytes as klieg did in the same run, as often
The highest rate of nchan: the last of growing steps at which everything came, to 99 % within a second, with core 0 not full."""

SHARED = os.environ.get("KLIEG_SHARED_DATA", "")
CHATS = ("producer2", "producer3")
TEXT_MAX = 180  # characters; the number of the comment goes before it, and klieg takes 200
DELAY_MS_MAX, KIB_MAX = 250, 8
FULL_CORE = 0.95
STEP = 1.3  # from one rate to the next


def read_chat(name):
    """(seconds, author, text) of each comment; nothing without the shared data."""
    path = f"{SHARED}/audience/youtube-live-chat/{name}_anon.csv"
    if not SHARED or not os.path.exists(path):
        return []
    with open(path, newline="") as file:
        return [(int(row["t_ms"]) / 1000, int(row["author"]), row["message"][:TEXT_MAX]) for row in csv.DictReader(file)]


def steady(rate, seconds, viewers):
    """Comments at an even rate, each by another viewer, with texts of a real chat."""
    texts = [text for _, _, text in read_chat(CHATS[0])] or ["somebody says something that is as long as most of what is said"]
    return [(i / rate, i * 7919 % viewers, texts[i % len(texts)]) for i in range(int(seconds * rate))]


def replayed(chat, speed, seconds, viewers):
    """The busiest so many seconds of the chat at that speed. At 1x an author is a viewer; at more he would type faster than anybody is
    allowed to, so each comment comes from another viewer."""
    length, first, best = seconds * speed, 0, (0, 0)
    for last, (at, _, _) in enumerate(chat):
        while chat[first][0] < at - length:
            first += 1
        best = max(best, (last - first + 1, first))
    count, first = best
    begin = chat[first][0]
    return [((at - begin) / speed, author % viewers if speed == 1 else i * 7919 % viewers, text)
            for i, (at, author, text) in enumerate(chat[first:first + count])]


def start_klieg(bench):
    server = bench.start_klieg_serve(["--http-connections-max", 20000, "--room-anonymous", "comments", "--room-comments-per-s", 0,
                                      "--log-level", "warning"])
    server.name = "klieg"
    return server


def start_nchan(bench):
    folder, port = bench.folder("nchan"), free_port()
    config = folder / "nginx.conf"
    config.write_text(f"""
load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log crit;
{"user root;" if os.geteuid() == 0 else ""}
worker_rlimit_nofile {servers.raise_file_limit()};
events {{ worker_connections 16384; }}
http {{
  access_log off; tcp_nodelay on; nchan_shared_memory_size 512m;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /room {{
      nchan_pubsub websocket; nchan_channel_id room; nchan_subscriber_first_message newest;
      nchan_message_buffer_length 1000; nchan_message_timeout 30s; nchan_websocket_ping_interval 30s;
    }}
  }}
}}
""")
    return bench.start("nchan", ["nginx", "-p", folder, "-c", config], port, folder=folder, serves_in_child=True)


def start_bare(bench, bytes_per_s, interval_ms):
    port = free_port()
    return bench.start("bare", [BUILT / "bench_fanout_bare", port, bytes_per_s, interval_ms], port)


def pushes_of(server):
    with urllib.request.urlopen(f"http://127.0.0.1:{server.admin}/metrics") as answer:
        return float(re.search(r"^klieg_room_pushes_total (\S+)", answer.read().decode(), re.MULTILINE)[1])


def load(server, kind, viewers, script, hearts, settle_s, seconds):
    """What the viewers saw and what the server spent; nothing if they could not come."""
    path = server.log.parent / "script"
    path.write_text("".join(f"{int(at * 1e6)} {viewer} {json.dumps(text, ensure_ascii=False)[1:-1]}\n" for at, viewer, text in script))
    before_bytes = server.memory_bytes()
    viewing = subprocess.Popen(["taskset", "-c", str(LOAD_CORE), BUILT / "bench_room_load", kind, str(server.http), str(viewers), path,
                                str(hearts), str(settle_s), str(seconds)], start_new_session=True, stdout=subprocess.PIPE, text=True)
    machine.prefer(viewing.pid)
    try:
        if viewing.stdout.readline().strip() != "steady":
            return None
        cpu_s = server.cpu_seconds()
        pushes = pushes_of(server) if kind == "klieg" else 0
        if viewing.stdout.readline().strip() != "measured":
            return None
        cpu_s = server.cpu_seconds() - cpu_s
        pushes = pushes_of(server) - pushes if kind == "klieg" else None
        kib = (server.memory_bytes() - before_bytes) / 1024 / viewers
        said = viewing.stdout.readline()
        return {**json.loads(said), "cpu_s": cpu_s, "core": cpu_s / seconds, "kib": kib, "pushes": pushes} if said else None
    finally:
        viewing.kill()
        viewing.wait()


class Room:
    """Runs one server after another with so many viewers, and keeps the rows."""

    columns = ["what", "server", "comments/s", "hearts/s", "us/comment", "core", "p50 ms", "p99 ms", "max ms", "missing", "twice",
               "KiB/viewer", "KB/s", "load", "late ms", "notes"]

    def __init__(self, bench, viewers, settle_s):
        self.bench, self.viewers, self.settle_s, self.rows = bench, viewers, settle_s, []

    def run(self, what, kind, script_of, seconds, hearts=0, bare=None):
        """`script_of(seconds)` is what is said; one row of the table."""
        script = script_of(self.settle_s + seconds)
        if kind == "klieg":
            server = start_klieg(self.bench)
            with servers.publishing(servers.small_recording(1), f"rtmp://127.0.0.1:{server.rtmp}/live/key"):
                servers.wait_until_on_air(server, "cam")
                found = load(server, kind, self.viewers, script, hearts, self.settle_s, seconds)
        else:
            server = start_bare(self.bench, *bare) if bare else start_nchan(self.bench)
            found = load(server, kind, self.viewers, script, hearts, self.settle_s, seconds)
        self.bench.stop(server)
        self._note(what, kind, found)
        return found

    def _note(self, what, kind, found):
        if not found:
            self.rows.append([what, kind, *[None] * 13, "the viewers could not be there"])
            return
        bare = kind == "bare"
        delivered = found["comments"] * self.viewers if bare else found["delivered"]
        found["us"] = found["cpu_s"] * 1e6 / max(1, delivered)
        notes = ["core full"] if found["core"] > FULL_CORE else []
        notes += [f"{count} refused: {why}" for why, count in found["refused"].items()]
        notes += ["the load was full"] if found["load_core"] > FULL_CORE else []
        self.rows.append([what, kind, found["comments"] / found["seconds"], found["hearts_heard"] / found["seconds"], found["us"],
                          f"{found['core']:.0%}", *(None if bare else found[name] for name in ("p50_ms", "p99_ms", "max_ms")),
                          *(None if bare else found[name] for name in ("missing", "twice")), found["kib"],
                          found["bytes"] / 1000 / found["seconds"] / self.viewers, f"{found['load_core']:.0%}", found["late_ms_max"],
                          "; ".join(notes)])
        print(f"{what}, {kind}: {found['us']:.2f} us a comment, p99 {found['p99_ms']:.0f} ms", file=sys.stderr, flush=True)

    def highest_rate(self, kind, seconds, first, most):
        """Comments per second that everybody gets, found in steps that grow; 0: not even one. The steps become no rows."""
        def holds(rate):
            found = self.run("step", kind, lambda length: steady(rate, length, self.viewers), seconds)
            self.rows.pop()
            return found and not found["missing"] and found["core"] <= FULL_CORE and found["p99_ms"] <= 1000

        best, rate = 0, min(first, most)
        while rate >= 1 and not holds(rate):
            rate //= 2
        while rate >= 1:
            best, rate = rate, max(rate + 1, int(rate * STEP))
            if rate > most or not holds(rate):
                break
        return best


def main():
    options = machine.options(__doc__, seconds=(30, 5), arguments=[
        ("--viewers", {"type": int, "help": "10,000, quick 2,000"}),
        ("--only", {"choices": ("klieg", "nchan", "chats"), "help": "a part of it"})])
    viewers = options.viewers or (2000 if options.quick else 10_000)
    servers.raise_file_limit()
    servers.build("bench_room_load", "bench_fanout_bare", "klieg")
    header = machine.print_header("room", versions=["klieg", "nginx"])
    print(METHOD, flush=True)
    wanted = [options.only] if options.only else ["klieg", "nchan", "chats"]
    seconds, step_s = options.seconds, 3 if options.quick else 8
    aims = []
    with deep_backlog(), Bench() as bench:
        room = Room(bench, viewers, settle_s=3 if options.quick else 5)
        if "klieg" in wanted:
            full = room.run("full", "klieg", lambda length: steady(100, length, viewers), seconds, hearts=1000)
            if full:
                interval_ms = 1000 * viewers * seconds / full["pushes"]
                bare = room.run("full", "bare", lambda length: steady(100, length, viewers), seconds,
                                bare=(full["bytes"] / viewers / seconds, interval_ms))
                aims.append(f"{viewers:,} viewers: p99 {full['p99_ms']:.0f} ms (aim {DELAY_MS_MAX}), {full['kib']:.1f} KiB a viewer "
                            f"(aim {KIB_MAX}); a push every {interval_ms:.0f} ms")
                if bare:
                    aims.append(f"klieg takes {full['us'] / bare['us']:.2f} x the CPU of the bare loop")
        if "nchan" in wanted:
            # A send takes it some 5 us, so a core makes less than 200,000 of them; and nobody says more than a comment a second.
            rate = room.highest_rate("nchan", step_s, max(1, 60_000 // viewers), viewers)
            if rate:
                of_rate = lambda length: steady(rate, length, viewers)  # noqa: E731
                theirs = room.run("nchan's highest", "nchan", of_rate, seconds)
                ours = room.run("nchan's highest", "klieg", of_rate, seconds, hearts=min(1000, 10 * rate))
                if theirs and ours:
                    most = "" if rate * STEP <= viewers else ", more were not tried"
                    aims.append(f"{rate} comments/s, which nchan sustains{most}: klieg takes {ours['us'] / theirs['us']:.2f} x the CPU of nchan")
            room.run("full", "nchan-window", lambda length: steady(100, length, viewers), seconds)
        for name in CHATS if "chats" in wanted else ():
            chat = read_chat(name)
            for speed in (1, 100) if chat else ():
                room.run(f"{name} {speed}x", "klieg", lambda length, chat=chat, speed=speed: replayed(chat, speed, length, viewers), seconds,
                         hearts=1000)
            if not chat:
                print(f"{name}: no chat without the shared data (KLIEG_SHARED_DATA)", file=sys.stderr)
    print(f"\n{viewers:,} viewers\n{machine.table(room.columns, room.rows)}\n")
    print("\n".join(aims))
    if options.json:
        machine.write_json(options.json, "room", header, room.columns, room.rows, method=METHOD, viewers=viewers, aims=aims)


if __name__ == "__main__":
    main()
