/**
 * NIP-01, subscriptions: live events, replacing and closing, ids, and refusals that say so.
 * Runs in the process of the checker; no state.
 *
 * @module
 */
import type { Message } from "../connection.ts";
import { open } from "../connection.ts";
import { Breach, brief, demand, type Rule } from "../rule.ts";
import type { Key } from "../signer.ts";
import type { Subject } from "../subject.ts";

/** Publishes an event that `reader`'s subscription must get, and returns the ids that came until then. */
async function until(relay: Subject, reader: Live, key: Key, name: string): Promise<string[]> {
  const last = relay.sign(key, { content: crypto.randomUUID() });
  await relay.accept(reader.writer, last);
  await reader.connection.live(name, last.id);
  return reader.connection.drain(name).map(({ id }) => id);
}

/** Somebody who listens and somebody who writes. */
interface Live {
  readonly connection: Awaited<ReturnType<Subject["join"]>>;
  readonly writer: Awaited<ReturnType<Subject["join"]>>;
}

async function live(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  await using connection = await relay.join();
  const key = relay.key();
  const { end } = await connection.subscribe("live", { authors: [key.pubkey], kinds: [1], "#t": ["yes"] });
  demand(end[0] === "EOSE" && end[1] === "live", `answered ${brief(end)}`);
  const event = relay.sign(key, { tags: [["t", "yes"]] });
  await relay.accept(writer, event);
  const seen = await connection.live("live", event.id);
  demand(
    seen.sig === event.sig && seen.content === event.content,
    "the live event is not the one that was sent",
  );
  return "the event came after EOSE";
}

async function liveFilters(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  await using connection = await relay.join();
  const [key, other] = [relay.key(), relay.key()];
  await connection.subscribe("live", { authors: [key.pubkey], kinds: [1] });
  await relay.accept(writer, relay.sign(other), relay.sign(key, { kind: 7 }));
  // Nobody listens: it may be refused.
  writer.send(["EVENT", relay.sign(key, { kind: 20_001 })]);
  const came = await until(relay, { connection, writer }, key, "live");
  demand(came.length === 0, `${came.length} events came that do not match`);
  return "another author and other kinds did not come, the next match did";
}

async function replaced(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  await using connection = await relay.join();
  const [key, other] = [relay.key(), relay.key()];
  await connection.subscribe("same", { authors: [key.pubkey] });
  await connection.subscribe("same", { authors: [other.pubkey] });
  await relay.accept(writer, relay.sign(key));
  const came = await until(relay, { connection, writer }, other, "same");
  demand(came.length === 0, "the replaced subscription still gets events");
  return "only the second REQ of the id is served";
}

async function closed(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  await using connection = await relay.join();
  const key = relay.key();
  await connection.subscribe("gone", { authors: [key.pubkey] });
  await connection.subscribe("stays", { authors: [key.pubkey] });
  connection.send(["CLOSE", "gone"]);
  await connection.settled();
  await until(relay, { connection, writer }, key, "stays");
  await connection.settled();
  const came = connection.drain("gone");
  demand(came.length === 0, "events came after CLOSE");
  return "no event came after CLOSE; another subscription went on";
}

async function perConnection(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  await using first = await relay.join();
  await using second = await relay.join();
  const [key, other] = [relay.key(), relay.key()];
  await first.subscribe("same", { authors: [key.pubkey] });
  await second.subscribe("same", { authors: [other.pubkey] });
  second.send(["CLOSE", "same"]);
  await second.settled();
  await until(relay, { connection: first, writer }, key, "same");
  return "the id of one connection is nothing to another";
}

async function longestId(relay: Subject, letter: string): Promise<string> {
  await using connection = await relay.join();
  const id = letter.repeat(64);
  const { end } = await connection.subscribe(id, { limit: 1 });
  demand(end[0] === "EOSE" && end[1] === id, `answered ${brief(end)}`);
  return `${brief(letter)}, 64 times`;
}

async function wrongIds(relay: Subject): Promise<string> {
  for (const id of ["", "x".repeat(65), 5, null, {}, ["a"]]) {
    await using connection = await relay.join();
    connection.send(["REQ", id, { kinds: [1], limit: 1 }]);
    const answer = await connection.next(([type]) => type !== "AUTH");
    demand(
      answer?.[0] === "CLOSED" || answer?.[0] === "NOTICE",
      `id ${brief(id)} was answered ${brief(answer)}`,
    );
  }
  return "empty, 65 characters, a number, null, an object, an array: refused";
}

/** Filters that no relay can make sense of. */
const WRONG_FILTERS: readonly unknown[] = [
  { kinds: ["1"] },
  { kinds: 1 },
  { ids: "x" },
  { authors: [1] },
  { "#t": "x" },
  { "#t": [1] },
  { since: "yesterday" },
  { until: {} },
  { limit: "many" },
  { limit: -1 },
  5,
  "x",
  null,
  [],
];

async function refusals(relay: Subject): Promise<string> {
  const answers = new Map<string, number>();
  for (const filter of WRONG_FILTERS) {
    await using connection = await relay.join();
    connection.send(["REQ", "wrong", filter]);
    const answer = await connection.next(([type, id]) =>
      (type === "CLOSED" || type === "EOSE") && id === "wrong"
    );
    demand(
      answer !== null,
      `${brief(filter)} got neither EOSE nor CLOSED, but ${brief(connection.inbox[0])}`,
    );
    answers.set(answer[0], (answers.get(answer[0]) ?? 0) + 1);
  }
  return [...answers].map(([type, count]) => `${count} × ${type}`).join(", ");
}

