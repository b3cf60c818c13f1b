/**
 * NIP-11, "Server Limitations": whether each limit of the document is the one that holds.
 * Runs in the process of the checker; no state.
 *
 * @module
 */
import { PROBE_BYTES_MAX, PROBE_LIMIT_MAX, PROBE_SUBSCRIPTIONS_MAX, PROBE_TAGS_MAX } from "../bounds.ts";
import { brief, demand, NotApplicable, type Rule } from "../rule.ts";
import { type Event, now } from "../signer.ts";
import type { Subject } from "../subject.ts";

/** A limit of the document. @throws {NotApplicable} if it is absent, or too large to be tried politely. */
function limitOf(relay: Subject, name: string, politeMax = Infinity): number {
  const value = relay.information.limitation[name];
  if (typeof value !== "number") throw new NotApplicable(`the document has no limitation.${name}`);
  if (value > politeMax) throw new NotApplicable(`${value} is more than is polite to try (${politeMax})`);
  return value;
}

/** Demands that the first event is taken and the second is not. */
async function demandBoundary(relay: Subject, within: Event, beyond: Event): Promise<string> {
  await using writer = await relay.writer();
  await relay.accept(writer, within);
  writer.send(["EVENT", beyond]);
  const answer = await writer.next(([type, id]) => (type === "OK" && id === beyond.id) || type === "NOTICE");
  demand(answer === null || answer[2] !== true, "beyond the limit: accepted");
  return answer === null ? "beyond the limit: no OK" : brief(answer);
}

async function messageLength(relay: Subject): Promise<string> {
  const limit = limitOf(relay, "max_message_length", PROBE_BYTES_MAX);
  const frameOf = (bytes: number) => {
    const empty = JSON.stringify(["REQ", "long", { kinds: [1], limit: 1, "#t": [""] }]);
    return empty.replace('""', `"${"x".repeat(Math.max(0, bytes - empty.length))}"`);
  };
  {
    await using connection = await relay.join();
    connection.sendRaw(frameOf(limit));
    await connection.expect(
      `answer to ${limit} bytes`,
      ([type, id]) => id === "long" && (type === "EOSE" || type === "CLOSED"),
    );
  }
  await using connection = await relay.join();
  connection.sendRaw(frameOf(limit + 1));
  connection.send(["REQ", "after", { limit: 1 }]);
  const answer = await connection.next(([type, id]) => type === "EOSE" && (id === "long" || id === "after"));
  demand(answer?.[1] !== "long", `${limit + 1} bytes were served`);
  return `${limit} bytes are read, ${limit + 1} are not`;
}

async function subscriptions(relay: Subject): Promise<string> {
  const limit = limitOf(relay, "max_subscriptions", PROBE_SUBSCRIPTIONS_MAX);
  await using connection = await relay.join();
  for (let i = 0; i < limit; i++) {
    const { end } = await connection.subscribe(`many-${i}`, { ids: ["0".repeat(64)], limit: 1 });
    demand(end[0] === "EOSE", `subscription ${i + 1} of ${limit} was answered ${brief(end)}`);
  }
  connection.send(["REQ", "one-more", { ids: ["0".repeat(64)], limit: 1 }]);
  const answer = await connection.next(([type, id]) => id === "one-more" || type === "NOTICE");
  demand(answer?.[0] !== "EOSE", `subscription ${limit + 1} was served`);
  return `${limit} are served, the next was answered ${brief(answer)}`;
}

async function subscriptionId(relay: Subject): Promise<string> {
  const limit = limitOf(relay, "max_subid_length", 10_000);
  await using connection = await relay.join();
  const { end } = await connection.subscribe("x".repeat(limit), { limit: 1 });
  demand(end[0] === "EOSE", `${limit} characters were answered ${brief(end)}`);
  connection.send(["REQ", "y".repeat(limit + 1), { limit: 1 }]);
  connection.send(["REQ", "after", { limit: 1 }]);
  const answer = await connection.next(([type]) => type === "EOSE");
  demand(answer === null || answer[1] === "after", `${limit + 1} characters were served`);
  return `${limit} characters are served, ${limit + 1} are not`;
}

async function largestLimit(relay: Subject): Promise<string> {
  const limit = limitOf(relay, "max_limit", PROBE_LIMIT_MAX);
  await using connection = await relay.join();
  const { events, end } = await relay.ask(connection, { limit: limit * 2 });
  demand(end[0] === "EOSE", `a larger limit was answered ${brief(end)} rather than clamped`);
  // NIP-67 lets a page end between two seconds.
  const last = events.at(-1)?.created_at;
  const beyond = events.slice(limit).filter(({ created_at }) => created_at !== last).length;
  demand(
    beyond === 0 && (events.length <= limit || relay.lists(67)),
    `${events.length} events came, ${limit} are the most`,
  );
  return `limit ${limit * 2} was clamped: ${events.length} events`;
}

