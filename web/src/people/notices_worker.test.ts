import { describe, expect, it } from "vitest";

import code from "../../public/notices.js?raw";

const origin = "https://live.example";

// The worker in a browser that has these pages open: what it shows, and where it leads.
function worker_beside(open: string[]) {
  const handlers = new Map<string, (event: unknown) => void>();
  const done: string[] = [];
  const shown: { title: string; body: string; tag: string; data: { path: string } }[] = [];
  const pages = open.map((url) => ({ url, focus: () => void done.push(`focus ${url}`) }));
  const self = {
    location: { origin },
    addEventListener: (name: string, handle: (event: unknown) => void) => handlers.set(name, handle),
    skipWaiting: () => done.push("skip waiting"),
    clients: {
      claim: () => done.push("claim"),
      matchAll: async () => pages,
      openWindow: async (url: string) => void done.push(`open ${url}`),
    },
    registration: { showNotification: async (title: string, how: object) => void shown.push({ title, ...how } as (typeof shown)[0]) },
  };
  new Function("self", code)(self);
  // What the browser waits for before it stops the worker.
  const happen = async (name: string, event: object = {}) => {
    let waited: unknown;
    handlers.get(name)!({ waitUntil: (until: unknown) => (waited = until), ...event });
    await waited;
  };
  const push = (said: object) => happen("push", { data: { json: () => said } });
  const click = (path: string) => happen("notificationclick", { notification: { close: () => done.push("close"), data: { path } } });
  return { happen, push, click, shown, done };
}

describe("the service worker", () => {
  it("is there at once, for pages that are open too", async () => {
    const { happen, done } = worker_beside([]);
    await happen("install");
    await happen("activate");
    expect(done).toEqual(["skip waiting", "claim"]);
  });
  it("says who is live and what it is called, a later notice in the place of one before", async () => {
    const { push, shown } = worker_beside([]);
    await push({ channel: "ada", display_name: "Ada <b>", title: "Engines", path: "/@ada" });
    expect(shown).toEqual([{ title: "Ada <b> is live", body: "Engines", tag: "live-ada", data: { path: "/@ada" } }]);
  });
  it("leads to the page that is open, or opens it", async () => {
    const beside = worker_beside([`${origin}/`, `${origin}/@ada`]);
    await beside.click("/@ada");
    expect(beside.done).toEqual(["close", `focus ${origin}/@ada`]);
    const alone = worker_beside([`${origin}/`]);
    await alone.click("/@ada");
    expect(alone.done).toEqual(["close", `open ${origin}/@ada`]);
  });
});
