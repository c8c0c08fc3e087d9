import { mount } from "svelte";

import App from "./App.svelte";
import "./app.css";
import { route_of } from "./route";

// After an upgrade of the server the chunks of this page may be gone: take the new page. At most once a minute, so
// that a chunk that is missing for another reason is no endless loop.
window.addEventListener("vite:preloadError", () => {
  const last_ms = Number(sessionStorage.getItem("klieg.reloaded") ?? 0);
  if (Date.now() - last_ms < 60_000) return;
  sessionStorage.setItem("klieg.reloaded", String(Date.now()));
  location.reload();
});

mount(App, { target: document.getElementById("app")!, props: { route: route_of(location.pathname) } });
