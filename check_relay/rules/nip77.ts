/**
 * NIP-77: sessions of negentropy, byte by byte, against the implementation in `lib/negentropy`.
 * Runs in the process of the checker; no state.
 *
 * @module
 */
import { Initiator } from "../../lib/negentropy/initiator.ts";
import { SortedVectorBuilder } from "../../lib/negentropy/sorted_vector.ts";
import type { Filter, Message, RelayConnection } from "../connection.ts";
import { Breach, brief, demand, type Rule } from "../rule.ts";
import { type Event, now } from "../signer.ts";
import type { Subject } from "../subject.ts";

const VERSION = "61";
/** Up to infinity a list of no ids: "I have nothing". */
const NOTHING = `${VERSION}00000200`;
const ROUNDS_MAX = 20;
const EVENTS = 120;

function storageOf(events: readonly Event[]) {
  const builder = new SortedVectorBuilder();
  for (const { created_at, id } of events) builder.addHex(created_at, id);
  return builder.build();
}

function answerOf(connection: RelayConnection, session: string): Promise<Message> {
  return connection.expect("NEG-MSG or NEG-ERR", ([type, id]) => id === session && /^NEG-/.test(type));
}

/** Opens a session and returns the first answer. */
async function start(
  connection: RelayConnection,
  filter: unknown,
  message: unknown = NOTHING,
): Promise<Message> {
  const session = connection.name();
  connection.send(["NEG-OPEN", session, filter, message]);
  const answer = await answerOf(connection, session);
  connection.send(["NEG-CLOSE", session]);
  return answer;
}

function messageOf(answer: Message): string {
  demand(answer[0] === "NEG-MSG" && answer.length === 3, `answered ${brief(answer)}`);
  const hex = String(answer[2]);
  demand(
    /^([0-9a-f]{2})+$/.test(hex) && hex.startsWith(VERSION),
    `no message of version 1: ${brief(hex.slice(0, 40))}`,
  );
  return hex;
}

/** Some events that both have, some that only the relay has, some that only we have. */
async function sow(relay: Subject, connection: RelayConnection) {
  const keys = [relay.key(), relay.key()];
  const events = Array.from({ length: EVENTS }, (_, i) =>
    // Many of a second, so that bounds need prefixes of ids.
    relay.sign(keys[i % 2]!, { content: `${i}`, created_at: now() - 100 - Math.floor(i / 20) }));
  const theirs = events.filter((_, i) => i % 7 !== 0);
  const ours = events.filter((_, i) => i % 5 !== 0);
  await relay.accept(connection, ...theirs);
  await relay.find(connection, { ids: [theirs.at(-1)!.id] }, [theirs.at(-1)!.id]);
  return { keys, theirs, ours };
}

/** Reconciles to the end. */
async function reconcile(connection: RelayConnection, filter: Filter, ours: readonly Event[]) {
  const session = connection.name();
  const initiator = new Initiator(storageOf(ours));
  const [have, need]: [string[], string[]] = [[], []];
  connection.send(["NEG-OPEN", session, filter, initiator.initiate().toHex()]);
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const hex = messageOf(await answerOf(connection, session));
    const findings = initiator.receive(Uint8Array.fromHex(hex));
    have.push(...findings.have);
    need.push(...findings.need);
    if (findings.message === null) {
      connection.send(["NEG-CLOSE", session]);
      return { have: have.sort().join(), need: need.sort().join(), round };
    }
    connection.send(["NEG-MSG", session, findings.message.toHex()]);
  }
  throw new Breach(`no end after ${ROUNDS_MAX} rounds`);
}

async function demandDifference(
  connection: RelayConnection,
  filter: Filter,
  ours: readonly Event[],
  theirs: readonly Event[],
) {
  const { have, need, round } = await reconcile(connection, filter, ours);
  const without = (a: readonly Event[], b: readonly Event[]) => {
    const ids = new Set(b.map(({ id }) => id));
    return a.map(({ id }) => id).filter((id) => !ids.has(id)).sort().join();
  };
  demand(have === without(ours, theirs), "what only we have was not found rightly");
  demand(need === without(theirs, ours), "what only the relay has was not found rightly");
  return round;
}

async function differences(relay: Subject): Promise<string> {
  await using connection = await relay.writer();
  const { keys, theirs, ours } = await sow(relay, connection);
  const authors = keys.map(({ pubkey }) => pubkey);
  const rounds = await demandDifference(connection, { authors }, ours, theirs);
  await demandDifference(connection, { authors }, [], theirs);
  await demandDifference(connection, { authors }, theirs, theirs);
  const of = (events: readonly Event[]) => events.filter(({ pubkey }) => pubkey === authors[0]);
  await demandDifference(connection, { authors: [authors[0]!] }, of(ours), of(theirs));
  return `${theirs.length} events there, ${ours.length} here: have and need are exact, in ${rounds} rounds`;
}

