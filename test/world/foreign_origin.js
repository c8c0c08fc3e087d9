// Origins that others wrote, which an edge is put in front of: nginx with what ffmpeg leaves in a folder, nginx-rtmp.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { temporary_folder } from "./klieg.js";
import { Program } from "./program.js";
import { answers, free_port } from "./proxy.js";

export class Origin {
  constructor(folder, http, rtmp) {
    this.folder = folder; // what is below www/ is served
    this.http = http; // HOST:PORT
    this.rtmp = rtmp; // rtmp://HOST:PORT/live/NAME
  }

  // How often each path was asked for until now.
  async asked() {
    const counts = new Map();
    for (const line of (await readFile(join(this.folder, "access.log"), "utf8")).split("\n")) {
      if (line) counts.set(line, (counts.get(line) ?? 0) + 1);
    }
    return counts;
  }
}

// An nginx that says how long what it has is good for, as docs/edge.md recommends. With nginx-rtmp: what is published appears under /hls/ and /dash/.
export async function start_origin(t) {
  const folder = await temporary_folder(t);
  const [http, rtmp] = [`127.0.0.1:${await free_port()}`, `127.0.0.1:${await free_port()}`];
  for (const name of ["www", "www/hls", "www/dash"]) await mkdir(join(folder, name));
  await writeFile(
    join(folder, "nginx.conf"),
    `daemon off;
master_process off;
pid ${folder}/pid;
error_log stderr warn;
load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
events {}
rtmp {
  server {
    listen ${rtmp};
    application live {
      live on;
      hls on;
      hls_path ${folder}/www/hls;
      hls_fragment 1s;
      hls_playlist_length 10s;
      dash on;
      dash_path ${folder}/www/dash;
      dash_fragment 1s;
      dash_playlist_length 10s;
    }
  }
}
http {
  log_format path '$uri';
  access_log ${folder}/access.log path;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  types {
    application/vnd.apple.mpegurl m3u8;
    application/dash+xml mpd;
    video/mp4 mp4 m4s m4v m4a;
    video/mp2t ts;
  }
  server {
    listen ${http};
    root ${folder}/www;
    add_header Access-Control-Allow-Origin *;
    location ~ \\.(m4s|m4v|m4a|ts)$ {  # never changes while it is there
      expires 60s;
      add_header Access-Control-Allow-Origin *;
    }
    location ~ \\.(m3u8|mpd)$ {  # may have changed
      add_header Cache-Control no-cache;
      add_header Access-Control-Allow-Origin *;
    }
  }
}
`,
  );
  const nginx = new Program(t, "nginx", ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr"]);
  await answers(nginx, http);
  return new Origin(folder, http, `rtmp://${rtmp}/live`);
}
