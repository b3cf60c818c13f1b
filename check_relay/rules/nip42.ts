/**
 * NIP-42: what proves a key and what does not, for several keys too.
 * Runs in the process of the checker; no state.
 *
 * @module
 */
import type { RelayConnection } from "../connection.ts";
import { brief, demand, NotApplicable, type Rule } from "../rule.ts";
import { type Event, now, type Template } from "../signer.ts";
import { type Subject, within } from "../subject.ts";

/** Whether the relay sends a challenge by itself, or when something needs one. */
async function challenged(relay: Subject): Promise<RelayConnection> {
  const connection = await relay.connect();
  if (connection.challenge !== undefined) return connection;
  const isChallenge = connection.next(([type]) => type === "AUTH");
  // Relays that ask when it is needed do so for a protected event or a private message.
  connection.send(["REQ", "private", { kinds: [4, 1059], limit: 1 }]);
  connection.send(["EVENT", relay.sign(relay.key(), { tags: [["-"]] })]);
  await isChallenge;
  if (connection.challenge === undefined) {
    await connection.close();
    throw new NotApplicable("no challenge came, and nothing that was tried needs one");
  }
  return connection;
}

async function challenges(relay: Subject): Promise<string> {
  await using first = await challenged(relay);
  await using second = await challenged(relay);
  demand(first.challenge !== second.challenge, "two connections got the same challenge");
  return `a challenge of ${first.challenge!.length} characters, another one on another connection`;
}

async function accepts(relay: Subject): Promise<string> {
  await using connection = await challenged(relay);
  const ok = await connection.offer(await relay.proof(connection, relay.key()), "AUTH");
  demand(ok[2] === true, `a right proof was answered ${brief(ok)}`);
  return brief(ok);
}

/** Sends a wrong proof, which must be refused. */
async function refuses(
  relay: Subject,
  change: (connection: RelayConnection) => Template | ((proof: Event) => Event),
): Promise<string> {
  await using connection = await challenged(relay);
  const changes = change(connection);
  const proof = typeof changes === "function"
    ? changes(await relay.proof(connection, relay.key()))
    : await relay.proof(connection, relay.key(), changes);
  const ok = await connection.offer(proof, "AUTH");
  demand(ok[2] === false, `accepted: ${brief(ok)}`);
  return brief(ok);
}

async function wrongChallenge(relay: Subject): Promise<string> {
  await using other = await challenged(relay);
  const tags = (challenge: string) => [["relay", relay.relayUrl], ["challenge", challenge]];
  await refuses(relay, () => ({ tags: [["relay", relay.relayUrl]] }));
  await refuses(relay, () => ({ tags: tags("") }));
  return await refuses(relay, () => ({ tags: tags(other.challenge!) }));
}

async function wrongRelay(relay: Subject): Promise<string> {
  const tags = (
    connection: RelayConnection,
    url: string,
  ) => [["relay", url], ["challenge", connection.challenge!]];
  await refuses(relay, (connection) => ({ tags: [["challenge", connection.challenge!]] }));
  return await refuses(relay, (connection) => ({ tags: tags(connection, "wss://elsewhere.example.org/") }));
}

async function wrongTime(relay: Subject): Promise<string> {
  await refuses(relay, () => ({ created_at: now() - 86_400 }));
  return await refuses(relay, () => ({ created_at: now() + 86_400 }));
}

function wrongSignature(relay: Subject): Promise<string> {
  return refuses(relay, () => (proof) => ({ ...proof, sig: "0".repeat(128) }));
}

async function malformed(relay: Subject): Promise<string> {
  for (const message of [["AUTH"], ["AUTH", 5], ["AUTH", {}], ["AUTH", "challenge"], ["AUTH", null]]) {
    await using connection = await challenged(relay);
    connection.send(message);
    connection.send(["REQ", "after", { kinds: [1], limit: 1 }]);
    const answer = await connection.next(([type, id]) =>
      id === "after" && (type === "EOSE" || type === "CLOSED")
    );
    demand(answer !== null || connection.isOver, `after ${brief(message)} a REQ has no answer`);
  }
  return "five malformed AUTH messages harm nothing";
}

