/**
 * The pages of the fan-out: bots register and remove themselves, followers subscribe and unsubscribe, and so may the other
 * side and those that manage the relay. A change is in force when its answer is sent.
 * Belongs to the thread of the fan-out; no state.
 *
 * @module
 */
import { type NewSubscription, type Registry, RegistryAwayError } from "../../lib/fanout/registry.ts";
import type { SecretSeal } from "../../lib/fanout/sealed_secret.ts";
import { secretKeyOf } from "../../lib/fanout/shared_secret.ts";
import { FANOUT_PAGE_ROWS, FANOUT_SECRET_CHARS_MAX } from "../../lib/limits.ts";
import { isHex64 } from "../../lib/nostr/event.ts";
import { type ActorPage, pageReply } from "../../runtime/page_server.ts";
import type { PageAsked, PageReply, Proof } from "../../wire/pages.ts";
import { readBot } from "./registration.ts";

/** What it works with. */
interface PageParts {
  readonly registry: Registry;
  readonly seal: SecretSeal;
  /** The relay's public key, or null. */
  readonly platformPubkey: string | null;
  /** Takes in what has changed: nothing that was withdrawn is sent after that. */
  readonly changed: () => Promise<void>;
}

/** A refusal; becomes its answer. */
class PageRefusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The rows for `PageServer`. */
export function fanoutPages(parts: PageParts): ActorPage[] {
  const page = (method: ActorPage["method"], path: string, answer: ActorPage["answer"]): ActorPage => ({
    method,
    path,
    answer: (asked, parameters) => answered(() => answer(asked, parameters)),
  });
  return [
    page("POST", "/api/bots/register", (asked) => register(asked, parts)),
    page("DELETE", "/api/bots/:bot", (asked, { bot }) => unregister(asked, bot!, parts)),
    page("POST", "/api/subscriptions", (asked) => subscribe(asked, parts)),
    page("DELETE", "/api/subscriptions", (asked) => unsubscribe(asked, parts)),
    page("GET", "/api/subscriptions/:bot", (asked, { bot }) => followers(asked, bot!, parts)),
  ];
}

/** While the registry is away nobody knows what it holds, or whether it did what it was asked. */
async function answered(answer: () => PageReply | Promise<PageReply>): Promise<PageReply> {
  try {
    return await answer();
  } catch (error) {
    if (error instanceof PageRefusal) return done(false, error.message, error.status);
    if (!(error instanceof RegistryAwayError)) throw error;
    return {
      ...done(false, "Cannot use registry: it does not answer", 503),
      headers: { "Retry-After": "5" },
    };
  }
}

async function register(
  asked: PageAsked,
  { registry, platformPubkey, changed }: PageParts,
): Promise<PageReply> {
  const bot = readBot(bodyOf(asked));
  if (typeof bot === "string") throw new PageRefusal(400, `Cannot register bot: ${bot}`);
  allow(asked.proof, [bot.pubkey], "register this bot");
  if (await registry.register(bot) === "full") {
    throw new PageRefusal(507, "Cannot register bot: the registry is full");
  }
  await changed();
  return pageReply({ success: true, message: "bot registered", platform_pubkey: platformPubkey });
}

async function unregister(
  { proof }: PageAsked,
  bot: string,
  { registry, changed }: PageParts,
): Promise<PageReply> {
  allow(proof, [bot], "remove this bot");
  if (!await registry.unregister(bot)) {
    throw new PageRefusal(404, `Cannot remove bot "${shown(bot)}": there is none`);
  }
  await changed();
  return done(true, "bot removed");
}

async function subscribe(asked: PageAsked, { registry, changed, ...parts }: PageParts): Promise<PageReply> {
  const subscription = readSubscription(asked, parts);
  const result = await registry.subscribe(subscription);
  if (result === "unknown bot") {
    throw new PageRefusal(400, `Cannot subscribe to bot "${subscription.bot}": it is not registered`);
  }
  if (result === "full") {
    throw new PageRefusal(507, "Cannot subscribe: the follower, or the bot, has as many as it may");
  }
  await changed();
  return done(true, "subscription saved");
}

function readSubscription(
  asked: PageAsked,
  { seal, platformPubkey }: Pick<PageParts, "seal" | "platformPubkey">,
) {
  const { bot, follower, secret } = readPair(asked);
  if (secret === null && platformPubkey === null) {
    throw new PageRefusal(
      400,
      "Cannot subscribe: shared_secret is missing, and the relay has no key for nip44",
    );
  }
  allow(asked.proof, [bot, follower], "subscribe this follower");
  const owner = { bot, follower };
  return {
    ...owner,
    sealed: secret === null ? null : seal.seal(secretKeyOf(secret), owner),
    since: Date.now(),
    isByBot: asked.proof.key === bot && bot !== follower,
  } satisfies NewSubscription;
}

async function unsubscribe(asked: PageAsked, { registry, changed }: PageParts): Promise<PageReply> {
  const { bot, follower } = readPair(asked);
  allow(asked.proof, [bot, follower], "end this subscription");
  if (!await registry.unsubscribe(bot, follower)) {
    throw new PageRefusal(404, "Cannot end subscription: there is none of this bot and follower");
  }
  await changed();
  return done(true, "subscription ended");
}

/** In pages: `?after=` the last key of the page before. */
async function followers(
  { proof, query }: PageAsked,
  bot: string,
  { registry }: PageParts,
): Promise<PageReply> {
  allow(proof, [bot], "list this bot's followers");
  const after = new URLSearchParams(query).get("after") ?? "";
  if (after !== "" && !isHex64(after)) {
    throw new PageRefusal(400, "Cannot list followers: after is not a public key");
  }
  const keys = await registry.followersOf(bot, { after, max: FANOUT_PAGE_ROWS });
  return pageReply({ subscriptions: keys.map((follower_pubkey) => ({ follower_pubkey })) });
}

function readPair(asked: PageAsked): { bot: string; follower: string; secret: string | null } {
  const { bot_pubkey: bot, follower_pubkey: follower, shared_secret: secret = null } = bodyOf(asked);
  if (!isHex64(bot)) {
    throw new PageRefusal(400, "Cannot read request: bot_pubkey is not 64 lowercase hex digits");
  }
  if (!isHex64(follower)) {
    throw new PageRefusal(400, "Cannot read request: follower_pubkey is not 64 lowercase hex digits");
  }
  if (secret !== null && !isSecret(secret)) {
    const most = FANOUT_SECRET_CHARS_MAX;
    throw new PageRefusal(400, `Cannot read request: shared_secret is not a text of 1 to ${most} characters`);
  }
  return { bot, follower, secret };
}

function isSecret(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= FANOUT_SECRET_CHARS_MAX;
}

function bodyOf({ body }: PageAsked): Record<string, unknown> {
  let value: unknown = null;
  try {
    value = JSON.parse(body);
  } catch {
    // Told below.
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new PageRefusal(400, "Cannot read request: its body is no JSON object");
}

function allow({ key, isAdmin }: Proof, keys: readonly string[], what: string): void {
  if (isAdmin || (key !== null && keys.includes(key))) return;
  throw new PageRefusal(403, `Cannot ${what}: the request proves another key`);
}

function done(success: boolean, message: string, status = 200): PageReply {
  return pageReply({ success, message }, status);
}

function shown(key: string): string {
  return key.slice(0, 64);
}