async function defaultLimit(relay: Subject): Promise<string> {
  const limit = limitOf(relay, "default_limit", PROBE_LIMIT_MAX);
  await using connection = await relay.join();
  const { events, end } = await relay.ask(connection, {});
  demand(end[0] === "EOSE", `{} was answered ${brief(end)}`);
  const last = events.at(-1)?.created_at;
  const beyond = events.slice(limit).filter(({ created_at }) => created_at !== last).length;
  demand(
    beyond === 0 && (events.length <= limit || relay.lists(67)),
    `${events.length} events came, ${limit} are the most`,
  );
  return `{} brought ${events.length} events`;
}

function eventTags(relay: Subject): Promise<string> {
  const limit = limitOf(relay, "max_event_tags", PROBE_TAGS_MAX);
  // Work adds a tag.
  const most = limit - (relay.workBits > 0 ? 1 : 0);
  const tags = (count: number) => Array.from({ length: count }, (_, i) => ["n", `${i}`]);
  const key = relay.key();
  return demandBoundary(
    relay,
    relay.sign(key, { tags: tags(most) }),
    relay.sign(key, { tags: tags(most + 1) }),
  );
}

function contentLength(relay: Subject): Promise<string> {
  const longest = Number(relay.information.limitation.max_message_length ?? 65_536) - 1_000;
  const limit = limitOf(relay, "max_content_length", Math.min(PROBE_BYTES_MAX, longest));
  const key = relay.key();
  const content = (length: number) => "x".repeat(length);
  return demandBoundary(
    relay,
    relay.sign(key, { content: content(limit) }),
    relay.sign(key, { content: content(limit + 1) }),
  );
}

function past(relay: Subject): Promise<string> {
  const limit = limitOf(relay, "created_at_lower_limit", now() - 1_000);
  const key = relay.key();
  const at = (age: number) => relay.sign(key, { created_at: now() - age });
  return demandBoundary(relay, at(Math.floor(limit * 0.9)), at(limit + 60));
}

function future(relay: Subject): Promise<string> {
  const limit = limitOf(relay, "created_at_upper_limit", 100 * 365 * 86_400);
  const key = relay.key();
  const at = (ahead: number) => relay.sign(key, { created_at: now() + ahead });
  return demandBoundary(relay, at(Math.floor(limit * 0.9)), at(limit + 60));
}

async function authRequired(relay: Subject): Promise<string> {
  if (relay.information.limitation.auth_required !== true) {
    throw new NotApplicable("auth_required is not true");
  }
  await using connection = await relay.connect();
  const { end } = await connection.ask({ kinds: [1], limit: 1 });
  demand(
    end[0] === "CLOSED" && String(end[2]).startsWith("auth-required:"),
    `a REQ was answered ${brief(end)}`,
  );
  const ok = await connection.offer(relay.sign(relay.key()));
  demand(ok[2] === false && String(ok[3]).startsWith("auth-required:"), `an EVENT was answered ${brief(ok)}`);
  return "REQ and EVENT are auth-required";
}

const rule = { nip: 11, section: "Server Limitations", level: "advised" } as const;

export const NIP11_LIMIT_RULES: readonly Rule[] = [
  {
    ...rule,
    id: "11/max-message-length",
    says: "Messages up to max_message_length are read, longer ones not.",
    check: messageLength,
  },
  {
    ...rule,
    id: "11/max-subscriptions",
    says: "max_subscriptions are served at once, no more.",
    check: subscriptions,
  },
  {
    ...rule,
    id: "11/max-subid-length",
    says: "Ids up to max_subid_length are served, longer ones not.",
    check: subscriptionId,
  },
  { ...rule, id: "11/max-limit", says: "A filter's limit is clamped to max_limit.", check: largestLimit },
  {
    ...rule,
    id: "11/default-limit",
    says: "Without a limit at most default_limit events come.",
    check: defaultLimit,
  },
  {
    ...rule,
    id: "11/max-event-tags",
    says: "Events with up to max_event_tags are taken, no more.",
    check: eventTags,
  },
  {
    ...rule,
    id: "11/max-content-length",
    says: "Contents up to max_content_length are taken, longer ones not.",
    check: contentLength,
  },
  {
    ...rule,
    id: "11/created-at-lower-limit",
    says: "Events are taken up to created_at_lower_limit seconds old.",
    check: past,
  },
  {
    ...rule,
    id: "11/created-at-upper-limit",
    says: "Events are taken up to created_at_upper_limit seconds ahead.",
    check: future,
  },
  {
    ...rule,
    id: "11/auth-required",
    says: "With auth_required nothing else works before AUTH.",
    check: authRequired,
  },
];