async function bytes(relay: Subject): Promise<string> {
  await using connection = await relay.writer();
  const key = relay.key();
  const filter = { authors: [key.pubkey] };
  demand(
    [`${VERSION}`, NOTHING].includes(messageOf(await start(connection, filter))),
    "nothing against nothing is not nothing",
  );
  const event = relay.sign(key, { created_at: now() - 10 });
  await relay.store(connection, event);
  const one = messageOf(await start(connection, filter));
  demand(one === `${VERSION}00000201${event.id}`, `one event was told as ${one.slice(0, 80)}`);
  const same = messageOf(await start(connection, filter, `${VERSION}00000201${event.id}`));
  // A list is answered with one's own, or with nothing where nothing is new to who asks.
  demand([one, VERSION, NOTHING].includes(same), `a list that is complete was answered ${same.slice(0, 80)}`);
  return `an empty set asks, one event answers: ${one.slice(0, 16)}…`;
}

async function versions(relay: Subject): Promise<string> {
  await using connection = await relay.join();
  const answer = await start(connection, { kinds: [1], limit: 1, authors: ["0".repeat(64)] }, "62000002");
  demand(answer[0] === "NEG-MSG" && answer[2] === VERSION, `version 2 was answered ${brief(answer)}`);
  return "version 2 is answered with the one byte 61";
}

async function reopened(relay: Subject): Promise<string> {
  await using connection = await relay.writer();
  const [key, other] = [relay.key(), relay.key()];
  const event = relay.sign(other);
  await relay.store(connection, event);
  connection.send(["NEG-OPEN", "twice", { authors: [key.pubkey] }, NOTHING]);
  await answerOf(connection, "twice");
  connection.send(["NEG-OPEN", "twice", { authors: [other.pubkey] }, NOTHING]);
  const hex = messageOf(await answerOf(connection, "twice"));
  demand(hex.includes(event.id), "the second NEG-OPEN of an id was not served");
  await connection.subscribe("twice", { authors: [key.pubkey] });
  connection.send(["NEG-CLOSE", "twice"]);
  const live = relay.sign(key);
  await relay.accept(connection, live);
  await connection.live("twice", live.id);
  return "a second NEG-OPEN replaces the first; a REQ of the same id is another thing";
}

async function errors(relay: Subject): Promise<string> {
  const wrong: [string, unknown, unknown][] = [
    ["odd hex", { kinds: [1] }, "610"],
    ["no hex", { kinds: [1] }, "zz"],
    ["a number for a message", { kinds: [1] }, 5],
    ["an empty message", { kinds: [1] }, ""],
    ["a cut message", { kinds: [1] }, "610000"],
    ["a wrong filter", { kinds: "1" }, NOTHING],
  ];
  const silent: string[] = [];
  for (const [name, filter, message] of wrong) {
    await using connection = await relay.join();
    connection.send(["NEG-OPEN", "wrong", filter, message]);
    const answer = await connection.next(([type, id]) =>
      (id === "wrong" && /^NEG-/.test(type)) || type === "NOTICE"
    );
    demand(answer?.[0] !== "NEG-MSG", `${name} was answered ${brief(answer)}`);
    if (answer?.[0] !== "NEG-ERR") silent.push(name);
  }
  demand(silent.length === 0, `no NEG-ERR for ${silent.join(", ")}`);
  return `${wrong.length} wrong requests, each with NEG-ERR`;
}

async function errorForm(relay: Subject): Promise<string> {
  await using connection = await relay.join();
  connection.send(["NEG-MSG", "never-opened", NOTHING]);
  const answer = await connection.expect(
    "NEG-ERR",
    ([type, id]) => type === "NEG-ERR" && id === "never-opened",
  );
  demand(/^[a-z-]+: ?\S/.test(String(answer[2])), `no prefix in ${brief(answer)}`);
  return brief(answer);
}

const rule = { nip: 77, section: "Nostr Messages", level: "required" } as const;

export const NIP77_RULES: readonly Rule[] = [
  {
    ...rule,
    id: "77/differences",
    section: "High-Level Protocol Description",
    says: "A session ends with exactly the ids that either side lacks.",
    check: differences,
  },
  {
    ...rule,
    id: "77/bytes",
    section: "Appendix: Negentropy Protocol V1",
    says: "Messages have the bytes of protocol version 1.",
    check: bytes,
  },
  {
    ...rule,
    id: "77/unknown-version",
    section: "Message",
    level: "advised",
    says: "An unknown version is answered with one byte, the highest that is known.",
    check: versions,
  },
  {
    ...rule,
    id: "77/reopened",
    section: "Initial message (client to relay)",
    says: "A NEG-OPEN of an open id closes that first; its ids are not those of REQ.",
    check: reopened,
  },
  {
    ...rule,
    id: "77/errors",
    section: "Error message (relay to client)",
    says: "What cannot be serviced is answered with NEG-ERR.",
    check: errors,
  },
  {
    ...rule,
    id: "77/error-form",
    section: "Error message (relay to client)",
    level: "advised",
    says: "NEG-ERR has a prefix, also for a session that is not open.",
    check: errorForm,
  },
];
