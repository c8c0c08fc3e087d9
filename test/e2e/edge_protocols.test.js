// What others speak to an edge: HTTP/2 by h2load and curl, HTTP/1.1 by curl, in clear text and over TLS.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { join } from "node:path";
import { before, describe, test } from "node:test";

import { start_edge } from "../world/edge.js";
import { temporary_folder } from "../world/klieg.js";
import { run } from "../world/program.js";
import { suite_end } from "../world/suite.js";

const size = 62_000;

describe("an edge is spoken to", { timeout: 60_000 }, () => {
  const t = suite_end();
  let edge;
  let asked = 0;

  before(async () => {
    const origin = createServer((request, response) => {
      asked += 1;
      response.writeHead(200, { "cache-control": "max-age=60", etag: '"a"' }).end(Buffer.alloc(size, "k"));
    });
    await new Promise((resolve) => origin.listen(0, "127.0.0.1", resolve));
    t.after(() => origin.close());
    const folder = await temporary_folder(t);
    const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
    await run(
      t,
      "openssl",
      [
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
        ...["-subj", "/CN=localhost", "-keyout", key, "-out", cert],
      ],
      20_000,
    );
    edge = await start_edge(
      t,
      [`127.0.0.1:${origin.address().port}`],
      ["--https", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key],
    );
  });

  const places = () => [`http://${edge.address.http}/object`, `https://${edge.address.https}/object`];

  for (const version of ["--http1.1", "--http2", "--http2-prior-knowledge"]) {
    test(`by curl ${version}`, async () => {
      for (const url of places()) {
        if (version === "--http2-prior-knowledge" && url.startsWith("https")) continue;
        const head = "%{http_version} %{response_code} %{size_download}";
        const { output } = await run(
          t,
          "curl",
          ["--silent", "--insecure", version, "--output", "/dev/null", "--write-out", head, url],
          10_000,
        );
        // Without prior knowledge and without ALPN there is no HTTP/2: curl stays with what the server speaks.
        const two = version !== "--http1.1" && (url.startsWith("https") || version === "--http2-prior-knowledge");
        assert.equal(output, `${two ? 2 : 1.1} 200 ${size}`, url);
      }
    });
  }

  test("by h2load, many streams on many connections, and nothing fails", async () => {
    for (const url of places()) {
      const { output } = await run(t, "h2load", ["-n", "2000", "-c", "20", "-m", "20", url], 30_000);
      assert.match(output, /requests: 2000 total, 2000 started, 2000 done, 2000 succeeded, 0 failed, 0 errored/);
      assert.match(output, new RegExp(`${2000 * size}\\) data`));
    }
    assert.equal(asked, 1, "the origin was asked once for all of them");
  });
});
