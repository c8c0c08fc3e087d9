// An edge is an HTTP cache, and is held to what caches are held to: the 350 tests of https://cache-tests.fyi.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { start_edge } from "../world/edge.js";
import { exception_ids, exceptions } from "../world/http_cache_exceptions.js";
import { reference_counts, run_suite, start_suite_origin } from "../world/http_cache_suite.js";
import { suite_end } from "../world/suite.js";

describe("an edge as an HTTP cache", { timeout: 180_000 }, () => {
  const t = suite_end();
  let results;

  before(async () => {
    const origin = await start_suite_origin(t);
    // Two loops whatever the machine has: what one keeps the other has to know of.
    const edge = await start_edge(t, [origin], ["--server-loops", "2"]);
    results = await run_suite(`http://${edge.address.http}`);
  });

  const unlisted = (kinds) =>
    results
      .filter(({ id, kind, verdict }) => kinds.includes(kind) && verdict !== "passed" && !exception_ids.has(id))
      .map(({ id, verdict, why, name }) => `${id}: ${verdict}, ${why} (${name})`);

  test("does what is required of a cache", () => assert.deepEqual(unlisted(["required"]), []));

  test("does what else can be expected of one, or has a reason", () =>
    assert.deepEqual(unlisted(["optimal", "check"]), []));

  test("is listed with no exception that it does not need", () => {
    const passed = new Set(results.filter(({ verdict }) => verdict === "passed").map(({ id }) => id));
    const known = new Set(results.map(({ id }) => id));
    assert.deepEqual(
      [...exception_ids].filter((id) => passed.has(id) || !known.has(id)),
      [],
    );
    assert.ok(exceptions.every(({ why }) => why.length > 0));
  });

  test("passes more of it than any shared cache whose results come with the suite", async (test_context) => {
    const counts = [
      { name: "klieg edge", held: results.filter(({ held }) => held).length, of: results.length },
      ...(await reference_counts()),
    ];
    test_context.diagnostic(counts.map(({ name, held, of }) => `${name}: ${held} of ${of}`).join(", "));
    assert.deepEqual(counts.toSorted((a, b) => b.held - a.held)[0], counts[0]);
  });
});
