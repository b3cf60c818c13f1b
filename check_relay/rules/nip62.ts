/**
 * NIP-62: a request to vanish leaves nothing, and nothing comes back.
 * Runs in the process of the checker; no state.
 *
 * @module
 */
import type { RelayConnection } from "../connection.ts";
import { brief, demand, type Rule } from "../rule.ts";
import { type Event, type Key, now } from "../signer.ts";
import type { Subject } from "../subject.ts";

function vanish(relay: Subject, key: Key, where: string | null, created_at = now() - 10): Event {
  const tags = where === null ? [] : [["relay", where]];
  return relay.sign(key, { kind: 62, tags, created_at, content: "please forget me" });
}

/** Notes, a profile and a deletion request of a key, all older than a request to vanish. */
async function live(relay: Subject, writer: RelayConnection, key: Key): Promise<Event[]> {
  const at = (age: number) => now() - age;
  const events = [
    relay.sign(key, { content: "a note", created_at: at(60) }),
    relay.sign(key, { kind: 0, content: "{}", created_at: at(50) }),
    relay.sign(key, { kind: 30_023, tags: [["d", "x"]], created_at: at(40) }),
    relay.sign(key, { kind: 5, tags: [["e", "1".repeat(64)]], created_at: at(30) }),
  ];
  await relay.store(writer, ...events);
  return events;
}

async function demandGone(
  relay: Subject,
  writer: RelayConnection,
  key: Key,
  events: readonly Event[],
): Promise<void> {
  const kinds = [0, 1, 5, 30_023];
  await relay.find(writer, { authors: [key.pubkey], kinds }, []);
  await relay.find(writer, { ids: events.map(({ id }) => id) }, []);
}

async function vanishes(relay: Subject, where: string): Promise<string> {
  await using writer = await relay.writer();
  const [key, other] = [relay.key(), relay.key()];
  const events = await live(relay, writer, key);
  const neighbour = relay.sign(other, { tags: [["p", key.pubkey]] });
  await relay.store(writer, neighbour);
  await relay.accept(writer, vanish(relay, key, where));
  await demandGone(relay, writer, key, events);
  await relay.find(writer, { ids: [neighbour.id] }, [neighbour.id]);
  return "a note, a profile, an article and a deletion request are gone; another key's note stays";
}

async function elsewhere(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const key = relay.key();
  const events = await live(relay, writer, key);
  await relay.publish(writer, vanish(relay, key, "wss://elsewhere.example.org/"));
  await writer.settled();
  await relay.find(writer, { authors: [key.pubkey], kinds: [0, 1, 5, 30_023] }, events.map(({ id }) => id));
  return "a request to another relay changes nothing";
}

async function comesNotBack(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const key = relay.key();
  const events = await live(relay, writer, key);
  await relay.accept(writer, vanish(relay, key, relay.relayUrl));
  const unsent = relay.sign(key, { content: "older, and never sent before", created_at: now() - 100 });
  for (const event of [...events, unsent]) await relay.publish(writer, event);
  await writer.settled();
  await demandGone(relay, writer, key, [...events, unsent]);
  return "neither what was deleted nor what is older comes back";
}

async function isFinal(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const key = relay.key();
  const events = await live(relay, writer, key);
  const request = vanish(relay, key, relay.relayUrl);
  await relay.accept(writer, request);
  await relay.publish(writer, relay.sign(key, { kind: 5, tags: [["e", request.id], ["k", "62"]] }));
  for (const event of events) await relay.publish(writer, event);
  await writer.settled();
  await relay.find(writer, { ids: events.map(({ id }) => id) }, []);
  return "a deletion request against it has no effect";
}

async function laterEvents(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const key = relay.key();
  await relay.accept(writer, vanish(relay, key, relay.relayUrl, now() - 60));
  const later = relay.sign(key, { content: "a new life" });
  await relay.store(writer, later);
  return "an event after the request is accepted";
}

async function wraps(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const key = relay.key();
  const wrap = relay.sign(relay.key(), {
    kind: 1059,
    tags: [["p", key.pubkey]],
    content: "x",
    created_at: now() - 60,
  });
  const ok = await relay.publish(writer, wrap);
  demand(ok[2] === true, `a gift wrap was answered ${brief(ok)}`);
  await relay.accept(writer, vanish(relay, key, relay.relayUrl));
  await using reader = await relay.connect();
  if (relay.lists(42)) {
    if (reader.challenge === undefined) reader.send(["REQ", "challenge-me", { kinds: [1059], limit: 1 }]);
    await relay.authenticate(reader, key);
  }
  await relay.find(reader, { kinds: [1059], "#p": [key.pubkey] }, []);
  return "gift wraps to the key are gone";
}

async function withoutRelay(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const key = relay.key();
  const events = await live(relay, writer, key);
  const ok = await relay.publish(writer, vanish(relay, key, null));
  await writer.settled();
  await relay.find(writer, { authors: [key.pubkey], kinds: [0, 1, 5, 30_023] }, events.map(({ id }) => id));
  return `it deletes nothing; answered ${brief(ok)}`;
}

const RELAY = "Request to Vanish from Relay";
const rule = { nip: 62, section: RELAY, level: "required" } as const;

export const NIP62_RULES: readonly Rule[] = [
  {
    ...rule,
    id: "62/vanish",
    says: "Everything of the key is deleted, deletion requests too.",
    check: (relay) => vanishes(relay, relay.relayUrl),
  },
  {
    ...rule,
    id: "62/all-relays",
    section: "Global Request to Vanish",
    says: "ALL_RELAYS means this one too.",
    check: (relay) => vanishes(relay, "ALL_RELAYS"),
  },
  {
    ...rule,
    id: "62/other-relay",
    says: "A request that names another relay is for that one.",
    check: elsewhere,
  },
  {
    ...rule,
    id: "62/comes-not-back",
    says: "Deleted events cannot be published again.",
    check: comesNotBack,
  },
  {
    ...rule,
    id: "62/is-final",
    says: "A deletion request against a request to vanish has no effect.",
    check: isFinal,
  },
  {
    ...rule,
    id: "62/until-created-at",
    level: "advised",
    says: "The request reaches until its created_at: later events are new.",
    check: laterEvents,
  },
  {
    ...rule,
    id: "62/gift-wraps",
    level: "advised",
    says: "Gift wraps that p-tag the key are deleted.",
    check: wraps,
  },
  {
    ...rule,
    id: "62/relay-tag",
    level: "advised",
    says: "A request has a relay tag; without one it is none.",
    check: withoutRelay,
  },
];
