// One door before several servers of the same: each connection goes to the first that takes it, beginning with another
// one each time, and ends with it.
//
//   node door.mjs PORT SERVER_PORT...

import { connect, createServer } from "node:net";

const [port, ...servers] = process.argv.slice(2).map(Number);
let next = 0;

function pass_on(viewer, first, left = servers.length) {
  if (left === 0) return viewer.destroy();
  const server = connect(servers[first % servers.length], "127.0.0.1").setNoDelay();
  server.once("connect", () => {
    server.taken = true;
    viewer.pipe(server).pipe(viewer);
  });
  server.on("error", () => {});
  server.on("close", () => (server.taken ? viewer.destroy() : pass_on(viewer, first + 1, left - 1)));
  viewer.on("close", () => server.destroy());
}

createServer((viewer) => pass_on(viewer.setNoDelay().on("error", () => {}), next++)).listen(port, () => console.log("ready"));
