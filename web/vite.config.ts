import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vitest/config";

const text_file = /\.(html|js|css|svg|json)$/;

// Writes NAME.gz beside every text file of the build: compressed once, here, and never while serving.
function precompressed(): Plugin {
  return {
    name: "precompressed",
    apply: "build",
    async writeBundle(options) {
      const folder = options.dir ?? "dist";
      const names = await readdir(folder, { recursive: true });
      await Promise.all(
        names
          .filter((name) => text_file.test(name))
          .map(async (name) => {
            const content = await readFile(join(folder, name));
            await writeFile(join(folder, `${name}.gz`), await promisify(gzip)(content, { level: 9 }));
          }),
      );
    },
  };
}

// `npm run dev` serves the pages with reload on save, and asks a running klieg for everything live.
const origin = process.env["KLIEG_ORIGIN"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [svelte(), precompressed()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // no data: addresses, so that a strict Content-Security-Policy fits
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900, // dash.js
  },
  server: { proxy: { "/live": origin, "/time": origin, "/api": origin } },
  test: { include: ["src/**/*.test.ts"] },
});
