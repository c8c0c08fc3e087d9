// What an edge counts of its viewers and of itself, and what it refuses to one address.

import assert from "node:assert/strict";
import { createServer, get } from "node:http";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { start_edge } from "../world/edge.js";
import { klieg_path, temporary_folder } from "../world/klieg.js";
import { Site, why_no_sites } from "../world/network.js";
import { resident_kb } from "../world/process.js";
import { until } from "../world/program.js";
import { suite_end } from "../world/suite.js";

const object_size = 1_000_000;
const knock = fileURLToPath(new URL("../world/knock.mjs", import.meta.url));

// /slow is answered when release() is called; everything else at once, with a megabyte.
async function start_origin(t) {
  const held = [];
  const server = createServer((request, response) => {
    if (request.url === "/slow") return held.push(response);
    response.setHeader("cache-control", "max-age=60");
    response.end(Buffer.alloc(object_size));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    address: `127.0.0.1:${server.address().port}`,
    release: () => held.splice(0).forEach((response) => response.end("there")),
  };
}

describe("the load of an edge", { timeout: 120_000 }, () => {
  const t = suite_end();
  const capacity_mbps = 100;
  let origin, edge;

  before(async () => {
    origin = await start_origin(t);
    // Two loops whatever the machine has: what one sees the other has to know of.
    edge = await start_edge(
      t,
      [origin.address],
      ["--server-loops", "2", "--edge-egress-capacity-mbps", String(capacity_mbps)],
    );
  });

  // A connection of its own each time, so that both loops are asked.
  const ask = (path, { headers = {}, from = "127.0.0.1" } = {}) =>
    new Promise((resolve, reject) => {
      const url = `http://${edge.address.http}${path}`;
      get(url, { headers, localAddress: from, agent: false }, (response) => {
        let size = 0;
        response.on("data", (bytes) => (size += bytes.length));
        response.on("end", () => resolve({ status: response.statusCode, size }));
      }).on("error", reject);
    });

  const measured = async () => {
    const text = await (await fetch(`http://${edge.address.admin}/metrics`)).text();
    return (name) => Number(new RegExp(`^klieg_edge_${name} (\\S+)$`, "m").exec(text)[1]);
  };
  const comes_to = (name, wanted) =>
    until(
      `${name} is ${wanted}`,
      async () => {
        const value = (await measured())(name);
        if (value !== wanted) throw new Error(`it is ${value}`);
        return value;
      },
      25_000, // a window of 15 s and two reports
    );

  test("says how many requests are under way", async () => {
    const asked = ask("/slow");
    await comes_to("requests_in_flight", 1);
    origin.release();
    assert.equal((await asked).status, 200);
    await comes_to("requests_in_flight", 0);
  });

  test("says what it sends, and what is left of its line", async () => {
    for (let i = 0; i < 9; ++i) assert.equal((await ask("/object")).size, object_size);
    // Sent within a moment: in the mean of one report, or of two.
    await until("what was sent is told", async () => {
      const value = await measured();
      const egress = value("egress_bytes_per_second");
      if (egress < 1_400_000 || egress > 3_300_000) throw new Error(`it is ${egress}`);
      assert.ok(Math.abs(value("headroom_ratio") - (1 - (egress * 8) / (capacity_mbps * 1e6))) < 0.001);
      return egress;
    });
    await comes_to("egress_bytes_per_second", 0);
    await comes_to("headroom_ratio", 1);
  });

  test("counts sessions, cookies and addresses, each once", async () => {
    await comes_to("viewers", 0); // who came before is forgotten
    for (let i = 0; i < 4; ++i) {
      for (const sid of ["a", "b", "c"]) {
        await ask(`/object?CMCD=bl%3D2900%2Csid%3D%22${sid}%22`, { headers: { cookie: `klieg_viewer=${sid}` } });
        await ask("/object", { headers: { "cmcd-session": `sid="${sid}"` }, from: "127.0.0.9" });
      }
      for (const name of ["x", "y"]) await ask("/object", { headers: { cookie: `theme=dark; klieg_viewer=${name}` } });
      for (const from of ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"]) await ask("/object", { from });
    }
    await comes_to("viewers", 3 + 2 + 4);
  });
});

describe("a large body that is for one viewer alone", { timeout: 60_000 }, () => {
  const t = suite_end();
  const size = 200_000_000;
  const memory_mb_max = 100; // of the edge, beyond what it had: kernel's buffers are not in it
  const piece = Buffer.alloc(1_000_000, "k");
  let sent = 0; // handed to the kernel by the origin
  let origin, edge;

  before(async () => {
    origin = createServer((request, response) => {
      response.writeHead(200, { "content-length": size, "cache-control": request.url === "/private" ? "private" : "max-age=60" });
      const go_on = () => {
        for (let free = true; sent < size && free; sent += piece.length) free = response.write(piece);
        sent < size ? response.once("drain", go_on) : response.end();
      };
      sent = 0;
      go_on();
    });
    await new Promise((resolve) => origin.listen(0, "127.0.0.1", resolve));
    t.after(() => {
      origin.closeAllConnections();
      origin.close();
    });
    edge = await start_edge(t, [`127.0.0.1:${origin.address().port}`], ["--server-loops", "2"]);
  });

  // Of some connections one arrives at the loop that asks the parent, and one at the other.
  for (const path of ["/private", "/large"]) {
    test(`${path} is fetched as fast as it is read`, async () => {
      for (let i = 0; i < 3; ++i) {
        const before_kb = await resident_kb(edge.program.pid);
        const response = await new Promise((resolve, reject) => {
          get(`http://${edge.address.http}${path}`, { agent: false }, resolve).on("error", reject);
        });
        let seen = -1;
        await until("the origin is held back", async () => {
          const before = seen;
          seen = sent;
          if (seen !== before) throw new Error(`it sends, and has sent ${seen}`);
          return seen;
        });
        const grown_mb = ((await resident_kb(edge.program.pid)) - before_kb) / 1024;
        assert.ok(sent < size / 2, `${sent} bytes were asked of the origin for a viewer who read none`);
        assert.ok(grown_mb < memory_mb_max, `${grown_mb} MB for one viewer`);
        let read = 0;
        for await (const bytes of response) read += bytes.length;
        assert.equal(read, size);
      }
    });
  }
});

// Not from this machine's own address: that has no limits.
describe("what one address may take", { timeout: 60_000, skip: why_no_sites() }, () => {
  const t = suite_end();
  const here = "10.99.0.1";
  const limits = [
    ...["--http-connections-per-address-max", "3", "--http-requests-per-address-max", "5"],
    ...["--rtmp-connections-per-address-max", "3"],
  ];
  let site;

  before(async () => {
    site = await Site.start(t, "one_address");
    await site.run("ip", ["addr", "add", `${here}/32`, "dev", "lo"]);
    const small_origin = `require("node:http").createServer((_, response) => {
      response.setHeader("cache-control", "max-age=60");
      response.end("small");
    }).listen(8000, "127.0.0.1", () => console.log("up"))`;
    await site.start("node", ["-e", small_origin]).heard(/^up$/m);
    // One loop, because each has its own count.
    const common = ["--server-loops", "1", ...limits];
    const edges = [
      { flags: [...common, "--rtmp", "0.0.0.0:1936"], http: 8080 },
      { flags: [...common, "--http-trusted-addresses", "10.99.0.0/16"], http: 8081 },
    ];
    const servers = edges.map(({ flags, http }) =>
      site.start(klieg_path, [
        ...["edge", "--parent", "http://127.0.0.1:8000"],
        ...["--http", `0.0.0.0:${http}`, "--admin", `127.0.0.1:${http + 10}`],
        ...flags,
      ]),
    );
    servers.push(
      site.start(klieg_path, [
        ...["serve", "--data", await temporary_folder(t), "--rtmp", "0.0.0.0:1935"],
        ...["--http", "0.0.0.0:8082", "--admin", "127.0.0.1:8092", ...common],
      ]),
    );
    await Promise.all(servers.map((server) => server.heard(/^ready /m)));
  });

  const knocks = async (host, port, path, connections, requests) =>
    JSON.parse(await site.run("node", [knock, host, port, path, connections, requests]));
  const statuses = (answers) => answers.flat().map(({ status }) => status);

  for (const [name, port, path, status, rtmp] of [
    ["klieg edge", 8080, "/a", 200, 1936],
    ["klieg serve", 8082, "/live/nobody/index.m3u8", 404, 1935],
  ]) {
    test(`${name} keeps an address to its connections, and says so`, async () => {
      const answers = await knocks(here, port, path, 5, 1);
      assert.deepEqual(statuses(answers), [status, status, status, 429, 429]);
      assert.equal(answers[3][0].text, "too many connections from this address are open");
      // They were closed with the program; from another address they would not have mattered.
      await until("there is room again", async () => {
        const again = statuses(await knocks(here, port, path, 1, 1));
        return again[0] === status ? again : undefined;
      });
    });

    test(`${name} keeps an address to its requests, and says so`, async () => {
      // What was asked before is paid off within a second.
      const answers = await until(
        "five may ask at once",
        async () => {
          const [some] = await knocks(here, port, path, 1, 40);
          return statuses(some).indexOf(429) >= 5 ? some : undefined;
        },
        15_000,
        1_500,
      );
      assert.equal(answers.length, 40);
      assert.ok(answers.filter((answer) => answer.status === 429).length >= 30);
      const refused = answers.find((answer) => answer.status === 429);
      assert.equal(refused.text, "too many requests from this address; ask again in a second");
    });

    test(`${name} keeps an address to its connections of RTMP, and says so to encoders and players`, async () => {
      const source = ["-v", "error", "-f", "lavfi", "-i", "testsrc=rate=5", "-f", "flv"];
      const said_to = async (...asking) => {
        const program = site.start("ffmpeg", asking);
        assert.notEqual(await program.ends(10_000), 0);
        return program.said;
      };
      const url = `rtmp://${here}:${rtmp}/live/nobody`;
      const three = `for (let i = 0; i < 3; ++i) require("node:net").connect(${rtmp}, "${here}", () => console.log("in"));`;
      const those_inside = site.start("node", ["-e", three]);
      await those_inside.heard(/(in\s+){3}/);
      assert.match(await said_to(...source, url), /too many connections from this address are open/);
      assert.match(await said_to("-i", url, "-f", "null", "-"), /too many connections from this address are open/);
      await those_inside.stop();
      await until("there is room again", async () => {
        const said = await said_to("-i", url, "-f", "null", "-");
        return /nobody is (not live|in a form)/.test(said) || undefined;
      });
    });

    test(`${name} has no such limits for its own machine`, async () => {
      assert.deepEqual(statuses(await knocks("127.0.0.1", port, path, 6, 10)), Array(60).fill(status));
    });
  }

  test("who is trusted has none", async () => {
    assert.deepEqual(statuses(await knocks(here, 8081, "/a", 6, 10)), Array(60).fill(200));
  });

  test("what was refused is counted by what of it was too much", async () => {
    const text = await site.get("http://127.0.0.1:8090/metrics");
    for (const reason of ["too_many_connections", "too_many_requests"]) {
      assert.match(text, new RegExp(`^klieg_edge_refusals_total\\{door="http",reason="${reason}"\\} [1-9]`, "m"));
    }
  });
});
