import { describe, expect, it } from "vitest";

import { Api, trouble_of } from "./api";

function api_that_answers(answer: () => Response | Promise<Response>) {
  const asked: { path: string; init: RequestInit }[] = [];
  const api = new Api((path, init) => {
    asked.push({ path: String(path), init: init ?? {} });
    return Promise.resolve(answer());
  });
  return { api, asked };
}

describe("the API", () => {
  it("is told the session's token with what changes something, and not with what does not", async () => {
    const { api, asked } = api_that_answers(() => new Response('{"id":1}'));
    api.csrf = "token";
    expect(await api.ask("GET", "/live")).toEqual({ kind: "done", value: { id: 1 } });
    await api.ask("POST", "/keys", { label: "Desk" });
    expect(asked.map((one) => one.path)).toEqual(["/api/v1/live", "/api/v1/keys"]);
    expect((asked[0]!.init.headers as Record<string, string>)["x-csrf-token"]).toBeUndefined();
    expect(asked[1]!.init.headers).toMatchObject({ "x-csrf-token": "token", "content-type": "application/json" });
    expect(asked[1]!.init.body).toBe('{"label":"Desk"}');
  });
  it("may have nothing to say", async () => {
    const { api } = api_that_answers(() => new Response(null, { status: 204 }));
    expect(await api.ask("DELETE", "/session")).toEqual({ kind: "done", value: null });
  });
  it("says in a sentence why not, and when it may be tried again", async () => {
    const problem = { title: "Too Many Requests", detail: "this network tries too often" };
    const { api } = api_that_answers(() => new Response(JSON.stringify(problem), { status: 429, headers: { "retry-after": "30" } }));
    const answer = await api.ask("POST", "/session", {});
    expect(answer).toMatchObject({ kind: "refused", status: 429, retry_s: 30 });
    expect(trouble_of(answer)).toBe("This network tries too often. Try again in 30 s.");
  });
  it("is no better understood for what a proxy answers in its place", async () => {
    const { api } = api_that_answers(() => new Response("<html>Bad Gateway", { status: 502 }));
    expect(trouble_of(await api.ask("GET", "/live"))).toBe("The server cannot do this now. Try again in a while.");
  });
  it("that cannot be reached is said to be so", async () => {
    const { api } = api_that_answers(() => Promise.reject(new TypeError("network")));
    expect(await api.ask("GET", "/live")).toEqual({ kind: "unreachable" });
  });
});
