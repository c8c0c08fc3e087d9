// The same roads over TLS: RTMPS in, RTMPS, HTTPS by HTTP/1.1 and HTTP/2 out.

import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, test } from "node:test";

import { start_edge } from "../world/edge.js";
import { publish_with_ffmpeg } from "../world/encoder.js";
import { key_of, start_klieg, temporary_folder } from "../world/klieg.js";
import { run } from "../world/program.js";
import { assert_continuous, packets } from "../world/reader.js";
import { suite_end } from "../world/suite.js";

describe("over TLS", () => {
  const t = suite_end();
  let klieg, edge;

  before(async () => {
    const folder = await temporary_folder(t);
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1"];
    const made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, ...subject];
    await run(t, "openssl", made, 10_000);
    const listen = ["--https", "127.0.0.1:0", "--rtmps", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key];
    klieg = await start_klieg(t, { flags: listen });
    edge = await start_edge(t, [klieg.address.http], ["--rtmps", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key]);
    publish_with_ffmpeg(t, `rtmps://${klieg.address.rtmps}/live/${key_of("show")}`, { size: "320x180" });
  });

  test("what comes in by RTMPS can be watched", () => klieg.live());

  for (const node of ["the home", "an edge"]) {
    test(`what goes out by RTMPS from ${node} is whole`, async (test_context) => {
      await klieg.live();
      const { rtmps } = (node === "an edge" ? edge : klieg).address;
      const read = await packets(test_context, `rtmps://${rtmps}/live/show`, 2);
      assert_continuous(
        read.filter((packet) => packet.kind === "video"),
        0.05,
      );
    });
  }

  for (const version of ["1.1", "2"]) {
    test(`the playlist comes by HTTP/${version}`, async (test_context) => {
      await klieg.live();
      const address = `https://${klieg.address.https}/live/show/index.m3u8`;
      const flags = [
        "--silent",
        "--show-error",
        "--fail",
        "--insecure",
        `--http${version}`,
        "--write-out",
        "\n%{http_version}",
      ];
      const { output } = await run(test_context, "curl", [...flags, address], 10_000);
      assert.match(output, /#EXT-X-STREAM-INF/);
      assert.equal(output.split("\n").at(-1), version);
    });
  }

  test("HTTP/2 needs no TLS where the client knows beforehand", async (test_context) => {
    await klieg.live();
    const flags = ["--silent", "--show-error", "--fail", "--http2-prior-knowledge", "--write-out", "\n%{http_version}"];
    const { output } = await run(test_context, "curl", [...flags, klieg.hls()], 10_000);
    assert.equal(output.split("\n").at(-1), "2");
  });
});
