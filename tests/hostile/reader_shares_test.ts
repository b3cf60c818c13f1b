/**
 * A client that takes all it can of a reader: queries with long filters that stay open because it reads nothing. It gets
 * a share, and others are answered meanwhile.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { READER_QUERY_BYTES_CONNECTION_MAX } from "../../lib/limits.ts";
import { publishGood } from "../pipeline/traffic.ts";
import { OPCODE, openRawSocket, textFrame } from "../protocol/raw_socket.ts";
import { connect } from "../support/client.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, testKey } from "../support/sign.ts";

const decoder = new TextDecoder();
/** More than a socket's buffers hold, so that queries pause; less than costs a slow reader its connection. */
const FILLERS = 14;
const HOSTILE = 60;

/** A search that finds nothing, among so many authors that two of them nearly fill a message. */
function emptySearch(n: number) {
  const authors = Array.from({ length: 1_800 }, (_, i) => (n * 10_000 + i).toString(16).padStart(64, "f"));
  return { search: "nothing", authors };
}

Deno.test("paused queries of one client take a share of the reader, and others are answered", async () => {
  await using relay = await startRelay({ env: { READER_WORKERS: "1", GATEWAY_WORKERS: "1" } });
  await using other = await connect(relay.url, { timeoutMs: 30_000 });
  const long = "x".repeat(190_000);
  await publishGood(
    other,
    Array.from({ length: 10 }, (_, n) => signEvent(testKey(1), { content: `${n} ${long}` })),
    4,
  );
  using hostile = await openRawSocket(relay.url);
  for (let n = 0; n < FILLERS; n++) {
    await hostile.write(textFrame(JSON.stringify(["REQ", `fill ${n}`, { authors: [testKey(1).pubkey] }])));
  }
  const asked = (n: number) => JSON.stringify(["REQ", `q${n}`, emptySearch(2 * n), emptySearch(2 * n + 1)]);
  for (let n = 0; n < HOSTILE; n++) await hostile.write(textFrame(asked(n)));
  assertEquals((await other.query({ search: "nothing" })).eose?.[0], "EOSE");
  other.send(["COUNT", "mine", { kinds: [1] }]);
  assertEquals(await other.nextOfType("COUNT"), ["COUNT", "mine", { count: 10 }]);

  const ends: string[] = [];
  let isOpen = true;
  while (isOpen && ends.length < HOSTILE) {
    isOpen = await hostile.readFrames((opcode, payload) => {
      if (opcode !== OPCODE.text || payload.length > 1_000) return;
      const [type, id, reason] = JSON.parse(decoder.decode(payload));
      if (id.startsWith("q")) ends.push(type === "CLOSED" ? reason : type);
    });
  }
  const refused = ends.filter((end) => end.startsWith("rate-limited: "));
  assertEquals(refused.length + ends.filter((end) => end === "EOSE").length, HOSTILE, ends.join("\n"));
  // The first few may have ended before the socket was full.
  const share = Math.floor(READER_QUERY_BYTES_CONNECTION_MAX / asked(0).length);
  assert(refused.length > 0 && refused.length >= HOSTILE - share - FILLERS, `${refused.length} were refused`);
});
