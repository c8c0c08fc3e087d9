"""delay: the Periscope paper's controlled experiment: where the delay goes, as Periscope did it and as Klieg does"""

import contextlib
import json
import statistics
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import machine
import places
import servers

METHOD = """\
Wang et al., IMC 2016, section 5.1 and Figure 11, over four network namespaces and wires of fixed delay (bench_long_wire):

  camera --240 ms-- home --20 ms-- PoP --30 ms-- viewer        one way; 240 ms: what a frame of the paper took from phone to server;
                     '------ 50 ms -------------'              30 and 50 ms: its last miles

Two recordings of 640x360, 30 frames/s, 300 kbit/s are on air (klieg publish --stamp): with a key frame every 3 s, which makes
segments of 3 s, and every second. Viewers are `klieg probe`: nothing is decoded.
periscope   hls: segments of 3 s from an edge that asks when asked (it shares no secret with home), one for each viewer; the
            playlist polled every 2.8 s, 9 s in hand before it plays
klieg       segments of 1 s, parts of 200 ms from an edge that home pushes to; a player that is as little behind as it can be
Means of all viewers, as in the paper; least and most: of one viewer's total. Components are those of src/player/breakdown.h; of a
segment or part they are its first frame's. A playlist's way from home to a polling viewer counts as waiting."""

UPLINK_MS, TO_POP_MS, FROM_POP_MS, FROM_HOME_MS = 240, 20, 30, 50
VIEWERS = 2  # of each row in each round; they begin at different times of a segment
SETTLE_S = 12  # of the broadcasts: four segments

# In the order of a frame's road: what the probe calls it, what the picture does.
COMPONENTS = {"upload": "upload", "chunking": "chunking", "origin_to_edge": "origin to edge", "waiting": "waiting or polling",
              "last_mile": "last mile", "buffer": "client buffer"}
# Figure 11, read off it; seconds.
PAPER = {"HLS": {"upload": 0.24, "chunking": 3.01, "origin_to_edge": 0.35, "waiting": 1.17, "last_mile": 0.03, "buffer": 6.89},
         "RTMP": {"upload": 0.24, "last_mile": 0.05, "buffer": 1.16}}


@dataclass(frozen=True)
class Row:
    profile: str
    name: str
    url: str  # {home}, {pop}, {puller}: HOST:PORT of where it asks
    watch: tuple  # arguments of klieg probe
    paper: str | None = None  # the bar of Figure 11 it stands beside
    aim_s: float | None = None


PERISCOPE_HLS = ("--tier", "hls", "--poll", "2.8", "--prebuffer", "9")
ROWS = (
    Row("periscope", "hls", "http://{puller}/live/three/index.m3u8", PERISCOPE_HLS, paper="HLS"),
    Row("klieg", "ll-hls", "http://{pop}/live/one/index.m3u8", ("--tier", "ll-hls"), aim_s=1.3),
    Row("klieg", "hls", "http://{pop}/live/one/index.m3u8", ("--tier", "hls"), aim_s=4),
)


