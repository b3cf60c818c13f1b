/**
 * NIP-01, "Kinds": what is kept, what replaces what, what is only passed on.
 * Runs in the process of the checker; no state.
 *
 * @module
 */
import { brief, demand, type Rule } from "../rule.ts";
import { type Event, now } from "../signer.ts";
import type { Subject } from "../subject.ts";

const REPLACEABLE = [0, 3, 10_123] as const;
const ADDRESSABLE = 30_123;
const EPHEMERAL = 20_123;

async function regular(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const key = relay.key();
  const kinds = [1, 7, 40, 1_234, 9_999];
  const events = kinds.flatMap((kind) => ["a", "b"].map((content) => relay.sign(key, { kind, content })));
  await relay.store(writer, ...events);
  await relay.find(writer, { authors: [key.pubkey] }, events.map(({ id }) => id));
  return `two events each of kinds ${kinds.join(", ")} are all kept`;
}

/** Publishes versions in this order and demands that the one at `winner` is served, by key and kind and by its id. */
async function demandWinner(relay: Subject, versions: readonly Event[], winner: Event): Promise<void> {
  await using writer = await relay.writer();
  for (const version of versions) {
    const ok = await relay.publish(writer, version);
    demand(ok[2] === true || version !== winner, `the version to keep was refused: ${String(ok[3])}`);
  }
  const { kind, pubkey, tags } = winner;
  const d = tags.find(([name]) => name === "d")?.[1];
  await relay.find(writer, { authors: [pubkey], kinds: [kind], ...(d ? { "#d": [d] } : {}) }, [winner.id]);
}

/** Two versions of one replaceable or addressable event. */
function versions(relay: Subject, kind: number, ages: readonly [number, number]): [Event, Event] {
  const key = relay.key();
  const tags = kind === ADDRESSABLE ? [["d", crypto.randomUUID()]] : [];
  const content = (i: number) => kind === 0 ? `{"name":"${i}"}` : `version ${i}`;
  const [a, b] = ages.map((age, i) =>
    relay.sign(key, { kind, tags, content: content(i), created_at: now() - age })
  );
  return [a!, b!];
}

async function newestWins(relay: Subject, kinds: readonly number[]): Promise<string> {
  for (const kind of kinds) {
    const [older, newer] = versions(relay, kind, [100, 50]);
    await demandWinner(relay, [older, newer], newer);
    const [older2, newer2] = versions(relay, kind, [100, 50]);
    await demandWinner(relay, [newer2, older2], newer2);
  }
  return `kinds ${kinds.join(", ")}, the newer one first and last`;
}

async function lowestIdWins(relay: Subject, kinds: readonly number[]): Promise<string> {
  for (const kind of kinds) {
    for (const lowestFirst of [true, false]) {
      const pair = versions(relay, kind, [50, 50]).sort((a, b) => a.id < b.id ? -1 : 1);
      await demandWinner(relay, lowestFirst ? pair : pair.toReversed(), pair[0]!);
    }
  }
  return `kinds ${kinds.join(", ")}, the lowest id first and last`;
}

async function addressesDiffer(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const [key, other] = [relay.key(), relay.key()];
  const tags = [["d", "one"]];
  const events = [
    relay.sign(key, { kind: ADDRESSABLE, tags }),
    relay.sign(key, { kind: ADDRESSABLE, tags: [["d", "one two"]] }),
    relay.sign(key, { kind: ADDRESSABLE + 1, tags }),
    relay.sign(other, { kind: ADDRESSABLE, tags }),
  ];
  await relay.store(writer, ...events);
  await relay.find(writer, { authors: [key.pubkey, other.pubkey] }, events.map(({ id }) => id));
  await relay.find(writer, { authors: [key.pubkey], kinds: [ADDRESSABLE], "#d": ["one"] }, [events[0]!.id]);
  return "other d (one a prefix of the other), other kind, other author: four events";
}

