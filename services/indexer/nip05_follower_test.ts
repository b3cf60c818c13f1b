/**
 * Tests of following the log for identifiers: what is asked, when, and how often.
 * Run on the main thread, with a log and answers that the test gives.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { NIP05_AT_ONCE_MAX, NIP05_DOMAIN_SECONDS_MIN, NIP05_SITE_AT_ONCE_MAX } from "../../lib/limits.ts";
import { type DueIdentity, Identities, VerifiedAuthors } from "../../lib/nip05/identities.ts";
import { eventParts, eventText } from "../../lib/nostr/event.ts";
import type { IdRow, LogEntry, TextRow } from "../../lib/log/log_reader.ts";
import type { LogRange, LogSink } from "../../lib/log/log_rows.ts";
import { plainEvent } from "../../tests/support/plain_event.ts";
import type { Nip05Answer } from "./nip05_fetch.ts";
import { Nip05Follower } from "./nip05_follower.ts";

const NOW = 1_000_000;
const hex = (n: number) => n.toString(16).padStart(64, "0");

function entry(seq: number, nip05: string, kind = 0): LogEntry {
  const event = plainEvent({ id: hex(seq), pubkey: hex(seq), kind, content: JSON.stringify({ nip05 }) });
  return { type: "add", seq, text: eventText(event, eventParts(event)) };
}

/** What the log does, the simple way. */
function give(
  entries: readonly LogEntry[],
  { after, to, max }: LogRange,
  sink: LogSink<TextRow, IdRow>,
): number {
  const given = entries.filter(({ seq }) => seq > after && seq <= to).slice(0, max);
  for (const entry of given) {
    if (entry.type === "add") sink.add([entry.seq, entry.text]);
    else sink.remove([entry.seq, entry.id]);
  }
  return given.length === max ? given.at(-1)!.seq : to;
}

async function following(entries: LogEntry[], test: (parts: Following) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/nip05.db`;
  const asked: { readonly due: DueIdentity; readonly answer: (verdict: Nip05Answer["verdict"]) => void }[] =
    [];
  const clock = { seconds: NOW };
  const errors: string[] = [];
  const checked: string[] = [];
  const open = () =>
    new Nip05Follower({
      identities: new Identities(path),
      entries: {
        get lastSeq() {
          return entries.at(-1)?.seq ?? 0;
        },
        give: (range, sink) => give(entries, range, sink),
      },
      tail: null,
      check: (due) => {
        const { promise, resolve } = Promise.withResolvers<Nip05Answer>();
        asked.push({ due, answer: (verdict) => resolve({ verdict, reason: "" }) });
        return promise;
      },
      nowSeconds: () => clock.seconds,
      checked: (verdict) => void checked.push(verdict),
      log: { debug: () => {}, error: (line: string) => void errors.push(line) },
    });
  const verified = new VerifiedAuthors(path);
  try {
    await test({ open, asked, clock, verified, checked });
    assertEquals(errors, []);
  } finally {
    verified.close();
    await Deno.remove(directory, { recursive: true });
  }
}

interface Following {
  readonly open: () => Nip05Follower;
  readonly asked: { readonly due: DueIdentity; readonly answer: (verdict: Nip05Answer["verdict"]) => void }[];
  readonly clock: { seconds: number };
  readonly verified: VerifiedAuthors;
  readonly checked: readonly string[];
}

Deno.test("profiles are asked about, other events are not, and an answer is kept over a restart", () =>
  following([entry(1, "a@x.example"), entry(2, "a@y.example", 1)], async ({ open, asked, verified }) => {
    const follower = open();
    follower.turn();
    assertEquals(asked.map(({ due }) => due), [{ author: hex(1), name: "a", domain: "x.example" }]);
    follower.turn();
    assertEquals(asked.length, 1, "it is asked already");
    asked[0]!.answer("verified");
    await Promise.resolve().then(() => {});
    assertEquals(verified.of("x.example"), [hex(1)]);
    follower.close();
    const again = open();
    again.turn();
    assertEquals(asked.length, 1, "it was read before");
    again.close();
  }));

Deno.test("one domain is asked once in a while, and only so many domains at once", () => {
  const many = Array.from({ length: 3 * NIP05_AT_ONCE_MAX }, (_, n) => entry(n + 10, `a@x${n}.org${n}`));
  const one = [entry(1, "a@x.example"), entry(2, "b@x.example"), entry(3, "c@x.example")];
  return following([...one, ...many], async ({ open, asked, clock }) => {
    const follower = open();
    const ofOne = () => asked.filter(({ due }) => due.domain === "x.example").length;
    for (let turn = 0; turn < NIP05_AT_ONCE_MAX; turn++) follower.turn();
    assertEquals(asked.length, NIP05_AT_ONCE_MAX);
    assertEquals(ofOne(), 1);
    for (let turn = 1; turn < 60; turn++) {
      for (const { answer } of asked) answer("refuted");
      await new Promise((resolve) => setTimeout(resolve, 0));
      clock.seconds++;
      follower.turn();
      assert(ofOne() <= 1 + turn / NIP05_DOMAIN_SECONDS_MIN, `${ofOne()} after ${turn} seconds`);
    }
    assertEquals(asked.length, one.length + many.length, "each was asked about once");
    follower.close();
  });
});

Deno.test("servers of one site that keep silent take two places, and others are asked; each look-up is counted", () => {
  const silent = Array.from({ length: 200 }, (_, n) => entry(n + 100, `a@s${n}.silent.example`));
  const other = entry(1_000, "a@y.other");
  return following([...silent, other], async ({ open, asked, checked }) => {
    const follower = open();
    for (let turn = 0; turn < 20; turn++) follower.turn();
    assertEquals(
      asked.filter(({ due }) => due.domain.endsWith(".silent.example")).length,
      NIP05_SITE_AT_ONCE_MAX,
    );
    const answered = asked.find(({ due }) => due.domain === "y.other");
    answered!.answer("verified");
    asked[0]!.answer("unknown");
    await new Promise((resolve) => setTimeout(resolve, 0));
    assertEquals(checked.toSorted(), ["unknown", "verified"]);
    follower.turn();
    assertEquals(asked.length, NIP05_SITE_AT_ONCE_MAX + 1, "who was put off waits for some seconds");
    follower.close();
  });
});

Deno.test("an answer that comes after the end is dropped", () =>
  following([entry(1, "a@x.example")], async ({ open, asked }) => {
    const follower = open();
    follower.turn();
    follower.close();
    asked[0]!.answer("verified");
    await new Promise((resolve) => setTimeout(resolve, 0));
    follower.close();
  }));
