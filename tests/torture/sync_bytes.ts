/**
 * Bad bytes in sessions of negentropy (NIP-77): a client that syncs as others do, some bytes of whose messages are wrong.
 * Each message is answered once, by a message of version 1 or by a refusal that ends the session.
 *
 * Runs in the process of whoever calls it, which owns the sockets.
 *
 * @module
 */
import { Initiator } from "../../lib/negentropy/initiator.ts";
import { SortedVectorBuilder } from "../../lib/negentropy/sorted_vector.ts";
import { connect, type Message, type TestClient } from "../support/client.ts";
import type { Prng } from "../support/prng.ts";
import type { Findings } from "./trial.ts";

/** Sessions of one connection, at the same time: fewer than a connection may have. */
const SESSIONS = 8;
const ROUNDS_MAX = 12;
const ANSWER_MS_MAX = 30_000;
const ITEMS_MAX = 3_000;
/** What varints and ids are broken by: the longest numbers, endless ones, modes that there are none of. */
const ODD_BYTES = [[0xff], [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80], [0x00], [0x03], [
  0x61,
], []];

/** Syncs until `untilMs`, or with so many messages. */
export async function fuzzSyncs(
  url: string,
  prng: Prng,
  findings: Findings,
  { untilMs, framesMax }: { untilMs: number; framesMax: number },
): Promise<void> {
  for (let sent = 0; sent < framesMax && performance.now() < untilMs;) {
    await using client = await connect(url, { timeoutMs: ANSWER_MS_MAX });
    const counts = await Promise.all(
      Array.from({ length: SESSIONS }, (_, n) => session(client, `sync ${n}`, prng, findings)),
    );
    sent += counts.reduce((sum, count) => sum + count, 0);
    if (client.inbox.length > 0) {
      findings.fail("negentropy", [`nobody waits for ${JSON.stringify(client.inbox[0]).slice(0, 200)}`]);
    }
  }
}

/** One session, to its end or to ours. Returns how many messages it sent. */
async function session(client: TestClient, id: string, prng: Prng, findings: Findings): Promise<number> {
  const initiator = new Initiator(someItems(prng), prng.chance(0.3) ? { frameBytesMax: 4_096 } : {});
  let message: Uint8Array | null = initiator.initiate();
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const hex = (prng.chance(0.5) ? mutateBytes(prng, message) : message).toHex();
    client.send(round === 0 ? ["NEG-OPEN", id, { kinds: [1, 7] }, hex] : ["NEG-MSG", id, hex]);
    findings.count("negentropy messages");
    let answer: Message;
    try {
      answer = await client.next(([, subject]) => subject === id);
    } catch (error) {
      findings.fail("negentropy", [`${error}: ${hex.slice(0, 500)}`]);
      return round + 1;
    }
    if (answer[0] === "NEG-ERR") return round + 1;
    if (answer[0] !== "NEG-MSG" || !/^61(?:[0-9a-f]{2})*$/.test(answer[2] as string)) {
      findings.fail("negentropy", [`${JSON.stringify(answer).slice(0, 200)} answers ${hex.slice(0, 500)}`]);
    }
    message = nextMessage(initiator, Uint8Array.fromHex(answer[2] as string)) ?? message;
  }
  client.send(["NEG-CLOSE", id]);
  return ROUNDS_MAX;
}

/** What a right client would say next; null if the answer to a wrong message makes no sense to it, or it is done. */
function nextMessage(initiator: Initiator, answer: Uint8Array): Uint8Array | null {
  try {
    return initiator.receive(answer).message;
  } catch {
    return null;
  }
}

function someItems(prng: Prng) {
  const builder = new SortedVectorBuilder();
  const start = Math.floor(Date.now() / 1000) - 200_000;
  for (let n = prng.int(0, prng.chance(0.2) ? ITEMS_MAX : 50); n > 0; n--) {
    builder.addHex(start + prng.int(0, 100_000), prng.hex(32));
  }
  return builder.build();
}

/** Some bytes changed, gone, doubled or put in. */
function mutateBytes(prng: Prng, bytes: Uint8Array): Uint8Array {
  let result = [...bytes];
  for (let times = prng.int(1, 3); times > 0; times--) {
    const at = prng.int(0, result.length);
    const end = Math.min(result.length, at + prng.int(1, prng.chance(0.2) ? 64 : 4));
    switch (prng.int(0, 3)) {
      case 0:
        result = [...result.slice(0, at), ...result.slice(end)];
        break;
      case 1:
        result = [
          ...result.slice(0, at),
          ...prng.pick(ODD_BYTES),
          ...result.slice(prng.chance(0.5) ? at : end),
        ];
        break;
      case 2:
        if (at < result.length) result[at] = prng.int(0, 255);
        break;
      default:
        result = [...result.slice(0, end), ...result.slice(at)];
    }
  }
  return new Uint8Array(result);
}
