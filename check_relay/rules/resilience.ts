/**
 * What NIP-01 promises under stress: an OK that survives a crash, and clients that do not suffer for others.
 * Runs in the process of the checker; no state.
 *
 * @module
 */
import type { RelayConnection } from "../connection.ts";
import { brief, demand, NotApplicable, type Rule } from "../rule.ts";
import type { Event } from "../signer.ts";
import { SlowReader } from "../slow_reader.ts";
import { type Subject, within } from "../subject.ts";

/** The slow reader asks for about 25 MB: more than sockets hold, little enough to ask of a stranger. */
const SLOW_EVENTS = 12;
const SLOW_CONTENT_CHARS = 16_000;
const SLOW_REQUESTS = 128;
const SLOW_SUBSCRIPTIONS = 4;
/** A write into a full socket waits for ever: the relay has stopped reading, which is its right. */
const SLOW_WRITE_MS = 1_000;

const CRASHES = 2;
const CRASH_EVENTS = 400;
const CRASH_CONNECTIONS = 2;
/** The relay is killed when each connection has heard this many OKs. */
const CRASH_AFTER_OKS = 60;

async function slowReader(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  await using reader = await relay.join();
  const key = relay.key();
  const content = "x".repeat(
    Math.min(SLOW_CONTENT_CHARS, Number(relay.information.limitation.max_content_length ?? Infinity)),
  );
  const events = Array.from(
    { length: SLOW_EVENTS },
    () => relay.sign(key, { content, tags: [["t", crypto.randomUUID()]] }),
  );
  await relay.store(writer, ...events);
  using slow = await SlowReader.open(relay.url);
  let sent = 0;
  while (sent < SLOW_REQUESTS) {
    const write = slow.send(["REQ", `slow-${sent % SLOW_SUBSCRIPTIONS}`, { authors: [key.pubkey] }]);
    if (!await within(write, SLOW_WRITE_MS) || !await write) break;
    sent++;
  }
  const other = relay.key();
  await reader.subscribe("quick", { authors: [key.pubkey, other.pubkey], limit: 1 });
  for (let round = 0; round < 5; round++) {
    // One for both, one for the quick reader alone.
    const [shared, own] = [
      relay.sign(key, { content, tags: [["t", `${round}`]] }),
      relay.sign(other, { content: `${round}` }),
    ];
    await relay.accept(writer, shared, own);
    await reader.live("quick", shared.id);
    await reader.live("quick", own.id);
    const found = await relay.ids(writer, { ids: [own.id], limit: 1 });
    demand(found.length === 1, "an acknowledged event is not found");
  }
  const asked = Math.round(sent * SLOW_EVENTS * content.length / 1e6);
  return `${sent} REQs for ${asked} MB unread; another client's OK, live events and answers came`;
}

/** Publishes as fast as the relay answers, kills it in the middle, and returns what it had acknowledged. */
async function crash(relay: Subject, events: readonly Event[]): Promise<Event[]> {
  const connections: RelayConnection[] = [];
  for (let i = 0; i < CRASH_CONNECTIONS; i++) connections.push(await relay.writer());
  events.forEach((event, i) => connections[i % CRASH_CONNECTIONS]!.send(["EVENT", event]));
  const oks = await Promise.all(connections.map(async (connection) => {
    const ids: unknown[] = [];
    for (let i = 0; i < CRASH_AFTER_OKS; i++) {
      const ok = await connection.expect("OK", ([type]) => type === "OK");
      demand(ok[2] === true, `a right event was answered ${brief(ok)}`);
      ids.push(ok[1]);
    }
    return ids;
  }));
  await relay.process!.kill();
  // What had left the relay before its end still arrives.
  await Promise.all(connections.map(({ ended }) => ended));
  const late = connections.flatMap(({ inbox }) =>
    inbox.filter(([type, , ok]) => type === "OK" && ok === true)
  );
  const acknowledged = new Set([...oks.flat(), ...late.map(([, id]) => id)]);
  return events.filter(({ id }) => acknowledged.has(id));
}

async function durable(relay: Subject): Promise<string> {
  if (relay.process === undefined) {
    throw new NotApplicable("the relay was not started by the checker (--start)");
  }
  const key = relay.key();
  let total = 0;
  for (let round = 0; round < CRASHES; round++) {
    const events = Array.from(
      { length: CRASH_EVENTS },
      (_, i) => relay.sign(key, { content: `crash ${round} ${i}` }),
    );
    const acknowledged = await crash(relay, events);
    await relay.process.start();
    await using reader = await relay.join();
    const found = new Set<string>();
    for (let at = 0; at < acknowledged.length; at += 50) {
      const wanted = acknowledged.slice(at, at + 50).map(({ id }) => id);
      for (const id of await relay.ids(reader, { ids: wanted, limit: wanted.length })) found.add(id);
    }
    const lost = acknowledged.filter(({ id }) => !found.has(id)).length;
    demand(lost === 0, `${lost} of ${acknowledged.length} acknowledged events are gone after SIGKILL`);
    total += acknowledged.length;
  }
  return `${total} acknowledged events, SIGKILL in the middle, ${CRASHES} times: all there after the restart`;
}

async function durableDeletion(relay: Subject): Promise<string> {
  if (relay.process === undefined) {
    throw new NotApplicable("the relay was not started by the checker (--start)");
  }
  const key = relay.key();
  const event = relay.sign(key);
  {
    await using writer = await relay.writer();
    await relay.store(writer, event);
    await relay.accept(writer, relay.sign(key, { kind: 5, tags: [["e", event.id], ["k", "1"]] }));
    await relay.process.kill();
  }
  await relay.process.start();
  await using reader = await relay.join();
  await relay.find(reader, { ids: [event.id] }, []);
  return "SIGKILL right after the OK of a deletion request: the event stays deleted";
}

export const RESILIENCE_RULES: readonly Rule[] = [
  {
    id: "01/slow-reader",
    nip: 1,
    section: "From relay to client: sending events and notices",
    level: "required",
    says: "OK, EOSE and live events reach a client also while another one does not read.",
    check: slowReader,
  },
  {
    id: "01/durable-ok",
    nip: 1,
    section: "From relay to client: sending events and notices",
    level: "required",
    says: "OK true says that the event is accepted: it is there after a crash.",
    check: durable,
  },
  {
    id: "09/durable-deletion",
    nip: 9,
    section: "Relay Usage",
    level: "required",
    says: "An acknowledged deletion holds after a crash.",
    check: durableDeletion,
  },
];
