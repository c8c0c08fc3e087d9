// A program that a test runs beside itself, and that never outlives it.

import { spawn } from "node:child_process";

const kept_bytes_max = 4 * 1024 * 1024; // of what a program says: enough for a story, little for a flood
const patience_ms = 5_000; // between asking a program to end and ending it

export class Program {
  // `t` is the test (or anything with after()): when it ends, so does the program. `user`: { uid, gid }, if another.
  constructor(t, command, args, { env = {}, cwd, user = {} } = {}) {
    this.name = command;
    this.said = ""; // on both of its outputs, the newest part
    this.output = ""; // on standard output alone
    this.listeners = new Set();
    const stdio = ["ignore", "pipe", "pipe"];
    this.child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio, ...user });
    const hear = (text) => {
      this.said = (this.said + text).slice(-kept_bytes_max);
      for (const listener of this.listeners) listener();
    };
    this.child.stdout.setEncoding("utf8").on("data", (text) => {
      this.output += text;
      hear(text);
    });
    this.child.stderr.setEncoding("utf8").on("data", hear);
    this.outcome = undefined;
    this.ended = new Promise((resolve) => {
      const end = (outcome) => {
        this.outcome = outcome;
        resolve(outcome);
        for (const listener of this.listeners) listener();
      };
      this.child.on("error", (error) => end({ code: null, signal: null, error }));
      this.child.on("close", (code, signal) => end({ code, signal }));
    });
    t.after(() => this.stop());
  }

  get pid() {
    return this.child.pid;
  }

  // The match of `pattern` in what the program says, now or later.
  heard(pattern, within_ms = 10_000) {
    return new Promise((resolve, reject) => {
      const finish = (settle, value) => {
        clearTimeout(timer);
        this.listeners.delete(look);
        settle(value);
      };
      const look = () => {
        const match = pattern.exec(this.said);
        if (match) finish(resolve, match);
        else if (this.outcome) finish(reject, this.#complaint(`ended without saying ${pattern}`));
      };
      const timer = setTimeout(
        () => finish(reject, this.#complaint(`did not say ${pattern} within ${within_ms} ms`)),
        within_ms,
      );
      this.listeners.add(look);
      look();
    });
  }

  // Its exit code; it must end by itself.
  async ends(within_ms) {
    const outcome = await within(this.ended, within_ms, () => this.#complaint(`did not end within ${within_ms} ms`));
    if (outcome.error) throw outcome.error;
    return outcome.code;
  }

  signal(name) {
    if (!this.outcome) this.child.kill(name);
  }

  async stop() {
    if (this.outcome) return;
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.signal("SIGKILL"), patience_ms);
    await this.ended;
    clearTimeout(timer);
  }

  #complaint(what) {
    return new Error(`${this.name} ${what}. It said:\n${this.said.slice(-4_000)}`);
  }
}

// Runs a program to its end; the program, or an error that shows what it said.
export async function run(t, command, args, within_ms, options) {
  const program = new Program(t, command, args, options);
  const code = await program.ends(within_ms);
  if (code !== 0) throw new Error(`${command} ended with ${code}. It said:\n${program.said.slice(-4_000)}`);
  return program;
}

export async function within(promise, limit_ms, complaint) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(complaint()), limit_ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Asks until the answer is neither undefined nor an error: for what nobody announces.
export async function until(what, ask, within_ms = 15_000, every_ms = 100) {
  const deadline = performance.now() + within_ms;
  let last = "";
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      last = `: ${error.message}${error.cause ? ` (${error.cause.message})` : ""}`;
    }
    if (performance.now() > deadline) throw new Error(`${what}: not within ${within_ms} ms${last}`);
    await pause(every_ms);
  }
}
