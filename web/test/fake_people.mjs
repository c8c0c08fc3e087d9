// A server's /api/v1 with people in it, for tests of the pages: what it keeps is what the test looks at.

export class FakePeople {
  accounts = new Map(); // name -> { id, name, display_name, password }
  follows = new Set(); // "follower>followed"
  keys = []; // { id, label, created, used, owner, secret }
  live = []; // as the list has them
  past = []; // public broadcasts that are over, of anybody
  notices = []; // as the API has them
  webhooks = [];
  tokens = []; // as the API has them, and their secret
  invites = []; // so, too
  deeds = []; // the audit log, the newest first; `everybody` of which is about others
  moderators = [];
  bans = [];
  pictures = new Map(); // name -> { type, content }
  broadcasts = []; // of who is logged in, the newest first
  sign_up = "open";
  account = null; // who is logged in
  csrf = "csrf-0";
  refused = null; // [status, problem] for the next question that changes something
  #last_id = 0;
  #held = []; // pages that wait for notices
  #untold = []; // what was told before any did

  // Somebody whom one follows goes live.
  tell(notice) {
    this.notices.unshift(notice);
    const told = { items: [notice], cursor: `${notice.id}` };
    if (this.#held.length === 0) this.#untold.push(told);
    for (const answer of this.#held.splice(0)) answer(told);
  }

  static async beside(page) {
    const people = new FakePeople();
    await page.route("**/api/v1/**", (route) => people.#answer(route));
    return people;
  }

  add(name, password, display_name = name) {
    const account = { id: ++this.#last_id, name, display_name, role: "person" };
    this.accounts.set(name, { account, password });
    return account;
  }

  #told() {
    return { account: this.account, csrf: this.csrf, sign_up: this.sign_up, ingest: { rtmp: "rtmp://live.example/live" } };
  }

  async #answer(route) {
    const request = route.request();
    const method = request.method();
    const path = new URL(request.url()).pathname.slice("/api/v1".length);
    const json = (value, status = 200) => route.fulfill({ status, contentType: "application/json", body: JSON.stringify(value) });
    const problem = (status, detail) => route.fulfill({ status, contentType: "application/problem+json", body: JSON.stringify({ title: "No", detail, status }) });
    const is_json = request.headers()["content-type"] === "application/json";
    const body = (is_json && request.postDataJSON()) || {};
    if (method !== "GET" && request.headers()["x-csrf-token"] !== this.csrf && this.account !== null) return problem(403, "the token is missing");
    if (path.endsWith("/pass")) return problem(404, "there is no such thing");
    if (method !== "GET" && this.refused !== null) {
      const [status, detail] = this.refused;
      this.refused = null;
      return problem(status, detail);
    }
    const person = /^\/people\/([^/]+)(\/follow)?$/.exec(path);
    const key = /^\/keys\/(\d+)(\/rotate)?$/.exec(path);
    const enter = (account) => {
      this.account = account;
      this.csrf = `csrf-${account.id}`;
      return json(this.#told());
    };
    if (path === "/session" && method === "GET") return json(this.#told());
    if (path === "/session" && method === "DELETE") {
      this.account = null;
      return route.fulfill({ status: 204 });
    }
    if (path === "/session") {
      const found = this.accounts.get(body.name);
      return found?.password === body.password ? enter(found.account) : problem(401, "the name or the password is wrong");
    }
    if (path === "/accounts") {
      if (this.accounts.has(body.name)) return problem(409, "this name is taken");
      if (this.sign_up === "invite") {
        const invite = this.invites.find((one) => one.secret === body.invite && one.uses_left > 0);
        if (!invite) return problem(403, "this invite is used up, over or taken back: ask whoever sent it for another");
        --invite.uses_left;
      }
      return enter(this.add(body.name, body.password, body.display_name));
    }
    if (path === "/notices") {
      if (!new URL(request.url()).searchParams.has("after")) return json({ items: this.notices, cursor: "0" });
      const untold = this.#untold.shift();
      return untold === undefined ? this.#held.push(json) : json(untold);
    }
    if (path === "/notices/seen") {
      this.notices = this.notices.map((one) => ({ ...one, seen: true }));
      return route.fulfill({ status: 204 });
    }
    if (path === "/webhooks" && method === "GET") return json({ items: this.webhooks, next: null });
    if (path === "/webhooks") {
      const made = { id: ++this.#last_id, url: body.url, created: "2026-01-02T03:04:05Z", failures: 0, disabled: null };
      this.webhooks.push(made);
      return json({ id: made.id, url: made.url, secret: "5ec4e7" }, 201);
    }
    if (path.startsWith("/webhooks/")) {
      this.webhooks = this.webhooks.filter((one) => one.id !== Number(path.slice("/webhooks/".length)));
      return route.fulfill({ status: 204 });
    }
    const query = new URL(request.url()).searchParams;
    const bare = (list) => json({ items: list.map(({ secret, ...shown }) => shown), next: null });
    const [, list, which] = /^\/(tokens|invites|moderators|bans)\/(.+)$/.exec(path) ?? [];
    if (path === "/tokens" && method === "GET") return bare(this.tokens);
    if (path === "/tokens") {
      const id = ++this.#last_id;
      this.tokens.push({ id, label: body.label, scopes: body.scopes, created: new Date().toISOString(), used: null, expires: body.expires, secret: `klieg_token_${id}` });
      return json(this.tokens.at(-1), 201);
    }
    if (path === "/invites" && method === "GET") return bare(this.invites.filter((one) => one.uses_left > 0).reverse());
    if (path === "/invites") {
      const id = ++this.#last_id;
      const expires = new Date(Date.now() + 14 * 86_400_000).toISOString();
      this.invites.push({ id, uses_left: body.uses, created: new Date().toISOString(), expires, secret: `klieg_invite_${id}` });
      return json({ id, uses: body.uses, expires, secret: `klieg_invite_${id}` }, 201);
    }
    if (list === "tokens" || list === "invites") {
      this[list] = this[list].filter((one) => one.id !== Number(which));
      return route.fulfill({ status: 204 });
    }
    if (path === "/audit") {
      const all = query.get("all") === "1";
      if (all && this.account.role !== "operator") return problem(403, "what everybody has done is for operators");
      const limit = Number(query.get("limit"));
      const shown = this.deeds.filter((one) => (all || one.actor === this.account.id || one.subject === this.account.id) && one.id < Number(query.get("cursor") ?? Infinity));
      return json({ items: shown.slice(0, limit), next: shown.length > limit ? `${shown[limit - 1].id}` : null });
    }
    if (path === "/moderators") return json({ items: this.moderators });
    if (path === "/bans") return json({ items: this.bans, next: null });
    if (list !== undefined) {
      const others = this[list].filter((one) => one.name !== which);
      const found = this.accounts.get(which)?.account;
      if (method === "PUT" && (found === undefined || found.name === this.account.name)) return problem(404, "there is no such thing");
      const shown = found && { name: found.name, display_name: found.display_name };
      const entry = list === "bans" ? { ...shown, reason: body.reason ?? "", since: new Date().toISOString(), until: null } : shown;
      this[list] = method === "PUT" ? [...others, entry] : others;
      return route.fulfill({ status: 204 });
    }
    if (/^\/people\/[^/]+\/broadcasts$/.test(path)) return json({ items: this.past, next: null });
    if (path === "/me") {
      this.account = { ...this.account, display_name: body.display_name };
      this.accounts.get(this.account.name).account = this.account;
      return json(this.account);
    }
    if (path === "/me/password") {
      const mine = this.accounts.get(this.account.name);
      if (mine.password !== body.password) return problem(401, "the name or the password is wrong");
      mine.password = body.new_password;
      return route.fulfill({ status: 204 });
    }
    if (path === "/me/picture") {
      if (method === "DELETE") this.pictures.delete(this.account.name);
      else this.pictures.set(this.account.name, { type: request.headers()["content-type"], content: request.postDataBuffer() });
      return route.fulfill({ status: 204 });
    }
    const shown = /^\/people\/([^/]+)\/picture$/.exec(path);
    if (shown) {
      const { type, content } = this.pictures.get(shown[1]);
      return route.fulfill({ status: 200, contentType: type, body: content });
    }
    if (path === "/live") return json({ items: this.live, next: null });
    if (person) {
      const found = this.accounts.get(person[1])?.account;
      if (found === undefined) return problem(404, "there is nobody of this name");
      const tie = `${this.account?.name}>${found.name}`;
      if (!person[2]) {
        const followers = [...this.follows].filter((one) => one.endsWith(`>${found.name}`)).length;
        const picture = this.pictures.has(found.name) ? `/api/v1/people/${found.name}/picture?at=1` : null;
        return json({ ...found, picture, followers, following: this.follows.has(tie), title: this.live.find((one) => one.channel === found.name)?.title ?? null });
      }
      if (method === "PUT") this.follows.add(tie);
      else this.follows.delete(tie);
      return route.fulfill({ status: 204 });
    }
    const make = (label) => {
      const made = { id: ++this.#last_id, label, created: "2026-01-02T03:04:05Z", used: null, secret: `key_${this.#last_id}_secret` };
      this.keys.push(made);
      return made;
    };
    const broadcast = /^\/broadcasts\/(\d+)(\/links)?$/.exec(path);
    if (path === "/broadcasts" && method === "GET") return json({ items: this.broadcasts, next: null });
    if (path === "/broadcasts") {
      this.broadcasts.unshift({ id: ++this.#last_id, ...body, link: "/t/token/@ada", started: null, ended: null });
      return json(this.broadcasts[0], 201);
    }
    if (broadcast?.[2]) {
      return method === "DELETE" ? route.fulfill({ status: 204 }) : json({ link: "/t/guest/@ada", expires: "2026-01-02T03:04:05Z" }, 201);
    }
    if (broadcast) return json(Object.assign(this.broadcasts.find(({ id }) => id === Number(broadcast[1])), body));
    if (path === "/keys" && method === "GET") return json({ items: this.keys.map(({ secret, ...shown }) => shown) });
    if (path === "/keys") return json(make(body.label), 201);
    if (key) {
      const old = this.keys.find((one) => one.id === Number(key[1]));
      this.keys = this.keys.filter((one) => one !== old);
      return key[2] ? json(make(old.label)) : route.fulfill({ status: 204 });
    }
    return problem(404, `nothing at ${path}`);
  }
}