async function severalKeys(relay: Subject): Promise<string> {
  if (!relay.lists(70)) {
    throw new NotApplicable("told apart by protected events, and supported_nips has no 70");
  }
  await using writer = await relay.writer();
  const keys = [relay.key(), relay.key(), relay.key()];
  if (writer.challenge === undefined) {
    await writer.offer(relay.sign(keys[0]!, { tags: [["-"]] }));
  }
  for (const key of keys) {
    const ok = await writer.offer(await relay.proof(writer, key), "AUTH");
    demand(ok[2] === true, `the proof of key ${keys.indexOf(key) + 1} was answered ${brief(ok)}`);
  }
  const answers = [];
  for (const key of keys) answers.push(await writer.offer(relay.sign(key, { tags: [["-"]] })));
  if (answers.every((ok) => ok[2] === false)) {
    throw new NotApplicable(`no protected event is taken: ${brief(answers[0])}`);
  }
  const refused = answers.findIndex((ok) => ok[2] !== true);
  demand(refused < 0, `key ${refused + 1} of 3 counts for nothing: ${brief(answers[refused])}`);
  return "three keys on one connection, each may publish its protected event";
}

async function notBroadcast(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  await using reader = await relay.join();
  const key = relay.key();
  await reader.subscribe("all", { authors: [key.pubkey] });
  const tags = [["relay", relay.relayUrl], ["challenge", "x"]];
  writer.send(["EVENT", relay.sign(key, { kind: 22_242, tags })]);
  const last = relay.sign(key);
  await relay.store(writer, last);
  await reader.live("all", last.id);
  demand(reader.drain("all").length === 0, "the kind 22242 event was sent to a subscriber");
  await relay.find(writer, { authors: [key.pubkey] }, [last.id]);
  return "neither live nor stored";
}

async function prefixes(relay: Subject): Promise<string> {
  await using connection = await relay.connect();
  await within(connection.next(([type]) => type === "AUTH", 500), 500);
  const event = relay.sign(relay.key(), { tags: [["-"]] });
  const ok = await connection.offer(event);
  const { end } = await connection.ask({ kinds: [1059], "#p": [event.pubkey], limit: 1 });
  const gates = [ok[2] === false ? String(ok[3]) : null, end[0] === "CLOSED" ? String(end[2]) : null];
  // Not "only authors on the list": such a refusal is about who wrote it, and no AUTH would help.
  const texts = gates.filter((text) => text !== null && /\bauth(?!or)/i.test(text));
  if (texts.length === 0) throw new NotApplicable("nothing that was tried asks for AUTH");
  const wrong = texts.find((text) => !text!.startsWith("auth-required: "));
  demand(wrong === undefined, `refused with ${brief(wrong)}`);
  return brief(texts);
}

const DEFINITION = "Canonical authentication event";
const VERIFICATION = "Signed Event Verification";
const rule = { nip: 42, section: VERIFICATION, level: "required" } as const;

export const NIP42_RULES: readonly Rule[] = [
  {
    ...rule,
    id: "42/challenge",
    section: "New client-relay protocol messages",
    says: "The relay sends a challenge, at once or when something needs it.",
    check: challenges,
  },
  {
    ...rule,
    id: "42/proof-accepted",
    section: "New client-relay protocol messages",
    says: "AUTH is answered with OK, and a right one with true.",
    check: accepts,
  },
  {
    ...rule,
    id: "42/challenge-checked",
    says: "The challenge tag is the one that was sent on this connection.",
    check: wrongChallenge,
  },
  { ...rule, id: "42/relay-checked", says: "The relay tag names this relay.", check: wrongRelay },
  { ...rule, id: "42/time-checked", says: "created_at is close to now.", check: wrongTime },
  {
    ...rule,
    id: "42/kind-checked",
    says: "The kind is 22242.",
    check: (relay) => refuses(relay, () => ({ kind: 1 })),
  },
  {
    ...rule,
    id: "42/signature-checked",
    section: DEFINITION,
    says: "The proof is a signed event: a wrong signature proves nothing.",
    check: wrongSignature,
  },
  {
    ...rule,
    id: "42/several-keys",
    section: "New client-relay protocol messages",
    says: "All keys that were proved on a connection are authenticated.",
    check: severalKeys,
  },
  {
    ...rule,
    id: "42/not-broadcast",
    section: DEFINITION,
    says: "Events of kind 22242 are sent to nobody.",
    check: notBroadcast,
  },
  {
    ...rule,
    id: "42/auth-required-prefix",
    section: "OK and CLOSED machine-readable prefixes",
    says: "What needs AUTH is refused with `auth-required: ` at the front of OK and CLOSED.",
    check: prefixes,
  },
  {
    ...rule,
    id: "42/bad-input",
    level: "advised",
    section: "New client-relay protocol messages",
    says: "A malformed AUTH harms nothing else.",
    check: malformed,
  },
];
