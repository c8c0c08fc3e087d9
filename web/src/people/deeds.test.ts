import { expect, test } from "vitest";

import { type Deed, action_text, who_text } from "./deeds";

const deed = (more: Partial<Deed>): Deed => ({ id: 1, at: "", actor: 7, actor_name: "ada", action: "password changed", subject: 7, subject_name: "ada", detail: "", ...more });

test("who did what to whom is told as seen by who reads it", () => {
  expect(who_text(deed({}), 7)).toBe("by you");
  expect(who_text(deed({}), 8)).toBe("by @ada");
  expect(who_text(deed({ subject: 8, subject_name: "grace" }), 8)).toBe("by @ada, to you");
  expect(who_text(deed({ actor: null, actor_name: null, subject: null, subject_name: null }), 8)).toBe("by the server");
  expect(who_text(deed({ actor_name: null }), 8)).toBe("by somebody who is gone");
  expect(action_text("API token made")).toBe("API token made");
  expect(action_text("password changed")).toBe("Password changed");
});
