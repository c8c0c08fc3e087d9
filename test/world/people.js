// People with accounts, as programs that speak /api/v1 for them.

import assert from "node:assert/strict";

// Signs NAME up. `say(method, path, body)` asks the API as this person; `headers` go with whatever else is asked as one.
export async function sign_up(home, name) {
  const ask = async (method, path, body, headers = {}) => {
    const answer = await fetch(`${home.http}/api/v1${path}`, {
      method,
      headers: { "content-type": "application/json", ...headers },
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    return { status: answer.status, cookie: answer.headers.get("set-cookie"), body: text ? JSON.parse(text) : undefined };
  };
  const made = await ask("POST", "/accounts", { name, display_name: name, password: "correct horse battery" });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const cookie = made.cookie.split(";")[0];
  return {
    name,
    account: made.body.account,
    headers: [`Cookie: ${cookie}`],
    say: (method, path, body) => ask(method, path, body, { cookie, "x-csrf-token": made.body.csrf }),
  };
}

// What this person's encoder sends to go live.
export async function make_key(person) {
  const made = await person.say("POST", "/keys", { label: "Desk" });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return made.body.secret;
}