class Scene:
    """The four places with all that runs in them but viewers."""

    def __init__(self, running, bench):
        world = running.enter_context(places.World())
        self.camera, self.pop, self.viewer = (world.place() for _ in range(3))
        uplink = world.lay(self.camera, places.HERE, UPLINK_MS)
        world.pass_bursts(self.camera, uplink.at_b)
        to_pop = world.lay(places.HERE, self.pop, TO_POP_MS)
        from_pop = world.lay(self.pop, self.viewer, FROM_POP_MS)
        from_home = world.lay(places.HERE, self.viewer, FROM_HOME_MS)
        home = bench.start_klieg_serve(["--http", "0.0.0.0:0", "--rtmp", "0.0.0.0:0", "--channel", "three:key-three",
                                        "--channel", "one:key-one"])
        for channel, gop_s in (("three", 3), ("one", 1)):
            self._publish(running, recording(gop_s), f"rtmp://{uplink.at_b}:{home.rtmp}/live/key-{channel}")
        parent = f"{to_pop.at_a}:{home.http}"
        bench.prefix = self.pop.inside
        edge = bench.start_klieg_edge(parent, ["--http", "0.0.0.0:0"])
        pullers = [bench.start_klieg_edge(parent, ["--http", "0.0.0.0:0", "--node-secret", "a secret that home does not know"])
                   for _ in range(VIEWERS)]
        bench.prefix = ()
        self.home = f"{from_home.at_a}:{home.http}"
        self.edge = f"{from_pop.at_a}:{edge.http}"
        self.pullers = [f"{from_pop.at_a}:{puller.http}" for puller in pullers]
        for channel in ("three", "one"):
            wait_until_on_air(home, channel)

    def _publish(self, running, file, url):
        camera = subprocess.Popen([*self.camera.inside, "taskset", "-c", str(servers.LOAD_CORE), machine.KLIEG, "publish", file, "--to", url,
                                   "--loop", "--stamp"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  start_new_session=True)
        machine.prefer(camera.pid)
        running.callback(lambda: (camera.kill(), camera.wait()))

    def url_of(self, row, number):
        return row.url.format(home=self.home, pop=self.edge, puller=self.pullers[number])


def recording(gop_s):
    path = machine.ROOT / f"build/bench/delay_{gop_s}s.flv"
    machine.make_recording(path, seconds=30, noise=12, video_kbps=236, gop_s=gop_s)
    return path


def wait_until_on_air(home, channel):
    for _ in range(200):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{home.http}/live/{channel}/index.m3u8").read()
            return
        time.sleep(0.1)
    sys.exit(f"{channel} did not come on air")


def watch_all(scene, seconds):
    """One round: VIEWERS of each row at once, which begin over three seconds; what each saw."""
    viewers = []
    for number in range(VIEWERS):
        for row in ROWS:
            process = subprocess.Popen([*scene.viewer.inside, "taskset", "-c", str(servers.LOAD_CORE), machine.KLIEG, "probe",
                                        scene.url_of(row, number), *row.watch, "--duration", str(seconds), "--json"],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
            machine.prefer(process.pid)
            viewers.append((row, process))
        time.sleep(3.3 / VIEWERS)
    seen = []
    for row, process in viewers:
        said, wrong = process.communicate(timeout=seconds + 30)
        if process.returncode != 0:
            sys.exit(f"{row.profile} {row.name}: {wrong.strip()}")
        seen.append((row, json.loads(said)))
    return seen


def components_of(seen):
    """Mean of the viewers, in seconds; what a tier has none of is not there."""
    found = {}
    for name in COMPONENTS:
        means = [one["hops"][name]["mean_s"] for one in seen if "mean_s" in one["hops"].get(name, {})]
        if means:
            found[name] = statistics.mean(means)
    return found


def total_s(one):
    return sum(hop["mean_s"] for name, hop in one["hops"].items() if name in COMPONENTS and "mean_s" in hop)


def summary(row, seen):
    """A line of the table."""
    components = components_of(seen)
    totals = [total_s(one) for one in seen]
    return [row.profile, row.name, *(components.get(name) for name in COMPONENTS), statistics.mean(totals), min(totals), max(totals),
            sum(one["stalls"] for one in seen), statistics.mean(one["stalled_s"] for one in seen)]


def bar(name, components, theirs=False):
    return {"name": name, "theirs": theirs,
            "stretches": [{"name": COMPONENTS[hop], "length": components[hop]} for hop in COMPONENTS if components.get(hop)]}


def picture(results):
    """What bench_picture draws: each bar of the paper's, ours beside it, and Klieg's."""
    groups = []
    for paper in PAPER:
        bars = [bar(f"{row.profile} {row.name}", components_of(seen)) for row, seen in results.items() if row.paper == paper]
        if bars:
            groups.append({"title": f"Periscope's {paper}", "bars": [bar("the paper", PAPER[paper], theirs=True), *bars]})
    groups.append({"title": "Klieg", "bars": [bar(row.name, components_of(seen)) for row, seen in results.items() if not row.paper]})
    return {"title": "Where the delay goes, from camera to screen", "axis": "seconds", "groups": groups,
            "note": "hatched: Wang et al., IMC 2016, Figure 11; plain: measured here over wires of the paper's delays"}


def main():
    options = machine.options(__doc__, seconds=(60, 25), arguments=[
        ("--rounds", {"type": int, "help": "5, quick 1"}), ("--svg", {"type": Path, "metavar": "FILE", "help": "draw it into FILE"})])
    rounds = options.rounds or (1 if options.quick else 5)
    servers.build("bench_long_wire", "bench_picture", "klieg")
    for gop_s in (1, 3):
        recording(gop_s)
    header = machine.print_header("delay", versions=["klieg", "ffmpeg"])
    print(METHOD, flush=True)
    places.enter_namespace("bench delay")

    results = {row: [] for row in ROWS}
    with servers.Bench() as bench, contextlib.ExitStack() as running:
        scene = Scene(running, bench)
        time.sleep(SETTLE_S)
        for _ in range(rounds):
            for row, one in watch_all(scene, options.seconds):
                results[row].append(one)
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)

    columns = ["profile", "tier", *COMPONENTS.values(), "total", "least", "most", "stalls", "stalled s"]
    rows = [summary(row, seen) for row, seen in results.items()]
    print(f"\nseconds; {rounds * VIEWERS} viewers of each, {options.seconds} s each\n{machine.table(columns, rows)}\n")
    for row, line in zip(results, rows):
        total = line[columns.index("total")]
        if row.paper:
            print(f"{row.profile} {row.name}: {total:.1f} s; the paper {sum(PAPER[row.paper].values()):.1f} s")
        elif row.aim_s:
            print(f"{row.profile} {row.name}: {total:.2f} s; aim <= {row.aim_s} s: {'kept' if total <= row.aim_s else 'missed'}")
    if options.svg:
        machine.draw(options.svg, picture(results))
    if options.json:
        machine.write_json(options.json, "delay", header, columns, rows, method=METHOD, paper=PAPER,
                           viewers=[{"profile": row.profile, "tier": row.name, "seen": seen} for row, seen in results.items()])


if __name__ == "__main__":
    main()
