// A push service with one browser behind it, and a webhook, as one server over TLS: keeps what it is sent. What is for
// the browser it reads as the browser would (RFC 8291), and whether it was us who sent it (RFC 8292).

import { createDecipheriv, createECDH, createHmac, createPublicKey, hkdfSync, randomBytes, verify } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:https";
import { join } from "node:path";

import { temporary_folder } from "./klieg.js";
import { run } from "./program.js";

export async function start_push_service(t) {
  const folder = await temporary_folder(t);
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  const made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const named = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  await run(t, "openssl", [...made, ...named, "-keyout", key, "-out", certificate], 60_000);
  const service = new PushService(certificate);
  const server = createServer({ key: await readFile(key), cert: await readFile(certificate) }, (request, response) =>
    service.take(request, response),
  );
  await new Promise((resolve) => server.listen(0, "localhost", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  service.origin = `https://localhost:${server.address().port}`;
  return service;
}

class PushService {
  received = []; // { path, headers, body }
  status = 201;
  #browser = createECDH("prime256v1");
  #secret = randomBytes(16);

  constructor(certificate) {
    this.certificate = certificate; // a file: the authority that signed it is itself
    this.#browser.generateKeys();
  }

  // What the browser gives its page, as PushSubscription.toJSON() names it.
  subscription(path) {
    return {
      endpoint: this.origin + path,
      p256dh: this.#browser.getPublicKey("base64url"),
      auth: this.#secret.toString("base64url"),
    };
  }

  take(request, response) {
    const pieces = [];
    request.on("data", (piece) => pieces.push(piece));
    request.on("end", () => {
      this.received.push({ path: request.url, headers: request.headers, body: Buffer.concat(pieces) });
      response.writeHead(this.status).end();
    });
  }
  at(path) {
    return this.received.filter((one) => one.path === path);
  }

  // What the service worker would be given.
  text_of({ body }) {
    const salt = body.subarray(0, 16);
    const sender = body.subarray(21, 21 + body[20]);
    const sealed = body.subarray(21 + body[20]);
    const info = Buffer.concat([Buffer.from("WebPush: info\0"), this.#browser.getPublicKey(), sender]);
    const ikm = hkdfSync("sha256", this.#browser.computeSecret(sender), this.#secret, info, 32);
    const derived = (label, size) =>
      Buffer.from(hkdfSync("sha256", Buffer.from(ikm), salt, `Content-Encoding: ${label}\0`, size));
    const cipher = createDecipheriv("aes-128-gcm", derived("aes128gcm", 16), derived("nonce", 12));
    cipher.setAuthTag(sealed.subarray(-16));
    const record = Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]);
    return record.subarray(0, record.lastIndexOf(2)).toString();
  }
  // The claims of whoever sent it, signed with `key`, or an error.
  claims_of({ headers }, key) {
    const [, token, sent_key] = /^vapid t=([^,]+), k=(.+)$/.exec(headers.authorization);
    if (sent_key !== key) throw new Error("another key than the browser subscribed with");
    const point = Buffer.from(key, "base64url");
    const coordinate = (from) => point.subarray(from, from + 32).toString("base64url");
    const jwk = { kty: "EC", crv: "P-256", x: coordinate(1), y: coordinate(33) };
    const [head, claims, signature] = token.split(".");
    const signer = { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" };
    if (!verify("sha256", Buffer.from(`${head}.${claims}`), signer, Buffer.from(signature, "base64url"))) {
      throw new Error("the signature is another's");
    }
    return JSON.parse(Buffer.from(claims, "base64url"));
  }
}

// What klieg-signature has to be.
export const signature_of = (secret, { headers, body }) =>
  `v1=${createHmac("sha256", Buffer.from(secret, "hex")).update(`${headers["klieg-timestamp"]}.`).update(body).digest("hex")}`;
