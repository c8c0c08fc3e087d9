// The suite of https://cache-tests.fyi (npm: http-cache-tests) around an HTTP cache: its origin, its client, its verdicts,
// and what other caches reached in it. One run per process: the suite's client keeps its results in module variables.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";

import fetch from "node-fetch";
import { getResults, runTests } from "http-cache-tests/client/runner.mjs";
import handle_config from "http-cache-tests/server/handle-config.mjs";
import handle_state from "http-cache-tests/server/handle-state.mjs";
import handle_test from "http-cache-tests/server/handle-test.mjs";
import references from "http-cache-tests/results/index.mjs";
import suites from "http-cache-tests/tests/index.mjs";
import surrogate from "http-cache-tests/tests/surrogate-control.mjs";

const all_suites = [...suites, surrogate];
const all_tests = all_suites.flatMap((suite) => suite.tests).filter((test) => !test.browser_only);

// The address (HOST:PORT) of the origin that the tests talk to through the cache. The suite's own program would listen on
// every interface.
export async function start_suite_origin(t) {
  const handlers = { config: handle_config, test: handle_test, state: handle_state };
  const server = createServer((request, response) => {
    const [, kind, ...path] = new URL(request.url, "http://localhost").pathname.split("/");
    if (handlers[kind]) return handlers[kind](path, request, response);
    response.writeHead(404).end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `127.0.0.1:${server.address().port}`;
}

// Runs every test that is not for browsers through the cache at `base`: [{ id, name, kind, held, verdict, why }].
//   kind      required | optimal | check: what the standard demands, what a good cache does, what there is to know
//   held      what was expected happened, for whatever reason
//   verdict   passed | failed | unproven: it could not come to what the test is about, e.g. because it did not store the
//             response, or the tests that this one builds on failed
export async function run_suite(base) {
  await runTests(all_suites, fetch, false, base);
  return verdicts(getResults());
}

export function verdicts(results) {
  const by_id = new Map(all_tests.map((test) => [test.id, test]));
  const holds = (id) => {
    const test = by_id.get(id);
    return !test || (results[id] === true && (test.depends_on ?? []).every(holds));
  };
  return all_tests.map((test) => {
    const { id, name, kind = "required" } = test;
    const missing = (test.depends_on ?? []).find((other) => !holds(other));
    const held = results[id] === true;
    if (missing) return { id, name, kind, held, verdict: "unproven", why: `builds on ${missing}` };
    if (held) return { id, name, kind, held, verdict: "passed", why: "" };
    const [type, why] = results[id] ?? ["untested", "untested"];
    return { id, name, kind, held, verdict: type === "Assertion" ? "failed" : "unproven", why: String(why) };
  });
}

// What other shared caches reached, from the results that come with the suite, the best first: [{ name, held, of }].
export async function reference_counts() {
  const require = createRequire(import.meta.url);
  const shared = references.filter(({ type }) => type !== "browser");
  const counts = shared.map(async ({ name, version, file }) => {
    const results = Object.values(JSON.parse(await readFile(require.resolve(`http-cache-tests/results/${file}`), "utf8")));
    return { name: `${name} ${version}`, held: results.filter((result) => result === true).length, of: results.length };
  });
  return (await Promise.all(counts)).sort((a, b) => b.held - a.held);
}
