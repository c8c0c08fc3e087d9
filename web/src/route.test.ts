import { describe, expect, it } from "vitest";

import { route_of } from "./route";

describe("an address", () => {
  it("of the root is the home page", () => expect(route_of("/")).toEqual({ page: "home" }));
  it("of a channel is its watching page, with or without a final slash", () => {
    expect(route_of("/@ada")).toEqual({ page: "watch", channel: "ada" });
    expect(route_of("/@ada.lovelace-1/")).toEqual({ page: "watch", channel: "ada.lovelace-1" });
  });
  it("of any channel that a server may be given is its watching page", () => {
    for (const channel of ["_ada", "-x", "7", "A-_", "a".repeat(64)]) expect(route_of(`/@${channel}`)).toEqual({ page: "watch", channel });
  });
  it("to be framed by another page has the picture alone", () =>
    expect(route_of("/embed/@ada")).toEqual({ page: "framed", channel: "ada" }));
  it("of a guest is that of his channel, with his token", () => {
    expect(route_of("/t/0badcafe.1.2.0.mac-_/@ada")).toEqual({ page: "watch", channel: "ada", token: "0badcafe.1.2.0.mac-_" });
    expect(route_of("/t/a/embed/@ada")).toEqual({ page: "not_found" });
    expect(route_of("/t/a/b/@ada")).toEqual({ page: "not_found" });
  });
  it("of a place is its page", () => {
    expect(route_of("/login")).toEqual({ page: "log_in" });
    expect(route_of("/signup/")).toEqual({ page: "sign_up" });
    expect(route_of("/studio")).toEqual({ page: "studio", section: "broadcast" });
    expect(route_of("/studio/invites/")).toEqual({ page: "studio", section: "invites" });
    expect(route_of("/studio/nothing")).toEqual({ page: "not_found" });
  });
  it("whose name could leave its folder is no page", () => {
    for (const path of ["/@", "/@..", "/@a/b", "/@%2e%2e", "/@.ada", "/@a b", "/watch", "/embed", "/embed/ada", `/@${"a".repeat(65)}`])
      expect(route_of(path), path).toEqual({ page: "not_found" });
  });
});
