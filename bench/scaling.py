"""scaling: CPU of a server at 100 to 500 viewers, pushed to or polling for chunks, beside the Periscope paper's Figure 14"""

import statistics
import sys
from pathlib import Path

import cost
import fanout
import machine
import servers

METHOD = """\
One broadcast of 640x360, 300 kbit/s; `klieg serve` on one pinned core with one loop, the camera and all viewers on the other.
push    RTMP play (bench_fanout_load): each frame to each viewer, gathered over at most 100 ms
chunks  HLS (bench_cost_load): both media playlists every 2.8 s and each segment of 3 s, as Periscope's viewers; and every second
        with segments of 1 s
CPU: what the scheduler accounted to the server, of one core, with what it spends on the broadcast itself. Over loopback the viewers'
TCP work is charged to it too. Medians of the rounds; "spread" is the widest distance between two rounds, of the median.
The paper's server was Wowza on a laptop (Core i7, 2.4 GHz): hardware and software differ, so only shapes and ratios compare."""

VIEWERS = (100, 200, 300, 400, 500)
PUSH, CHUNKS, SHORT_CHUNKS = "push", "chunks 3 s", "chunks 1 s"
CHUNKS_OF = {CHUNKS: (3, 2.8), SHORT_CHUNKS: (1, 1)}  # seconds of a segment, from poll to poll
SETTLE_S = 5  # more than a segment and a poll

# Figure 14, read off it; percent.
PAPER = {PUSH: (25.5, 39.6, 55.2, 66.8, 79.8), CHUNKS: (17.7, 26.6, 33.5, 29.7, 33.8)}
NAMES = {PUSH: "push (RTMP)", CHUNKS: "chunks of 3 s", SHORT_CHUNKS: "chunks of 1 s"}
COLOURS = {PUSH: 2, CHUNKS: 0, SHORT_CHUNKS: 1}


def measure_push(sizes, seconds):
    """CPU in percent of a core, for each number of viewers."""
    found = {}
    for viewers in sizes:
        with servers.Bench() as bench:
            server = fanout.start_klieg(bench)
            figures = fanout.measure(server, viewers, SETTLE_S, seconds, recording=servers.small_recording(1))
            if not figures:
                sys.exit(f"push to {viewers}: the load did not become steady")
            if figures["missed"]:
                print(f"push to {viewers}: {figures['missed']} frames did not come", file=sys.stderr)
            found[viewers] = 100 * figures["core"]
    return found


def measure_chunks(kind, sizes, seconds):
    segment_s, poll_s = CHUNKS_OF[kind]
    with servers.Bench() as bench:
        home = bench.start_klieg_serve()
        with servers.publishing(servers.small_recording(segment_s), f"rtmp://127.0.0.1:{home.rtmp}/live/key"):
            servers.wait_until_on_air(home, "cam")
            return {viewers: cost.load(home, "hls", "clear", viewers, SETTLE_S, seconds, poll_s)["us"] * viewers / 1e4 for viewers in sizes}


def slope(sizes, percents):
    """Percent of a core for one viewer more, from the fewest to the most."""
    return (percents[-1] - percents[0]) / (sizes[-1] - sizes[0])


def axis_max(value):
    """The next figure of which a quarter is a good one to read."""
    return next(each for each in (1, 2, 4, 8, 10, 20, 40, 60, 80, 100) if each >= min(value, 100))


