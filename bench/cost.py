"""cost: what a viewer-second of each tier costs an edge: CPU and bytes, in clear text and over TLS"""

import json
import statistics
import subprocess
import sys

import machine
import servers

METHOD = """\
`klieg edge` has core 0; home (`klieg serve`), the camera (640x360, 500 kbit/s, a key frame a second) and the viewers share core 1. Each
viewer asks for what a player of its tier asks for, when it asks (cost_load.cc):
  dash     a finished segment of each track every second, the manifest as often as it says
  hls      the media playlist of each track every second, and its newest finished segment
  ll-dash  the segment that is being made, of each track, from before its birth to its end; the manifest
  ll-hls   each version of each playlist as a delta update, held until it is there, and each part
  push     is pushed to over a WebSocket, each frame, gathered over at most 100 ms
  rtmp     the same over RTMP
clear: HTTP/1.1, on as many connections as it needs; TLS: one connection of HTTP/2, or the WebSocket's or RTMP's.
us: CPU time of the edge per second and viewer (schedstat of all its threads), less what it spends without viewers; KB: bodies, of
push all there is; late: the most that the viewers' clock was late: how far the load tool kept pace. Medians of the rounds; "spread" is
the widest distance between two rounds, of the median."""

TIERS = ("dash", "hls", "ll-dash", "ll-hls", "push", "rtmp")
DEFAULT_TIERS = ("push", "ll-dash")  # of the page, the second for whom nobody pushes to
TIMES_DASH_MAX = 3


def load(edge, tier, transport, viewers, settle, seconds, poll_s=1):
    doors = {"clear": edge.rtmp, "TLS": edge.rtmps} if tier == "rtmp" else {"clear": edge.http, "TLS": edge.https}
    command = [servers.BUILT / "bench_cost_load", f"127.0.0.1:{doors[transport]}", tier, "--viewers", viewers, "--settle", settle,
               "--seconds", seconds, "--poll", poll_s]
    process = subprocess.Popen(["taskset", "-c", str(servers.LOAD_CORE), *map(str, command), *(["--tls"] if transport == "TLS" else [])],
                               stdout=subprocess.PIPE, text=True, start_new_session=True)
    machine.prefer(process.pid)
    try:
        if process.stdout.readline().strip() != "steady":
            sys.exit(f"{tier}: the viewers could not begin")
        before = edge.cpu_seconds()
        said = json.loads(process.stdout.readline())
        spent = edge.cpu_seconds() - before
    finally:
        process.kill()
        process.wait()
    if said["failed"]:
        sys.exit(f"{tier}, {transport}: {said['failed']} requests failed, the first: {said['first_failure']}")
    of_all = viewers * seconds
    return {"us": spent * 1e6 / of_all, "kb": said["body_bytes"] / 1000 / of_all, "requests": said["requests"] / of_all,
            "late_ms": said["late_s_max"] * 1000}


def idle_us(edge, viewers, seconds):
    """What the edge spends for nobody, spread over the viewers that there will be."""
    before = edge.cpu_seconds()
    subprocess.run(["sleep", str(seconds)], check=True)
    return (edge.cpu_seconds() - before) * 1e6 / (viewers * seconds)


def measure(viewers, settle, seconds, rounds):
    runs = {}
    for _ in range(rounds):
        with servers.Bench() as bench:
            home = bench.start_klieg_serve(core=servers.LOAD_CORE)
            card = servers.on_air(home)
            try:
                edge = bench.start_klieg_edge(home.address, ["--rtmp", "127.0.0.1:0", "--rtmps", "127.0.0.1:0"])
                nothing = idle_us(edge, viewers, 3)
                for transport in ("clear", "TLS"):
                    for tier in TIERS:
                        found = load(edge, tier, transport, viewers, settle, seconds)
                        found["us"] -= nothing
                        runs.setdefault((transport, tier), []).append(found)
                        print(".", end="", file=sys.stderr, flush=True)
            finally:
                card.terminate()
                card.wait()
    print(file=sys.stderr)
    return runs


def main():
    options = machine.options(__doc__, seconds=(20, 5), arguments=[
        ("--viewers", {"type": int, "default": 1000}), ("--rounds", {"type": int, "help": "3, quick 1"})])
    servers.raise_file_limit()
    servers.build("bench_cost_load", "klieg")
    header = machine.print_header("cost", versions=["klieg", "ffmpeg", "openssl"])
    print(METHOD, flush=True)
    runs = measure(options.viewers, 5, options.seconds, options.rounds or (1 if options.quick else 3))

    columns = ["transport", "tier", "us", "x dash", "requests/s", "KB/s", "late ms", "spread"]
    rows = []
    for (transport, tier), found in runs.items():
        middle = {name: statistics.median(one[name] for one in found) for name in found[0]}
        dash = statistics.median(one["us"] for one in runs[transport, "dash"])
        spread = (max(one["us"] for one in found) - min(one["us"] for one in found)) / middle["us"]
        rows.append([transport, tier, middle["us"], middle["us"] / dash, middle["requests"], middle["kb"], middle["late_ms"], f"{spread:.0%}"])
    print(f"\n{options.viewers:,} viewers\n{machine.table(columns, rows)}\n")
    for transport, tier, _, times_dash, *_ in rows:
        if tier in DEFAULT_TIERS:
            print(f"{transport}: the page's {tier} costs {times_dash:.2f} x plain DASH (aim: at most {TIMES_DASH_MAX})")
    if options.json:
        machine.write_json(options.json, "cost", header, columns, rows, method=METHOD, viewers=options.viewers,
                           runs=[{"transport": transport, "tier": tier, "rounds": found} for (transport, tier), found in runs.items()])


if __name__ == "__main__":
    main()
