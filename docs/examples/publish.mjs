// Publishes an invalidation from Node 18 or newer, without a package.
//
//   AGGREGATOR_URL=http://127.0.0.1:8081 PUBLISHER_KEY=… node publish.mjs user:42 posts-of:42
//
// With PUBLISHER=users it does not send the key, but signs with it.

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { signed } from "./sign.mjs";

// Resolves to the position once the tags are in the log; call it after the commit. While the aggregator or its log is
// away it tries again, with the same id, for `deadline` milliseconds.
export async function invalidate(tags, { url, key, publisher, id = randomUUID(), deadline = 30_000 }) {
  const target = `${url}/invalidations`, body = JSON.stringify({ tags, id });
  const proof = () => publisher ? signed({ url: target, body, publisher, key }) : { authorization: `Bearer ${key}` };
  const until = Date.now() + deadline;
  for (let wait = 100; ; wait = Math.min(2 * wait, 2_000)) {
    const problem = await attempt(target, body, proof());
    if (problem.position) return problem.position;
    if (problem.final || Date.now() + wait > until) throw new Error(`${tags} not invalidated: ${problem.detail}`);
    await sleep(wait * (0.5 + Math.random() / 2));
  }
}

async function attempt(target, body, proof) {
  const headers = { ...proof, "content-type": "application/json" };
  try {
    const response = await fetch(target, { method: "POST", headers, body, signal: AbortSignal.timeout(5_000) });
    const told = await response.json();
    return response.ok ? told : { detail: told.detail, final: response.status < 500 };
  } catch (error) {
    return { detail: error.cause?.message ?? error.message };
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { AGGREGATOR_URL: url, PUBLISHER_KEY: key, PUBLISHER: publisher } = process.env;
  console.log(await invalidate(process.argv.slice(2), { url, key, publisher }));
}
