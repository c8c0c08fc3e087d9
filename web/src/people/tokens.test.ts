import { expect, test } from "vitest";

import { expires_after, is_over, scopes_text } from "./tokens";

test("what a token may is told in words, and what nobody here knows as it is", () => {
  expect(scopes_text("account:read keys:write")).toBe("See who you are, Make and revoke stream keys");
  expect(scopes_text("account:read planets:move")).toBe("See who you are, planets:move");
});

test("a token is good for so many days, or for ever", () => {
  const now_ms = Date.UTC(2026, 0, 1);
  expect(expires_after(30, now_ms)).toBe("2026-01-31T00:00:00.000Z");
  expect(expires_after(0, now_ms)).toBeNull();
  const token = { id: 1, label: "", scopes: "", created: "", used: null, expires: "2026-01-31T00:00:00.000Z" };
  expect(is_over(token, now_ms)).toBe(false);
  expect(is_over(token, Date.UTC(2026, 0, 31))).toBe(true);
  expect(is_over({ ...token, expires: null }, now_ms)).toBe(false);
});