/** Frames that are no messages of NIP-01. */
const WRONG_FRAMES: readonly string[] = [
  "{",
  "x",
  "[]",
  "{}",
  "null",
  '"REQ"',
  "[1]",
  '["NONSENSE","x"]',
  '["REQ"]',
  '["REQ","a"]',
  '["EVENT"]',
  '["EVENT",5]',
  '["EVENT",[]]',
  '["EVENT",{"id":5}]',
  '["CLOSE"]',
  '["CLOSE",{}]',
  `["REQ","deep",${"[".repeat(2_000)}${"]".repeat(2_000)}]`,
  `["EVENT",${"[".repeat(2_000)}`,
];

async function survives(relay: Subject): Promise<string> {
  await using bystander = await relay.join();
  let ended = 0;
  for (const frame of WRONG_FRAMES) {
    await using connection = await relay.join();
    connection.sendRaw(frame);
    connection.send(["REQ", "after", { limit: 1 }]);
    const answer = await connection.next(([type, id]) =>
      (type === "EOSE" || type === "CLOSED") && id === "after"
    );
    if (connection.isOver) ended++;
    else demand(answer !== null, `after ${frame.slice(0, 60)} a REQ on the same connection has no answer`);
    await bystander.settled();
  }
  return `${WRONG_FRAMES.length} frames; ${ended} connections ended, another client was served all the while`;
}

async function answersWrongFrames(relay: Subject): Promise<string> {
  const silent: string[] = [];
  for (const frame of WRONG_FRAMES) {
    await using connection = await relay.join();
    connection.sendRaw(frame);
    connection.send(["REQ", "after", { limit: 1 }]);
    const isMine = ([type, id]: Message) => id !== "after" && /^(NOTICE|OK|CLOSED)$/.test(type);
    const isEnd = ([type, id]: Message) => (type === "EOSE" || type === "CLOSED") && id === "after";
    const answer = await connection.next((message) => isMine(message) || isEnd(message));
    // An answer may be overtaken by the EOSE, but not by long.
    const late = answer !== null && isEnd(answer) && await connection.next(isMine, 1_000) === null;
    if (late && !connection.isOver) silent.push(frame.slice(0, 30));
  }
  demand(silent.length === 0, `no NOTICE, OK or CLOSED for ${silent.join("  ")}`);
  return `${WRONG_FRAMES.length} frames, each with an answer or the end of the connection`;
}

async function singleEndpoint(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const event = relay.sign(relay.key());
  await relay.store(writer, event);
  const url = new URL(relay.url);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/${crypto.randomUUID()}`;
  try {
    await using elsewhere = await open(url.href, { ...relay, answerMs: Math.min(relay.answerMs, 3_000) });
    const { events } = await elsewhere.ask({ ids: [event.id] });
    demand(events.length === 0, `${url.pathname} serves the same events as ${new URL(relay.url).pathname}`);
    return "another path is another relay";
  } catch (error) {
    if (!(error instanceof Breach) || !error.message.startsWith("no connection")) throw error;
    return "another path accepts no WebSocket";
  }
}

const SECTION = "From client to relay: sending events and creating subscriptions";
const MESSAGES = "From relay to client: sending events and notices";
const rule = { nip: 1, section: SECTION, level: "required" } as const;

export const NIP01_SUBSCRIPTION_RULES: readonly Rule[] = [
  { ...rule, id: "01/live", says: "New events that match are sent to the same connection.", check: live },
  { ...rule, id: "01/live-filtered", says: "New events that do not match are not sent.", check: liveFilters },
  {
    ...rule,
    id: "01/req-replaces",
    says: "A REQ with the id of an open subscription replaces it.",
    check: replaced,
  },
  { ...rule, id: "01/close", says: "After CLOSE nothing comes for the subscription.", check: closed },
  {
    ...rule,
    id: "01/ids-per-connection",
    says: "Subscription ids belong to their connection.",
    check: perConnection,
  },
  {
    ...rule,
    id: "01/subscription-id-64",
    says: "An id may have 64 characters.",
    check: (relay) => longestId(relay, "x"),
  },
  {
    ...rule,
    id: "01/subscription-id-any",
    level: "advised",
    says: "An id is arbitrary: 64 characters beyond ASCII are one.",
    check: (relay) => longestId(relay, "é"),
  },
  {
    ...rule,
    id: "01/subscription-id-wrong",
    level: "advised",
    says: "An id is a string of 1 to 64 characters; another is refused.",
    check: wrongIds,
  },
  {
    ...rule,
    id: "01/refusal-is-closed",
    section: MESSAGES,
    says: "A REQ that is not fulfilled is answered with CLOSED, never with silence or a NOTICE alone.",
    check: refusals,
  },
  {
    ...rule,
    id: "01/bad-frames-harm-nobody",
    section: "Communication between clients and relays",
    says: "Frames that are no messages end at most their own connection.",
    check: survives,
  },
  {
    ...rule,
    id: "01/bad-frames-answered",
    level: "advised",
    section: MESSAGES,
    says: "Frames that are no messages are answered: NOTICE is for errors.",
    check: answersWrongFrames,
  },
  {
    ...rule,
    id: "01/single-endpoint",
    section: "Communication between clients and relays",
    says: "Where further path segments change nothing, connections are accepted at one endpoint only.",
    check: singleEndpoint,
  },
];