def picture(sizes, percents):
    def trail(kind, spots, theirs=False):
        name = f"{NAMES[kind]}, the paper" if theirs else NAMES[kind]
        return {"name": name, "colour": COLOURS[kind], "theirs": theirs, "spots": spots}

    def plot(title, unit, trails):
        most = max(y for one in trails for _, y in one["spots"])
        return {"title": title, "x_axis": "viewers", "y_unit": unit, "x_max": VIEWERS[-1], "x_steps": len(VIEWERS), "y_max": axis_max(most),
                "trails": trails}

    ratio = [[viewers, push / chunks] for viewers, push, chunks in zip(sizes, percents[PUSH], percents[CHUNKS])]
    paper_ratio = [[viewers, push / chunks] for viewers, push, chunks in zip(VIEWERS, PAPER[PUSH], PAPER[CHUNKS])]
    ours = [trail(kind, [list(spot) for spot in zip(sizes, percents[kind])]) for kind in percents]
    theirs = [trail(kind, [list(spot) for spot in zip(VIEWERS, PAPER[kind])], theirs=True) for kind in PAPER]
    ratios = [{"name": "klieg", "colour": 2, "theirs": False, "spots": ratio}, {"name": "the paper", "colour": 2, "theirs": True, "spots": paper_ratio}]
    return {"title": "What viewers cost a server: pushed to, or polling for chunks",
            "note": "circles: Wang et al., IMC 2016, Figure 14 (another server, another machine); points: measured here. "
                    "Compare shapes and ratios.",
            "plots": [plot("klieg serve, of one core", "%", ours), plot("The paper: Wowza on a laptop", "%", theirs),
                      plot("Push by chunks of 3 s", " x", ratios)]}


def main():
    options = machine.options(__doc__, seconds=(10, 4), arguments=[
        ("--rounds", {"type": int, "help": "3, quick 1"}), ("--svg", {"type": Path, "metavar": "FILE", "help": "draw it into FILE"})])
    rounds = options.rounds or (1 if options.quick else 3)
    sizes = (100, 300, 500) if options.quick else VIEWERS
    servers.raise_file_limit()
    servers.build("bench_fanout_load", "bench_cost_load", "bench_picture", "klieg")
    for gop_s in (1, 3):
        servers.small_recording(gop_s)
    header = machine.print_header("scaling", versions=["klieg", "ffmpeg"])
    print(METHOD, flush=True)

    runs = {kind: [] for kind in NAMES}
    for _ in range(rounds):
        for kind, found in runs.items():
            found.append(measure_push(sizes, options.seconds) if kind == PUSH else measure_chunks(kind, sizes, options.seconds))
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)

    columns = ["viewers", *(column for kind in runs for column in (f"{NAMES[kind]} %", "spread")), "push by chunks", "paper: push %", "chunks %",
               "push by chunks of it"]
    percents = {kind: [statistics.median(one[viewers] for one in found) for viewers in sizes] for kind, found in runs.items()}
    rows = []
    for i, viewers in enumerate(sizes):
        cells = []
        for kind, found in runs.items():
            each = [one[viewers] for one in found]
            cells += [percents[kind][i], f"{(max(each) - min(each)) / percents[kind][i]:.0%}"]
        push, chunks = (PAPER[kind][VIEWERS.index(viewers)] for kind in (PUSH, CHUNKS))
        rows.append([viewers, *cells, percents[PUSH][i] / percents[CHUNKS][i], push, chunks, push / chunks])
    print(f"\n{machine.table(columns, rows)}\n")
    ours, theirs = ({kind: slope(*line) for kind, line in lines.items()} for lines in (
        {kind: (sizes, percents[kind]) for kind in percents}, {kind: (VIEWERS, PAPER[kind]) for kind in PAPER}))
    print(f"one viewer more: push {ours[PUSH]:.4f} %, chunks of 3 s {ours[CHUNKS]:.4f} %, {ours[PUSH] / ours[CHUNKS]:.1f} x; "
          f"the paper {theirs[PUSH]:.3f} %, {theirs[CHUNKS]:.3f} %, {theirs[PUSH] / theirs[CHUNKS]:.1f} x")
    if options.svg:
        machine.draw(options.svg, picture(sizes, percents))
    if options.json:
        machine.write_json(options.json, "scaling", header, columns, rows, method=METHOD, paper={"viewers": VIEWERS, **PAPER},
                           percent_for_one_more={"klieg": ours, "paper": theirs}, runs=runs)


if __name__ == "__main__":
    main()
