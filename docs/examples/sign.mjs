// Signs a POST by RFC 9421, for Node 18 or newer, without a package: the headers that a request has to have beside its
// body. Sign each try anew: a request is taken once.

import { createHash, createHmac, randomUUID, sign } from "node:crypto";

// key: the secret, or an Ed25519 private key in PEM. url: path and query stand in it as they are sent.
export function signed({ url, body, publisher, key, created = Math.floor(Date.now() / 1000), nonce = randomUUID() }) {
  const { pathname, search } = new URL(url);
  const digest = `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
  const covered = `("@method" "@path" "@query" "content-digest")`;
  const parameters = `${covered};created=${created};keyid="${publisher}";nonce="${nonce}"`;
  const base = [
    `"@method": POST`,
    `"@path": ${pathname}`,
    `"@query": ${search || "?"}`,
    `"content-digest": ${digest}`,
    `"@signature-params": ${parameters}`,
  ].join("\n");
  return {
    "content-digest": digest,
    "signature-input": `sig=${parameters}`,
    signature: `sig=:${signatureOf(base, key).toString("base64")}:`,
  };
}

function signatureOf(base, key) {
  if (key.startsWith("-----BEGIN ")) return sign(null, Buffer.from(base), key);
  return createHmac("sha256", key).update(base).digest();
}
