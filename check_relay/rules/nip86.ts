/**
 * NIP-86 and NIP-98: who may manage the relay, and that what is managed takes effect. The rules that manage need the
 * key of an admin; they ban one fresh key and lift the ban.
 * Runs in the process of the checker; no state.
 *
 * @module
 */
import { isObject } from "../information.ts";
import { brief, demand, NotApplicable, type Rule } from "../rule.ts";
import { freshKey, type Key, now, sha256, sign, type Template } from "../signer.ts";
import type { Subject } from "../subject.ts";

interface Reply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>> | null;
}

async function post(relay: Subject, body: string, authorization: string | null): Promise<Reply> {
  const response = await fetch(relay.httpUrl, {
    method: "POST",
    headers: {
      "Content-Type": "application/nostr+json+rpc",
      ...(authorization === null ? {} : { Authorization: authorization }),
    },
    body,
    signal: AbortSignal.timeout(relay.answerMs),
  });
  const text = await response.text();
  try {
    const value: unknown = JSON.parse(text);
    return { status: response.status, body: isObject(value) ? value : null };
  } catch {
    return { status: response.status, body: null };
  }
}

/** The value of an Authorization header for a POST of `body`; `changes` make it a wrong one. */
function authorizationOf(relay: Subject, key: Key, body: string, changes: Template = {}): string {
  const tags = [["u", relay.relayUrl], ["method", "POST"], ["payload", sha256(body)]];
  return `Nostr ${btoa(JSON.stringify(sign(key, { kind: 27_235, tags, ...changes })))}`;
}

function adminOf(relay: Subject): Key {
  if (relay.adminKey === undefined) throw new NotApplicable("no admin's key was given (--key)");
  return relay.adminKey;
}

/** Calls a method as the admin. */
async function call(relay: Subject, method: string, params: readonly unknown[] = []): Promise<unknown> {
  const body = JSON.stringify({ method, params });
  const reply = await post(relay, body, authorizationOf(relay, adminOf(relay), body));
  demand(
    reply.status === 200 && reply.body !== null,
    `${method}: HTTP ${reply.status}, ${brief(reply.body)}`,
  );
  demand(!reply.body.error, `${method}: ${brief(reply.body)}`);
  return reply.body.result;
}

const BODY = JSON.stringify({ method: "supportedmethods", params: [] });

async function unauthorized(relay: Subject): Promise<string> {
  const headers = [null, "Nostr", "Nostr !!!", "Bearer x", "Nostr e30="];
  for (const header of headers) {
    const { status, body } = await post(relay, BODY, header);
    demand(status === 401, `Authorization ${brief(header)}: HTTP ${status}, ${brief(body)}`);
  }
  return `${headers.length} requests without a valid event: 401`;
}

async function strangers(relay: Subject): Promise<string> {
  const { status, body } = await post(relay, BODY, authorizationOf(relay, freshKey(), BODY));
  demand(
    status === 401 || status === 403 || Boolean(body?.error),
    `a stranger got HTTP ${status}, ${brief(body)}`,
  );
  return `HTTP ${status}, ${brief(body)}`;
}

async function checks(relay: Subject): Promise<string> {
  const key = adminOf(relay);
  const tags = (
    u: string,
    method: string,
    body = BODY,
  ) => [["u", u], ["method", method], ["payload", sha256(body)]];
  const wrong: Record<string, Template> = {
    "kind 1": { kind: 1 },
    "an hour old": { created_at: now() - 3_600 },
    "an hour ahead": { created_at: now() + 3_600 },
    "another URL": { tags: tags("https://elsewhere.example.org/", "POST") },
    "another method": { tags: tags(relay.relayUrl, "GET") },
    "another body": { tags: tags(relay.relayUrl, "POST", "{}") },
    "no payload": { tags: tags(relay.relayUrl, "POST").slice(0, 2) },
  };
  for (const [name, changes] of Object.entries(wrong)) {
    const { status, body } = await post(relay, BODY, authorizationOf(relay, key, BODY, changes));
    demand(status === 401, `${name}: HTTP ${status}, ${brief(body)}`);
  }
  const right = await post(relay, BODY, authorizationOf(relay, key, BODY));
  demand(right.status === 200, `a right one: HTTP ${right.status}, ${brief(right.body)}`);
  return `401 for ${Object.keys(wrong).join(", ")}`;
}

async function methods(relay: Subject): Promise<string> {
  const result = await call(relay, "supportedmethods");
  demand(Array.isArray(result) && result.every((name) => typeof name === "string"), brief(result));
  return result.join(", ");
}

async function bans(relay: Subject): Promise<string> {
  const supported = await call(relay, "supportedmethods") as string[];
  for (const name of ["banpubkey", "unbanpubkey", "listbannedpubkeys"]) {
    if (!supported.includes(name)) throw new NotApplicable(`the relay has no ${name}`);
  }
  await using writer = await relay.writer();
  const key = relay.key();
  demand(await call(relay, "banpubkey", [key.pubkey, "a test"]) === true, "banpubkey did not answer true");
  try {
    const list = await call(relay, "listbannedpubkeys") as { pubkey: string }[];
    demand(list.some(({ pubkey }) => pubkey === key.pubkey), "listbannedpubkeys does not have the key");
    const ok = await relay.publish(writer, relay.sign(key));
    demand(ok[2] === false, `an event of a banned key was answered ${brief(ok)}`);
  } finally {
    await call(relay, "unbanpubkey", [key.pubkey]);
  }
  await relay.accept(writer, relay.sign(key));
  return "banned, listed, refused; lifted, accepted";
}

async function malformed(relay: Subject): Promise<string> {
  const key = adminOf(relay);
  const bodies = [
    "{",
    "[]",
    "{}",
    '{"method":5,"params":[]}',
    '{"method":"nonsense","params":[]}',
    '{"method":"banpubkey","params":["x"]}',
    '{"method":"banpubkey","params":{}}',
  ];
  for (const body of bodies) {
    const reply = await post(relay, body, authorizationOf(relay, key, body));
    const isRefused = reply.status >= 400 && reply.status < 500 || Boolean(reply.body?.error);
    demand(isRefused && reply.status < 500, `${body}: HTTP ${reply.status}, ${brief(reply.body)}`);
  }
  return `${bodies.length} wrong requests, each with an error`;
}

const rule = { nip: 86, section: "Authorization", level: "required" } as const;

export const NIP86_RULES: readonly Rule[] = [
  {
    ...rule,
    id: "86/unauthorized",
    level: "advised",
    says: "Without a valid Authorization the answer is 401.",
    check: unauthorized,
  },
  { ...rule, id: "86/strangers", says: "Who does not manage the relay may call nothing.", check: strangers },
  {
    ...rule,
    id: "98/checks",
    nip: 98,
    section: "Nostr event",
    says: "Kind, time, URL and method are checked, and by NIP-86 the body's hash.",
    check: checks,
  },
  {
    ...rule,
    id: "86/supportedmethods",
    section: "Relay Management API",
    says: "supportedmethods is an array of names.",
    check: methods,
  },
  {
    ...rule,
    id: "86/ban-takes-effect",
    section: "Relay Management API",
    says: "A banned key is listed and refused until it is unbanned.",
    check: bans,
  },
  {
    ...rule,
    id: "86/bad-input",
    section: "Relay Management API",
    level: "advised",
    says: "A call that makes no sense is answered with an error.",
    check: malformed,
  },
];
