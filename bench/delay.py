"""delay: the Periscope paper's controlled experiment: where the delay goes, as Periscope did it and as Klieg does"""

import contextlib
import json
import statistics
import subprocess
import sys
import time
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
            rtmp: played from home, as Periscope's first viewers did, 1 s in hand before it plays
klieg       each tier from an edge that home pushes to: push over WebSocket and RTMP; segments of 1 s, parts of 200 ms; a player
            that is as little behind as it can be
in Chromium: our page behind the same wires, of `klieg testcard`, whose clock is read off the screen (see bench latency): with encoding,
            decoding and drawing, which the probe does not have; medians of frames
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
    url: str  # {home}, {home_rtmp}, {pop}, {pop_rtmp}, {puller}: HOST:PORT of where it asks
    watch: tuple  # arguments of klieg probe, with the same in them
    paper: str | None = None  # the bar of Figure 11 it stands beside
    aim_s: float | None = None


SCREENS = {"push": "?player=push", "hls.js": "?player=hls", "dash.js": "?player=dash"}  # of our page in Chromium
SCREEN_AIMS_S = {"push": 0.4, "hls.js": 1.3, "dash.js": 1.0}
PERISCOPE_HLS = ("--tier", "hls", "--poll", "2.8", "--prebuffer", "9")
ROWS = (
    Row("periscope", "hls", "http://{puller}/live/three/index.m3u8", PERISCOPE_HLS, paper="HLS"),
    Row("periscope", "rtmp", "rtmp://{home_rtmp}/live/three", ("--manifest", "http://{home}/live/three/manifest.mpd", "--prebuffer", "1"),
        paper="RTMP"),
    Row("klieg", "push", "http://{pop}/live/one/push", ("--tier", "push"), aim_s=0.4),
    Row("klieg", "push, rtmp", "rtmp://{pop_rtmp}/live/one", ("--manifest", "http://{pop}/live/one/manifest.mpd"), aim_s=0.4),
    Row("klieg", "ll-hls", "http://{pop}/live/one/index.m3u8", ("--tier", "ll-hls"), aim_s=1.3),
    Row("klieg", "ll-dash", "http://{pop}/live/one/manifest.mpd", ("--tier", "ll-dash"), aim_s=1.3),
    Row("klieg", "hls", "http://{pop}/live/one/index.m3u8", ("--tier", "hls"), aim_s=4),
    Row("klieg", "dash", "http://{pop}/live/one/manifest.mpd", ("--tier", "dash"), aim_s=4),
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
                                        "--channel", "one:key-one", "--channel", "card:key-card"])
        for channel, gop_s in (("three", 3), ("one", 1)):
            running.enter_context(servers.publishing(servers.small_recording(gop_s), f"rtmp://{uplink.at_b}:{home.rtmp}/live/key-{channel}",
                                                     inside=self.camera.inside))
        parent = f"{to_pop.at_a}:{home.http}"
        bench.prefix = self.pop.inside
        edge = bench.start_klieg_edge(parent, ["--http", "0.0.0.0:0", "--rtmp", "0.0.0.0:0"])
        pullers = [bench.start_klieg_edge(parent, ["--http", "0.0.0.0:0", "--node-secret", "a secret that home does not know"])
                   for _ in range(VIEWERS)]
        bench.prefix = ()
        self._card_url = f"rtmp://{uplink.at_b}:{home.rtmp}/live/key-card"
        self._card_on_air = lambda: servers.wait_until_on_air(home, "card")
        at_home, at_pop = from_home.at_a, from_pop.at_a
        self.doors = [{"home": f"{at_home}:{home.http}", "home_rtmp": f"{at_home}:{home.rtmp}", "pop": f"{at_pop}:{edge.http}",
                       "pop_rtmp": f"{at_pop}:{edge.rtmp}", "puller": f"{at_pop}:{puller.http}"} for puller in pullers]
        for channel in ("three", "one"):
            servers.wait_until_on_air(home, channel)

    @contextlib.contextmanager
    def test_card(self):
        """The channel card, with a key frame a second, for whoever looks at pictures."""
        card = servers.start_test_card(self._card_url, self.camera.inside)
        try:
            self._card_on_air()
            yield
        finally:
            card.terminate()
            card.wait()

    def watching(self, row, number):
        """The command of a viewer, of which there are several of a row."""
        doors = self.doors[number]
        return [*self.viewer.inside, "taskset", "-c", str(servers.LOAD_CORE), machine.KLIEG, "probe", row.url.format(**doors),
                *(word.format(**doors) for word in row.watch), "--json"]


