/**
 * NIP-01, "Events and signatures": which events a relay takes, and how it answers.
 * Runs in the process of the checker; no state.
 *
 * @module
 */
import type { Message } from "../connection.ts";
import { brief, demand, type Rule } from "../rule.ts";
import { type Event, idOf, signAnything } from "../signer.ts";
import type { Subject } from "../subject.ts";

/** Offers events that must all be refused, and demands that none is stored. */
async function demandRefusal(
  relay: Subject,
  wrong: Readonly<Record<string, Event | Record<string, unknown>>>,
): Promise<string> {
  await using writer = await relay.writer();
  for (const [name, event] of Object.entries(wrong)) {
    writer.send(["EVENT", event]);
    const answer = await refusal(writer.next.bind(writer), event.id);
    demand(answer === null || answer[2] !== true, `${name}: accepted, ${brief(answer)}`);
    if (writer.isOver) return `${name}: the connection was closed`;
  }
  const names = Object.keys(wrong);
  return `${names.length} refused: ${names.join(", ")}`;
}

/** The OK for an event, or a NOTICE where the relay could not read an id from it; null for silence. */
function refusal(
  next: (predicate: (message: Message) => boolean) => Promise<Message | null>,
  id: unknown,
): Promise<Message | null> {
  return next(([type, name]) =>
    (type === "OK" && (name === id || typeof id !== "string" || !name)) || type === "NOTICE"
  );
}

async function acceptsEvent(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const event = relay.sign(relay.key(), {
    content: "an event",
    tags: [["t", "check"], ["alt", "a", "b", ""]],
  });
  const ok = await relay.publish(writer, event);
  demand(ok[2] === true, `answered ${brief(ok)}`);
  demand(ok.length === 4 && typeof ok[3] === "string", `OK has no fourth element: ${brief(ok)}`);
  return brief(ok);
}

const ESCAPED = 'line\nquote" backslash\\ return\r tab\t backspace\b feed\f slash/ é 漢字 🦤 </script>';
/** Characters that JSON writers like to escape, and NIP-01 wants verbatim: delete, line separator, byte order mark. */
const VERBATIM = "\u007f \u2028 \u2029 \ufeff \u0085";

async function servesEventAsItWas(relay: Subject, content: string): Promise<string> {
  await using writer = await relay.writer();
  const event = relay.sign(relay.key(), {
    content,
    tags: [["t", content], ["empty", ""], ["x", "1", "2", "3"]],
  });
  await relay.store(writer, event);
  const { events } = await relay.ask(writer, { ids: [event.id] });
  demand(events.length === 1, `${events.length} events came for one id`);
  for (const [name, value] of Object.entries(event)) {
    const served = (events[0] as unknown as Record<string, unknown>)[name];
    demand(JSON.stringify(served) === JSON.stringify(value), `${name} came as ${brief(served)}`);
  }
  return "all seven fields unchanged";
}

async function readsEscapedJson(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const event = relay.sign(relay.key(), { content: "é/🦤" });
  const frame = JSON.stringify(["EVENT", event]).replace("é/🦤", "\\u00e9\\/\\ud83e\\udda4").replaceAll(
    ",",
    " , ",
  );
  writer.sendRaw(frame);
  const ok = await writer.expect("OK", ([type, id]) => type === "OK" && id === event.id);
  demand(ok[2] === true, `answered ${brief(ok)}`);
  return "\\u escapes, escaped slashes and spaces change no id";
}

function refusesWrongId(relay: Subject): Promise<string> {
  const key = relay.key();
  const right = relay.sign(key, { content: "right" });
  const other = relay.sign(key, { content: "other" });
  return demandRefusal(relay, {
    "id of another event": { ...right, id: other.id },
    "id and signature of another event": { ...right, id: other.id, sig: other.sig },
    "content changed": { ...right, content: "changed" },
    "created_at changed": { ...right, created_at: right.created_at - 1 },
    "tags changed": { ...right, tags: [...right.tags, ["t", "added"]] },
  });
}

function refusesWrongSignature(relay: Subject): Promise<string> {
  const right = relay.sign(relay.key(), { content: "right" });
  const other = relay.sign(relay.key(), { content: "right" });
  const flipped = right.sig.slice(0, -1) + (right.sig.endsWith("0") ? "1" : "0");
  const stolen = { ...right, pubkey: other.pubkey };
  return demandRefusal(relay, {
    "one bit changed": { ...right, sig: flipped },
    "signature of another event": { ...right, sig: other.sig },
    "zeros": { ...right, sig: "0".repeat(128) },
    "somebody else's pubkey": { ...stolen, id: idOf(stolen) },
    "a pubkey that is no point": noPoint(right),
  });
}

function noPoint(event: Event): Event {
  const changed = { ...event, pubkey: "f".repeat(64) };
  return { ...changed, id: idOf(changed) };
}

function refusesMissingFields(relay: Subject): Promise<string> {
  const event: Record<string, unknown> = { ...relay.sign(relay.key()) };
  const names = ["id", "pubkey", "created_at", "kind", "tags", "content", "sig"];
  return demandRefusal(
    relay,
    Object.fromEntries(names.map((name) => {
      const { [name]: _, ...rest } = event;
      return [name, rest];
    })),
  );
}

