// The codec workers of a server, and what may happen to them.

import { readFile, readdir } from "node:fs/promises";

import { pause, until } from "./program.js";

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

// Lets a process run for a share of the time only, as a machine does that has too much to do. Ends with the test, or
// when the function that it returns is called.
export function slow_down(t, pid, { share, period_ms = 50 }) {
  let over = false;
  const end = () => {
    over = true;
    signal(pid, "SIGCONT");
  };
  (async () => {
    while (!over && signal(pid, "SIGSTOP")) {
      await pause(period_ms * (1 - share));
      signal(pid, "SIGCONT");
      await pause(period_ms * share);
    }
  })();
  t.after(end);
  return end;
}

// Whether the process was there to get it.
export function signal(pid, name) {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
