"""latency: camera to screen in Chromium, by push, hls.js, dash.js and Shaka Player"""

import json
import subprocess
import sys

import machine

COLUMNS = ["player", "median s", "p5 s", "p95 s", "worst s", "stalls", "longest stand s", "played s", "frames read"]
KEYS = ["player", "median_s", "p5_s", "p95_s", "worst_s", "stalls", "longest_stand_s", "played_s", "frames_read"]
AIMS_S = {"push": 0.4, "hls.js": 1.3, "dash.js": 1.0}  # at the median, with no stall


def main():
    options = machine.options(__doc__, seconds=(300, 30))
    header = machine.print_header("latency", versions=["klieg", "ffmpeg", "chromium"])
    print(f"test card 640x360, 30 frames/s, a key frame every second; each player for {options.seconds} s", flush=True)
    subprocess.run(["tools/npm_ci", "test"], cwd=machine.ROOT, check=True)
    command = ["tools/with_node", "node", "bench/latency.mjs", str(options.seconds)]
    measured = subprocess.run(command, cwd=machine.ROOT, stdout=subprocess.PIPE, text=True)
    figures = [json.loads(line) for line in measured.stdout.splitlines() if line.startswith("{")]
    rows = [[figure[key] for key in KEYS] for figure in figures]
    print("\n" + machine.table(COLUMNS, rows))
    for figure in figures:
        if figure["player"] == "push" and figure["plays"] != "push":
            print("push: the page gave way to low-latency HTTP, and the figures are of that")
        if aim_s := AIMS_S.get(figure["player"]):
            kept = figure["median_s"] <= aim_s and figure["stalls"] == 0
            print(f"{figure['player']}: aim <= {aim_s} s at the median without a stall: {'kept' if kept else 'missed'}")
    if options.json:
        machine.write_json(options.json, "latency", header, KEYS, rows, seconds=options.seconds)
    return measured.returncode


if __name__ == "__main__":
    sys.exit(main())
