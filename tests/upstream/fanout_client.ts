/**
 * A bot's and a follower's side of the fan-out, as a client writes it: requests that prove a key, a socket that does, and
 * the decryption of what it brings, by other libraries than the relay's.
 * Runs on a test's thread; a socket belongs to the test that opened it.
 *
 * @module
 */
import { createDecipheriv, createHash } from "node:crypto";
import { decrypt, getConversationKey } from "nostr-tools/nip44";
import { assert, assertEquals } from "@std/assert";
import { connect, type TestClient } from "../support/client.ts";
import type { TestRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, type TestKey, testKey } from "../support/sign.ts";

/** The relay's own key, and those of the people of the tests. */
export const RELAY_KEY = testKey(900);
export const ADMIN = testKey(901);
export const BOT = testKey(902);
export const [ANN, BEN, EVE] = [testKey(903), testKey(904), testKey(905)];
/** What followers share with bots. */
export const SECRETS = new Map([[ANN, "ann's own secret"], [BEN, "ben's own secret ü"]]);
/** `API_TOKEN`. */
export const TOKEN = "a token of the operator";
/** The settings of a relay with a fan-out. */
export const FANOUT_ENV = {
  FANOUT: "true",
  RELAY_SECRET_KEY: RELAY_KEY.secret.toHex(),
  RELAY_ADMINS: ADMIN.pubkey,
  API_TOKEN: TOKEN,
  LOG_LEVEL: "debug",
};

let published = 0;

/** A signal that no other replaces. */
export function signal(
  content: string,
  more: { tags?: string[][]; kind?: number; key?: TestKey } = {},
): TestEvent {
  const { tags = [], kind = 30_931, key = BOT } = more;
  return signEvent(key, { kind, content, tags: [["d", String(++published)], ...tags] });
}

/** Registers a bot by its key. */
export async function register(relay: TestRelay, key = BOT) {
  return await api(relay, "POST /api/bots/register", { key, body: { bot_pubkey: key.pubkey, name: "bot" } });
}

/** Subscribes a follower, as itself by default. */
export async function subscribe(
  relay: TestRelay,
  follower: TestKey,
  more: { bot?: TestKey; by?: TestKey } = {},
) {
  const { bot = BOT, by = follower } = more;
  const body = {
    bot_pubkey: bot.pubkey,
    follower_pubkey: follower.pubkey,
    shared_secret: SECRETS.get(follower) ?? "secret",
  };
  return await api(relay, "POST /api/subscriptions", { key: by, body });
}

/** Ends a follower's subscription. */
export async function unsubscribe(relay: TestRelay, follower: TestKey) {
  const body = { bot_pubkey: BOT.pubkey, follower_pubkey: follower.pubkey };
  return await api(relay, "DELETE /api/subscriptions", { key: follower, body });
}

/** Publishes an event that is accepted. */
export async function publish(client: TestClient, event: TestEvent): Promise<TestEvent> {
  const [, , accepted, reason] = await client.publish(event);
  assert(accepted, reason);
  return event;
}

/** The next frame's text, as its follower decrypts it by the shared secret. */
export async function nextText(follower: TestFollower): Promise<string> {
  const { payload, target_pubkey } = await follower.next();
  assertEquals(target_pubkey, follower.key.pubkey);
  return decryptBySecret(payload!, SECRETS.get(follower.key)!);
}

/** What a frame of `/fanout` says. */
interface FanoutFrame {
  readonly target_pubkey: string;
  readonly bot_pubkey: string;
  readonly kind: number;
  readonly original_event_id: string;
  readonly payload: string | null;
  readonly seq: number;
  readonly encryption: string;
  readonly error?: string;
}

/** An answer of a page. */
interface ApiAnswer {
  readonly status: number;
  // deno-lint-ignore no-explicit-any -- tests look at what there is
  readonly body: any;
  readonly headers: Headers;
}

/** One request, which proves a key unless that is null. */
export async function api(
  relay: TestRelay,
  request: string,
  { key = null, body, headers = {} }: {
    key?: TestKey | null;
    body?: unknown;
    headers?: Record<string, string>;
  },
): Promise<ApiAnswer> {
  const [method, path] = request.split(" ") as [string, string];
  const text = body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body);
  const url = relay.httpUrl + path;
  const proof = key === null ? {} : { Authorization: httpProof(key, { url, method, body: text }) };
  const response = await fetch(url, { method, headers: { ...proof, ...headers }, body: text });
  return { status: response.status, body: await response.json(), headers: response.headers };
}

let proofs = 0;

/** The `Authorization` header that proves a key for one request (NIP-98). */
export function httpProof(
  key: TestKey,
  { url, method, body = null }: { url: string; method: string; body?: string | null },
): string {
  const tags = [["u", url], ["method", method], ["n", String(++proofs)]];
  if (body !== null) tags.push(["payload", createHash("sha256").update(body).digest("hex")]);
  return `Nostr ${btoa(JSON.stringify(signEvent(key, { kind: 27_235, tags })))}`;
}

/** A follower that has proved its key (NIP-42). */
export class TestFollower implements AsyncDisposable {
  readonly client: TestClient;
  readonly key: TestKey;

  constructor(client: TestClient, key: TestKey) {
    this.client = client;
    this.key = key;
  }

  /** The next frame. */
  async next(): Promise<FanoutFrame> {
    const [, text] = await this.client.next(([type]) => type === "?");
    return JSON.parse(text as string);
  }

  /** Frames that nobody took. */
  get frames(): number {
    return this.client.inbox.filter(([type]) => type === "?").length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
  }
}

/** Opens a follower's socket and proves its key. */
export async function follow(relay: TestRelay, key: TestKey, query = ""): Promise<TestFollower> {
  const client = await connect(`${relay.url}/fanout${query}`);
  const challenge = (await client.nextOfType("AUTH"))[1] as string;
  const [, , accepted, reason] = await client.authenticate(authEvent(relay, key, challenge));
  if (!accepted) throw new Error(`Cannot prove key: ${reason}`);
  return new TestFollower(client, key);
}

/** An event that proves a key to a relay (NIP-42). */
export function authEvent(relay: TestRelay, key: TestKey, challenge: string): TestEvent {
  return signEvent(key, { kind: 22_242, tags: [["relay", relay.url], ["challenge", challenge]] });
}

/** As the documents of the format say: nonce of 12 bytes, cipher text, tag; the key is the secret's SHA-256. */
export function decryptBySecret(payload: string, secret: string): string {
  const bytes = Uint8Array.fromBase64(payload);
  const key = createHash("sha256").update(secret, "utf8").digest();
  const cipher = createDecipheriv("chacha20-poly1305", key, bytes.subarray(0, 12), { authTagLength: 16 });
  cipher.setAuthTag(bytes.subarray(-16));
  const text = cipher.update(bytes.subarray(12, -16));
  cipher.final();
  return new TextDecoder().decode(text);
}

/** NIP-44, by the follower's secret key and the relay's public key. */
export function decryptByKey(payload: string, key: TestKey, platformPubkey: string): string {
  return decrypt(payload, getConversationKey(key.secret, platformPubkey));
}