function refusesWrongTypes(relay: Subject): Promise<string> {
  const key = relay.key();
  const shapes: Record<string, Record<string, unknown>> = {
    "kind as text": { kind: "1" },
    "kind with a fraction": { kind: 1.5 },
    "created_at as text": { created_at: String(Math.floor(Date.now() / 1_000)) },
    "created_at with a fraction": { created_at: Math.floor(Date.now() / 1_000) - 0.5 },
    "content as a number": { content: 5 },
    "content as null": { content: null },
    "tags as an object": { tags: {} },
    "a tag as text": { tags: ["t"] },
    "a number in a tag": { tags: [["t", 1]] },
    "null in a tag": { tags: [["t", null]] },
  };
  return demandRefusal(
    relay,
    Object.fromEntries(
      Object.entries(shapes).map(([name, fields]) => [name, signAnything(key, fields, relay.workBits)]),
    ),
  );
}

function refusesWrongKinds(relay: Subject): Promise<string> {
  const key = relay.key();
  return demandRefusal(relay, {
    "65536": relay.sign(key, { kind: 65_536 }),
    "-1": relay.sign(key, { kind: -1 }),
  });
}

function refusesUpperCase(relay: Subject): Promise<string> {
  const event = relay.sign(relay.key());
  const shouted = signAnything(relay.key(), {}, relay.workBits);
  const upper = { ...shouted, pubkey: String(shouted.pubkey).toUpperCase() } as unknown as Event;
  return demandRefusal(relay, {
    "id": { ...event, id: event.id.toUpperCase() },
    "sig": { ...event, sig: event.sig.toUpperCase() },
    "pubkey": { ...upper, id: idOf(upper) },
  });
}

async function storesOnce(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const event = relay.sign(relay.key());
  await relay.store(writer, event);
  const again = await relay.publish(writer, event);
  const ids = await relay.ids(writer, { authors: [event.pubkey] });
  demand(ids.length === 1, `${ids.length} copies after it was sent twice`);
  return `one copy; second answer ${brief(again)}`;
}

async function callsDuplicates(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const event = relay.sign(relay.key());
  await relay.store(writer, event);
  const again = await relay.publish(writer, event);
  demand(again[2] === true && String(again[3]).startsWith("duplicate:"), `second answer ${brief(again)}`);
  return brief(again);
}

const SECTION = "Events and signatures";
const MESSAGES = "From relay to client: sending events and notices";

export const NIP01_EVENT_RULES: readonly Rule[] = [
  {
    id: "01/event-accepted",
    nip: 1,
    section: MESSAGES,
    level: "required",
    says: "A right event is answered with OK, true and a fourth element, which may be empty.",
    check: acceptsEvent,
  },
  {
    id: "01/event-unchanged",
    nip: 1,
    section: SECTION,
    level: "required",
    says: "What is served has the seven fields that were signed; no character of them changes.",
    check: (relay) => servesEventAsItWas(relay, ESCAPED),
  },
  {
    id: "01/verbatim-characters",
    nip: 1,
    section: SECTION,
    level: "required",
    says: "All characters but the seven that are escaped are hashed as they are, U+007F and U+2028 too.",
    check: (relay) => servesEventAsItWas(relay, VERBATIM),
  },
  {
    id: "01/json-escapes",
    nip: 1,
    section: SECTION,
    level: "required",
    says: "The id is made from the fields, so it does not matter how a client wrote the JSON.",
    check: readsEscapedJson,
  },
  {
    id: "01/id-verified",
    nip: 1,
    section: SECTION,
    level: "required",
    says: "The id is the SHA-256 of the serialized event; another one is refused.",
    check: refusesWrongId,
  },
  {
    id: "01/signature-verified",
    nip: 1,
    section: SECTION,
    level: "required",
    says: "The signature is the author's, of the id, by BIP-340; another one is refused.",
    check: refusesWrongSignature,
  },
  {
    id: "01/fields-present",
    nip: 1,
    section: SECTION,
    level: "required",
    says: "An event has all of its seven fields.",
    check: refusesMissingFields,
  },
  {
    id: "01/field-types",
    nip: 1,
    section: SECTION,
    level: "required",
    says: "created_at and kind are integers, content is a string, tags are arrays of strings.",
    check: refusesWrongTypes,
  },
  {
    id: "01/kind-range",
    nip: 1,
    section: SECTION,
    level: "required",
    says: "A kind lies between 0 and 65535.",
    check: refusesWrongKinds,
  },
  {
    id: "01/lower-case-hex",
    nip: 1,
    section: SECTION,
    level: "advised",
    says: "Ids, keys and signatures are lower-case hex.",
    check: refusesUpperCase,
  },
  {
    id: "01/stored-once",
    nip: 1,
    section: SECTION,
    level: "required",
    says: "An event is its id: sent twice it is served once.",
    check: storesOnce,
  },
  {
    id: "01/duplicate-answer",
    nip: 1,
    section: MESSAGES,
    level: "advised",
    says: "A known event is answered with true and `duplicate:`.",
    check: callsDuplicates,
  },
];