def watch_all(scene, seconds):
    """One round: VIEWERS of each row at once, which begin over three seconds; what each saw."""
    viewers = []
    for number in range(VIEWERS):
        for row in ROWS:
            process = subprocess.Popen([*scene.watching(row, number), "--duration", str(seconds)], stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True, start_new_session=True)
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


def watch_in_browser(scene, seconds):
    """What Chromium shows of the test card, one player after the other."""
    seen = []
    with scene.test_card():
        for player, query in SCREENS.items():
            browser = subprocess.Popen([*scene.viewer.inside, "tools/with_node", "node", "bench/screen.mjs", str(seconds), player,
                                        f"http://{scene.doors[0]['pop']}/@card{query}"], cwd=machine.ROOT, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True, start_new_session=True)
            while browser.poll() is None:  # Chromium makes sessions of its own
                for pid in servers.processes_of(browser.pid):
                    machine.prefer(pid)
                time.sleep(1)
            said, wrong = browser.communicate()
            if browser.returncode != 0:
                sys.exit(f"{player} in Chromium:\n{wrong}")
            seen.append(json.loads(said))
            print(".", end="", file=sys.stderr, flush=True)
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


def picture(results, screens):
    """What bench_picture draws: each bar of the paper's, ours beside it, and Klieg's."""
    groups = []
    for paper in PAPER:
        bars = [bar(f"{row.profile} {row.name}", components_of(seen)) for row, seen in results.items() if row.paper == paper]
        if bars:
            groups.append({"title": f"Periscope's {paper}", "bars": [bar("the paper", PAPER[paper], theirs=True), *bars]})
    groups.append({"title": "Klieg", "bars": [bar(row.name, components_of(seen)) for row, seen in results.items() if not row.paper]})
    if screens:
        groups.append({"title": "Klieg in Chromium", "bars": [
            {"name": one["player"], "theirs": False, "stretches": [{"name": "read off the screen", "length": one["median_s"]}]}
            for one in screens]})
    return {"title": "Where the delay goes, from camera to screen", "axis": "seconds", "groups": groups,
            "note": "hatched: Wang et al., IMC 2016, Figure 11; plain: measured here over wires of the paper's delays"}


def main():
    options = machine.options(__doc__, seconds=(60, 25), arguments=[
        ("--rounds", {"type": int, "help": "5, quick 1"}), ("--svg", {"type": Path, "metavar": "FILE", "help": "draw it into FILE"})])
    rounds = options.rounds or (1 if options.quick else 5)
    subprocess.run(["tools/npm_ci", "test"], cwd=machine.ROOT, check=True)
    servers.build("bench_long_wire", "bench_picture", "klieg")
    for gop_s in (1, 3):
        servers.small_recording(gop_s)
    header = machine.print_header("delay", versions=["klieg", "ffmpeg", "chromium"])
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
        screens = watch_in_browser(scene, options.seconds // 2)
    print(file=sys.stderr)

    columns = ["profile", "tier", *COMPONENTS.values(), "total", "least", "most", "stalls", "stalled s"]
    rows = [summary(row, seen) for row, seen in results.items()]
    print(f"\nseconds; {rounds * VIEWERS} viewers of each, {options.seconds} s each\n{machine.table(columns, rows)}\n")
    screen_columns = ["in Chromium", "plays by", "median s", "p5", "p95", "stalls", "played s"]
    screen_rows = [[one[key] for key in ("player", "plays", "median_s", "p5_s", "p95_s", "stalls", "played_s")] for one in screens]
    print(f"{machine.table(screen_columns, screen_rows)}\n")
    for row, line in zip(results, rows):
        total = line[columns.index("total")]
        if row.paper:
            print(f"{row.profile} {row.name}: {total:.1f} s; the paper {sum(PAPER[row.paper].values()):.1f} s")
        elif row.aim_s:
            print(f"{row.profile} {row.name}: {total:.2f} s; aim <= {row.aim_s} s: {'kept' if total <= row.aim_s else 'missed'}")
    for one in screens:
        aim_s = SCREEN_AIMS_S[one["player"]]
        print(f"{one['player']} in Chromium: {one['median_s']:.2f} s; aim <= {aim_s} s: {'kept' if one['median_s'] <= aim_s else 'missed'}")
    if options.svg:
        machine.draw(options.svg, picture(results, screens))
    if options.json:
        machine.write_json(options.json, "delay", header, columns, rows, method=METHOD, paper=PAPER, screens=screens,
                           viewers=[{"profile": row.profile, "tier": row.name, "seen": seen} for row, seen in results.items()])


if __name__ == "__main__":
    main()
