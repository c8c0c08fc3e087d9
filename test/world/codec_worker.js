// The codec workers of a server, and what may happen to them.

import { readFile, readdir } from "node:fs/promises";

import { until } from "./program.js";

// The ids of those that have a broadcast: that have used the processor. The busiest first.
export async function busy_workers(server_pid, within_ms = 10_000) {
  return until(
    "a codec worker at work",
    async () => {
      const found = [];
      for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number)) {
        const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
        const [, name, rest] = /\((.*)\) (.*)/.exec(stat) ?? [];
        const fields = rest?.split(" ");
        if (name !== "klieg-codec" || Number(fields[1]) !== server_pid || fields[0] === "Z") continue;
        found.push({ pid, ticks: Number(fields[11]) + Number(fields[12]) });
      }
      const busy = found.filter(({ ticks }) => ticks > started_ticks).sort((a, b) => b.ticks - a.ticks);
      return busy.length ? busy.map(({ pid }) => pid) : undefined;
    },
    within_ms,
    20,
  );
}
const started_ticks = 8; // 80 ms: loading the libraries takes half of it
