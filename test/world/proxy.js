// Caches that others wrote, in front of the server, as an operator would set them up.

import { createServer } from "node:net";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { temporary_folder } from "./klieg.js";
import { Program, until } from "./program.js";

// The address (HOST:PORT) of an nginx that caches what `upstream` answers.
export async function start_nginx(t, upstream) {
  const folder = await temporary_folder(t);
  const address = `127.0.0.1:${await free_port()}`;
  await writeFile(
    join(folder, "nginx.conf"),
    `daemon off;
master_process off;
pid ${folder}/pid;
error_log stderr warn;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  proxy_cache_path ${folder}/cache keys_zone=live:10m;
  upstream klieg { server ${upstream}; keepalive 16; }
  server {
    listen ${address};
    location / {
      proxy_pass http://klieg;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_cache live;
      proxy_cache_lock on;         # one request upward for any number of viewers...
      proxy_cache_lock_age 20s;    # ...for as long as a held request may take
      proxy_cache_lock_timeout 20s;
      add_header X-Cache $upstream_cache_status;
    }
  }
}
`,
  );
  const nginx = new Program(t, "nginx", ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr"]);
  await answers(nginx, address);
  return address;
}

// The address of a Varnish with its built-in rules in front of `upstream`.
export async function start_varnish(t, upstream) {
  const folder = await temporary_folder(t);
  const address = `127.0.0.1:${await free_port()}`;
  const varnish = new Program(t, "varnishd", [
    ...["-F", "-j", "none", "-n", folder, "-a", address, "-b", upstream, "-s", "malloc,64m", "-T", "none"],
    ...["-p", "first_byte_timeout=20", "-p", "timeout_idle=20", "-p", "thread_pool_min=10", "-p", "thread_pools=1"],
  ]);
  await answers(varnish, address);
  return address;
}

export async function answers(program, address) {
  await until(
    `${program.name} at ${address}`,
    async () => {
      if (program.outcome) throw new Error(`it ended: ${program.said.slice(-2_000)}`);
      await fetch(`http://${address}/`);
      return true;
    },
    30_000,
  ); // Varnish compiles its rules first
}

export function free_port() {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
