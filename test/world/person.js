// Somebody with an account, as a program that uses /api/v1 in a browser's way.

export class Person {
  // `headers`: of every request, as a proxy in front of the server says them.
  constructor(home, headers = {}) {
    this.home = home;
    this.headers = headers;
    this.cookie = "";
    this.csrf = "";
  }

  // What is answered: status, and the body if there is one.
  async ask(method, path, body) {
    const answer = await fetch(`${this.home.http}/api/v1${path}`, {
      method,
      headers: {
        ...this.headers,
        ...(body && { "content-type": "application/json" }),
        ...(this.cookie && { cookie: this.cookie }),
        ...(this.csrf && { "x-csrf-token": this.csrf }),
      },
      body: body && JSON.stringify(body),
    });
    const [cookie] = answer.headers.getSetCookie();
    if (cookie) this.cookie = cookie.slice(0, cookie.indexOf(";"));
    const text = await answer.text();
    return { status: answer.status, body: text ? JSON.parse(text) : undefined };
  }
  // The same, of which it is known that it is done.
  async done(method, path, body) {
    const answer = await this.ask(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
    return answer.body;
  }

  async sign_up(name) {
    await this.#enter("/accounts", { name, display_name: name, password: password_of(name) });
  }
  async log_in(name, password = password_of(name)) {
    await this.#enter("/session", { name, password });
  }
  async #enter(path, body) {
    ({ csrf: this.csrf } = await this.done("POST", path, body));
  }
}

export const password_of = (name) => `the password of ${name}`;