async function absentIsEmpty(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const key = relay.key();
  const older = relay.sign(key, { kind: ADDRESSABLE, created_at: now() - 100 });
  const newer = relay.sign(key, { kind: ADDRESSABLE, created_at: now() - 50, tags: [["d", ""]] });
  await relay.accept(writer, older, newer);
  await relay.find(writer, { authors: [key.pubkey] }, [newer.id]);
  return "an event without d is replaced by one with an empty d";
}

async function ephemeral(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  await using reader = await relay.join();
  const key = relay.key();
  await reader.subscribe("ephemeral", { authors: [key.pubkey] });
  const event = relay.sign(key, { kind: EPHEMERAL });
  // Whether there is an OK is another rule.
  writer.send(["EVENT", event]);
  await reader.live("ephemeral", event.id);
  return "delivered to who listens";
}

async function ephemeralAnswered(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  await using reader = await relay.join();
  const key = relay.key();
  await reader.subscribe("ephemeral", { authors: [key.pubkey] });
  const heard = await relay.publish(writer, relay.sign(key, { kind: EPHEMERAL }));
  demand(heard[2] === true, `somebody listens, and yet it was answered ${brief(heard)}`);
  const unheard = await relay.publish(writer, relay.sign(relay.key(), { kind: EPHEMERAL }));
  demand(unheard[2] === true || String(unheard[3]).startsWith("mute:"), `unheard: ${brief(unheard)}`);
  return `unheard: ${brief(unheard)}`;
}

async function ephemeralNotStored(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  await using reader = await relay.join();
  const key = relay.key();
  await reader.subscribe("ephemeral", { authors: [key.pubkey] });
  const [first, last] = [relay.sign(key, { kind: EPHEMERAL }), relay.sign(key)];
  writer.send(["EVENT", first]);
  await relay.store(writer, last);
  await relay.find(writer, { authors: [key.pubkey] }, [last.id]);
  return "not found by who asks later";
}

const rule = { nip: 1, section: "Kinds", level: "required" } as const;

export const NIP01_KIND_RULES: readonly Rule[] = [
  { ...rule, id: "01/regular-kept", says: "Regular events are all stored.", check: regular },
  {
    ...rule,
    id: "01/replaceable-newest",
    says: "Of a replaceable kind only the newest event of a key is kept.",
    check: (relay) => newestWins(relay, REPLACEABLE),
  },
  {
    ...rule,
    id: "01/replaceable-tie",
    level: "advised",
    says: "Of replaceable events with the same created_at the one with the lowest id is kept.",
    check: (relay) => lowestIdWins(relay, REPLACEABLE),
  },
  {
    ...rule,
    id: "01/addressable-newest",
    says: "Of an addressable kind only the newest event of a key and a d tag is kept.",
    check: (relay) => newestWins(relay, [ADDRESSABLE]),
  },
  {
    ...rule,
    id: "01/addressable-tie",
    level: "advised",
    says: "Of addressable events with the same created_at the one with the lowest id is kept.",
    check: (relay) => lowestIdWins(relay, [ADDRESSABLE]),
  },
  {
    ...rule,
    id: "01/addressable-apart",
    says: "Another kind, key or d tag is another address.",
    check: addressesDiffer,
  },
  {
    ...rule,
    id: "01/addressable-without-d",
    level: "advised",
    says: "An absent d tag is an empty one.",
    check: absentIsEmpty,
  },
  { ...rule, id: "01/ephemeral-live", says: "An ephemeral event reaches who listens.", check: ephemeral },
  {
    ...rule,
    id: "01/ephemeral-answered",
    section: "From relay to client: sending events and notices",
    says: "OK answers an ephemeral event too: true, or `mute:` where nobody listens.",
    check: ephemeralAnswered,
  },
  {
    ...rule,
    id: "01/ephemeral-not-stored",
    level: "advised",
    says: "Ephemeral events are not expected to be stored.",
    check: ephemeralNotStored,
  },
];
