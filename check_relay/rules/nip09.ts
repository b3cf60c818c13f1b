/**
 * NIP-09: who may have what deleted, and that it stays so.
 * Runs in the process of the checker; no state.
 *
 * @module
 */
import { brief, type Rule } from "../rule.ts";
import { type Event, type Key, now } from "../signer.ts";
import type { Subject } from "../subject.ts";

const KIND = 30_023;

function request(relay: Subject, key: Key, tags: string[][], created_at = now()): Event {
  return relay.sign(key, { kind: 5, tags, created_at, content: "a mistake" });
}

async function byId(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const key = relay.key();
  const [kept, ...gone] = [0, 1, 2].map((i) => relay.sign(key, { content: `${i}`, created_at: now() - 10 }));
  await relay.store(writer, kept!, ...gone);
  await relay.accept(writer, request(relay, key, [...gone.map(({ id }) => ["e", id]), ["k", "1"]]));
  await relay.find(writer, { authors: [key.pubkey], kinds: [1] }, [kept!.id]);
  await relay.find(writer, { ids: gone.map(({ id }) => id) }, []);
  return "two of three events gone, by author and by id";
}

async function byAddress(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const key = relay.key();
  const article = (d: string, age: number) =>
    relay.sign(key, { kind: KIND, tags: [["d", d]], created_at: now() - age });
  const [gone, other] = [article("gone", 50), article("other", 50)];
  await relay.store(writer, gone, other);
  await relay.accept(writer, request(relay, key, [["a", `${KIND}:${key.pubkey}:gone`], ["k", String(KIND)]]));
  await relay.find(writer, { authors: [key.pubkey], kinds: [KIND] }, [other.id]);
  return "the address is empty, its neighbour is not";
}

async function upToItsTime(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const key = relay.key();
  const tags = [["d", "later"]];
  const newer = relay.sign(key, { kind: KIND, tags, created_at: now() - 10 });
  await relay.store(writer, newer);
  await relay.publish(writer, request(relay, key, [["a", `${KIND}:${key.pubkey}:later`]], now() - 50));
  await writer.settled();
  await relay.find(writer, { authors: [key.pubkey], kinds: [KIND] }, [newer.id]);
  return "a version newer than the request stays";
}

async function versionsComeNotBack(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const key = relay.key();
  const version = (age: number) =>
    relay.sign(key, { kind: KIND, tags: [["d", "back"]], created_at: now() - age });
  const [oldest, gone, next] = [version(90), version(60), version(10)];
  await relay.store(writer, gone);
  await relay.accept(writer, request(relay, key, [["a", `${KIND}:${key.pubkey}:back`]], now() - 30));
  for (const event of [oldest, gone]) await relay.publish(writer, event);
  await relay.find(writer, { authors: [key.pubkey], kinds: [KIND] }, []);
  await relay.store(writer, next);
  return "versions up to the request do not come back, a newer one is taken";
}

async function others(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const [key, stranger] = [relay.key(), relay.key()];
  const note = relay.sign(key);
  const article = relay.sign(key, { kind: KIND, tags: [["d", "mine"]], created_at: now() - 10 });
  await relay.store(writer, note, article);
  const tags = [["e", note.id], ["e", article.id], ["a", `${KIND}:${key.pubkey}:mine`]];
  await relay.publish(writer, request(relay, stranger, tags));
  await writer.settled();
  await relay.find(writer, { authors: [key.pubkey] }, [note.id, article.id]);
  return "a stranger's request changes nothing";
}

async function comesNotBack(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const key = relay.key();
  const event = relay.sign(key, { created_at: now() - 10 });
  await relay.store(writer, event);
  await relay.accept(writer, request(relay, key, [["e", event.id]]));
  const again = await relay.publish(writer, event);
  await writer.settled();
  await relay.find(writer, { ids: [event.id] }, []);
  return `sent again it was answered ${brief(again)}`;
}

async function requestFirst(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const key = relay.key();
  const event = relay.sign(key, { created_at: now() - 10 });
  await relay.accept(writer, request(relay, key, [["e", event.id]]));
  const late = await relay.publish(writer, event);
  await writer.settled();
  await relay.find(writer, { ids: [event.id] }, []);
  return `the event, after its deletion, was answered ${brief(late)}`;
}

async function requestsStay(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  await using reader = await relay.join();
  const key = relay.key();
  const event = relay.sign(key, { created_at: now() - 10 });
  await relay.store(writer, event);
  await reader.subscribe("deletions", { authors: [key.pubkey], kinds: [5] });
  const deletion = request(relay, key, [["e", event.id]]);
  await relay.accept(writer, deletion);
  await reader.live("deletions", deletion.id);
  await relay.find(writer, { authors: [key.pubkey], kinds: [5] }, [deletion.id]);
  return "the request is delivered live and served later";
}

async function requestsAreFinal(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const key = relay.key();
  const event = relay.sign(key, { created_at: now() - 20 });
  await relay.store(writer, event);
  const deletion = request(relay, key, [["e", event.id]], now() - 10);
  await relay.accept(writer, deletion);
  await relay.publish(writer, request(relay, key, [["e", deletion.id], ["k", "5"]]));
  await writer.settled();
  await relay.find(writer, { ids: [event.id] }, []);
  await relay.find(writer, { ids: [deletion.id] }, [deletion.id]);
  return "a deletion of a deletion has no effect";
}

const rule = { nip: 9, section: "Event Deletion Request", level: "required" } as const;

export const NIP09_RULES: readonly Rule[] = [
  {
    ...rule,
    id: "09/by-id",
    says: "Events of the same key that e tags name are no longer served.",
    check: byId,
  },
  { ...rule, id: "09/by-address", says: "Events that a tags name are no longer served.", check: byAddress },
  {
    ...rule,
    id: "09/up-to-its-time",
    says: "An a tag reaches versions up to the request's created_at, none that is newer.",
    check: upToItsTime,
  },
  {
    ...rule,
    id: "09/versions-come-not-back",
    level: "advised",
    says: "All versions up to the request are gone, those that arrive later too.",
    check: versionsComeNotBack,
  },
  {
    ...rule,
    id: "09/own-events-only",
    says: "Only events of the request's own key are deleted.",
    check: others,
  },
  {
    ...rule,
    id: "09/comes-not-back",
    level: "advised",
    says: "A deleted event is not published again.",
    check: comesNotBack,
  },
  {
    ...rule,
    id: "09/request-first",
    level: "advised",
    says: "A request holds also for an event that arrives after it.",
    check: requestFirst,
  },
  {
    ...rule,
    id: "09/requests-stay",
    level: "advised",
    says: "Requests are served indefinitely.",
    check: requestsStay,
  },
  {
    ...rule,
    id: "09/requests-are-final",
    section: "Deletion Request of a Deletion Request",
    says: "A request against a request has no effect.",
    check: requestsAreFinal,
  },
];
