import { describe, expect, it } from "vitest";

import { log_in_address, return_address } from "./return";

const here = "https://live.example";

describe("the way back from logging in", () => {
  it("leads to where one came from", () => {
    expect(log_in_address("/@ada?player=hls")).toBe("/login?to=%2F%40ada%3Fplayer%3Dhls");
    expect(return_address("?to=%2F%40ada%3Fplayer%3Dhls", here)).toBe("/@ada?player=hls");
    expect(return_address("", here)).toBe("/");
  });
  it("never leads elsewhere", () => {
    for (const to of ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "\\\\evil", "/\t/evil.example", "http://["])
      expect(return_address(`?to=${encodeURIComponent(to)}`, here), to).toBe("/");
  });
});
