// Two minutes in which the worker of a broadcast is killed every ten seconds.

import { test } from "node:test";

import { assert_deaths_are_not_seen } from "../world/dying_workers.js";

const soak_s = Number(process.env.SOAK_SECONDS ?? 120);

const timeout = (soak_s + 60) * 1000;

test("a viewer of a rung does not see that its worker is killed every ten seconds", { timeout }, (t) =>
  assert_deaths_are_not_seen(t, { kills: Math.max(1, Math.floor(soak_s / 10)), every_ms: 10_000 }),
);
