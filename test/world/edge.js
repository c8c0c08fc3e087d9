// `klieg edge`, a cache in front of any HTTP origin, on ports of its own.

import { klieg_path } from "./klieg.js";
import { Program } from "./program.js";

const loopback = "127.0.0.1:0";

// `parents`: HOST:PORT each, the best first. Its address: { http, admin } and what doors the flags open, HOST:PORT each.
export async function start_edge(t, parents, flags = []) {
  const program = new Program(t, klieg_path, [
    "edge",
    ...parents.flatMap((parent) => ["--parent", `http://${parent}`]),
    ...["--http", loopback, "--admin", loopback],
    ...flags,
  ]);
  const [, ready] = await program.heard(/^ready (.*)$/m);
  return { program, address: Object.fromEntries(ready.split(" ").map((word) => word.split("="))) };
}
