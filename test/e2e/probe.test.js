// klieg probe watches every tier, at home and through an edge: what it says of the delay adds up to what it measures at
// the other end, and the sooner a tier gets media, the nearer it is.

import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, test } from "node:test";

import { start_edge } from "../world/edge.js";
import { ffmpeg } from "../world/encoder.js";
import { klieg_path, start_klieg, temporary_folder } from "../world/klieg.js";
import { Program } from "../world/program.js";
import { suite_end } from "../world/suite.js";

const secret = "a-secret-between-nodes";
const seconds = 6;

async function recording(t) {
  const file = join(await temporary_folder(t), "recording.mp4");
  const source = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30:duration=4"];
  const coding = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "30", "-sc_threshold", "0"];
  assert.equal(await ffmpeg(t, [...source, ...coding, file]).ends(20_000), 0);
  return file;
}

describe("klieg probe", () => {
  const t = suite_end();
  let home, edge;

  before(async () => {
    home = await start_klieg(t, { env: { KLIEG_NODE_SECRET: secret } });
    edge = await start_edge(t, [home.address.http], ["--node-secret", secret, "--rtmp", "127.0.0.1:0"]);
    new Program(t, klieg_path, ["publish", await recording(t), "--to", home.rtmp(), "--loop", "--stamp"]);
    await home.live();
  });

  async function watch(address, flags) {
    const program = new Program(t, klieg_path, ["probe", address, ...flags, "--duration", String(seconds), "--json"]);
    assert.equal(await program.ends(1000 * seconds + 10_000), 0, program.said);
    return JSON.parse(program.output);
  }

  // All tiers of a node at once, as {push: ..., rtmp: ...}.
  async function watch_all({ http, rtmp }) {
    const manifest = `http://${http}/live/show/manifest.mpd`;
    const tiers = ["push", "ll-dash", "ll-hls", "dash", "hls"];
    const seen = await Promise.all([
      ...tiers.map((tier) => watch(`http://${http}/live/show/index.m3u8`, ["--tier", tier])),
      watch(`rtmp://${rtmp}/live/show`, ["--manifest", manifest, "--prebuffer", "1"]),
    ]);
    return Object.fromEntries([...tiers, "rtmp"].map((tier, i) => [tier, seen[i]]));
  }

  // Until it has arrived: what the viewer's own buffer adds depends on what else this machine does.
  const until_here_s = ({ hops }) =>
    hops.chunking.mean_s + hops.waiting.mean_s + hops.origin_to_edge.mean_s + hops.last_mile.mean_s;

  function assert_adds_up(tier, { hops, behind_s, pieces, stall_ratio }) {
    const parts_s = Object.entries(hops).filter(([hop]) => hop !== "total");
    const sum_s = parts_s.reduce((sum, [, { mean_s }]) => sum + mean_s, 0);
    assert.ok(Math.abs(hops.total.mean_s - sum_s) < 0.001, `${tier}: ${hops.total.mean_s} s are not ${sum_s} s`);
    const rest_s = hops.total.mean_s - hops.upload.mean_s;
    const near_s = 0.1 + 0.2 * behind_s; // pieces and looks are not the same instants
    assert.ok(Math.abs(rest_s - behind_s) < near_s, `${tier}: adds up to ${rest_s} s and is ${behind_s} s behind`);
    assert.ok(hops.upload.mean_s >= 0 && hops.upload.mean_s < 0.5, `${tier}: upload ${hops.upload.mean_s} s`);
    assert.ok(pieces >= seconds / 2, `${tier}: ${pieces} pieces`);
    assert.ok(stall_ratio < 0.2, `${tier}: stands still ${100 * stall_ratio} % of the time`);
  }

  for (const where of ["home", "an edge"]) {
    test(`of what comes from ${where} says where the delay goes, whatever the tier`, async () => {
      const seen = await watch_all(where === "home" ? home.address : edge.address);
      for (const [tier, report] of Object.entries(seen)) assert_adds_up(tier, report);
      const here = Object.fromEntries(Object.entries(seen).map(([tier, report]) => [tier, until_here_s(report)]));
      const shown = Object.entries(here).map(([tier, s]) => `${tier} ${s.toFixed(3)} of ${seen[tier].hops.total.mean_s.toFixed(3)} s`);
      console.log(`until here, from ${where}: ${shown.join(", ")}`);
      for (const near of ["push", "rtmp", "ll-dash"]) {
        assert.ok(here[near] < here["ll-hls"], `${near}: a frame is sooner whole than a part`);
        assert.ok(seen[near].pieces > 20 * (seconds - 2), `${near}: ${seen[near].pieces} frames`);
      }
      for (const far of ["dash", "hls"]) {
        assert.ok(here["ll-hls"] < here[far], `${far}: a part is sooner whole than a segment`);
        assert.ok(seen["ll-hls"].hops.total.mean_s < seen[far].hops.total.mean_s, `${far}: and sooner shown`);
      }
      const had_s = seen.rtmp.hops.buffer.mean_s;
      assert.ok(had_s > 0.7 && had_s < 1.3, `a second in hand: ${had_s} s`);
    });
  }

  test("says why there is nothing to see", async () => {
    for (const [address, why] of [
      [`http://${home.address.http}/live/nobody/push`, /answers 404/],
      [`rtmp://${home.address.rtmp}/live/nobody --manifest ${home.dash()}`, /StreamNotFound/],
    ]) {
      const program = new Program(t, klieg_path, ["probe", ...address.split(" ")]);
      assert.equal(await program.ends(15_000), 1);
      assert.match(program.said, why);
    }
  });
});
