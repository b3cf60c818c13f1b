/**
 * NIP-70: protected events come from their author, and not inside of reposts.
 * Runs in the process of the checker; no state.
 *
 * @module
 */
import type { RelayConnection } from "../connection.ts";
import { brief, demand, NotApplicable, type Rule } from "../rule.ts";
import type { Event, Key } from "../signer.ts";
import type { Subject } from "../subject.ts";

function protectedEvent(relay: Subject, key: Key): Event {
  return relay.sign(key, { tags: [["t", "x"], ["-"]] });
}

async function refuses(relay: Subject, connection: RelayConnection, event: Event): Promise<string> {
  const ok = await connection.offer(event);
  demand(ok[2] === false, `accepted: ${brief(ok)}`);
  await relay.find(connection, { ids: [event.id] }, []);
  return brief(ok);
}

async function byDefault(relay: Subject): Promise<string> {
  await relay.writer().then((writer) => writer.close());
  await using connection = await relay.connect();
  return await refuses(relay, connection, protectedEvent(relay, relay.key()));
}

/** A connection that has proved a key. @throws {NotApplicable} where the relay knows no AUTH. */
async function proved(relay: Subject, key: Key): Promise<RelayConnection> {
  if (!relay.lists(42)) throw new NotApplicable("supported_nips has no 42, so nobody can be told apart");
  const connection = await relay.connect();
  if (connection.challenge === undefined) connection.send(["EVENT", protectedEvent(relay, key)]);
  await relay.authenticate(connection, key);
  return connection;
}

async function fromOthers(relay: Subject): Promise<string> {
  await using connection = await proved(relay, relay.key());
  return await refuses(relay, connection, protectedEvent(relay, relay.key()));
}

async function fromAuthor(relay: Subject): Promise<string> {
  const key = relay.key();
  await using connection = await proved(relay, key);
  const event = protectedEvent(relay, key);
  const ok = await connection.offer(event);
  if (ok[2] !== true) throw new NotApplicable(`the relay takes none at all, as it may: ${brief(ok)}`);
  await relay.find(connection, { ids: [event.id] }, [event.id]);
  return "accepted from its author, and served";
}

async function reposts(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const inner = protectedEvent(relay, relay.key());
  const spaced = JSON.stringify(inner, null, 1);
  for (
    const [kind, content] of [[6, JSON.stringify(inner)], [16, JSON.stringify(inner)], [6, spaced]] as const
  ) {
    const repost = relay.sign(relay.key(), {
      kind,
      content,
      tags: [["e", inner.id], ["p", inner.pubkey], ["k", "1"]],
    });
    const ok = await relay.publish(writer, repost);
    demand(
      ok[2] === false,
      `kind ${kind}${content === spaced ? ", with spaces in the JSON" : ""}: ${brief(ok)}`,
    );
  }
  return "kinds 6 and 16, with spaces in the JSON too, are refused";
}

async function innocent(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const inner = relay.sign(relay.key(), { content: 'the tag is ["-"], a hyphen' });
  const events = [
    relay.sign(relay.key(), { content: 'write "tags":[["-"]] to protect an event' }),
    relay.sign(relay.key(), {
      kind: 6,
      content: JSON.stringify(inner),
      tags: [["e", inner.id], ["p", inner.pubkey]],
    }),
    relay.sign(relay.key(), { tags: [["t", "-"]] }),
  ];
  for (const event of events) {
    const ok = await relay.publish(writer, event);
    demand(ok[2] === true, `kind ${event.kind}, ${brief(event.content.slice(0, 40))}: ${brief(ok)}`);
  }
  return "texts about the tag, and a repost of one, are accepted";
}

const rule = { nip: 70, section: "Protected Events", level: "required" } as const;

export const NIP70_RULES: readonly Rule[] = [
  {
    ...rule,
    id: "70/refused-by-default",
    says: 'Without AUTH an event with ["-"] is refused.',
    check: byDefault,
  },
  {
    ...rule,
    id: "70/refused-from-others",
    says: "Only its author may publish it, as proved by AUTH.",
    check: fromOthers,
  },
  {
    ...rule,
    id: "70/author-may",
    level: "advised",
    says: "Its author may publish it, where the relay takes any.",
    check: fromAuthor,
  },
  {
    ...rule,
    id: "70/reposts-refused",
    level: "advised",
    says: "A repost that embeds a protected event is refused.",
    check: reposts,
  },
  {
    ...rule,
    id: "70/tag-is-parsed",
    level: "advised",
    says: "Only the tag protects: text that looks like it does not.",
    check: innocent,
  },
];
