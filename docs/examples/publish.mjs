// Publishes an invalidation from Node 18 or newer, without a package.
//
//   AGGREGATOR_URL=http://127.0.0.1:8081 PUBLISHER_KEY=… node publish.mjs user:42 posts-of:42

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

// Resolves to the position once the tags are in the log; call it after the commit. While the aggregator or its log is
// away it tries again, with the same id, for `deadline` milliseconds.
export async function invalidate(tags, { url, key, id = randomUUID(), deadline = 30_000 }) {
  const request = {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ tags, id }),
  };
  const until = Date.now() + deadline;
  for (let wait = 100; ; wait = Math.min(2 * wait, 2_000)) {
    const problem = await attempt(`${url}/invalidations`, request);
    if (problem.position) return problem.position;
    if (problem.final || Date.now() + wait > until) throw new Error(`${tags} not invalidated: ${problem.detail}`);
    await sleep(wait * (0.5 + Math.random() / 2));
  }
}

async function attempt(target, request) {
  try {
    const response = await fetch(target, { ...request, signal: AbortSignal.timeout(5_000) });
    const told = await response.json();
    return response.ok ? told : { detail: told.detail, final: response.status < 500 };
  } catch (error) {
    return { detail: error.cause?.message ?? error.message };
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { AGGREGATOR_URL: url, PUBLISHER_KEY: key } = process.env;
  console.log(await invalidate(process.argv.slice(2), { url, key }));
}
