/**
 * Tests of the union of what names relays. Run on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { UPSTREAM_LIST_URLS_MAX } from "../limits.ts";
import { RelaySources, urlsOfLines, urlsOfRelayList, urlsOfReport, workerOf } from "./relay_sources.ts";

Deno.test("a relay that several name is one, and who named it is kept", () => {
  const sources = new RelaySources();
  sources.set("follow", "author", ["wss://a.example", "wss://b.example"]);
  sources.set("follow", "other", ["wss://a.example"]);
  sources.set("settings", "", ["wss://a.example"]);
  const { relays, leftOut } = sources.relays(10);
  assertEquals([...relays.values()], [
    { url: "wss://a.example", sources: ["settings", "follow"] },
    { url: "wss://b.example", sources: ["follow"] },
  ]);
  assertEquals(leftOut, 0);
});

Deno.test("beyond the bound the operator's own come first, and the rest is counted", () => {
  const sources = new RelaySources();
  sources.set("monitor", "report", ["wss://x.example", "wss://y.example"]);
  sources.set("api", "", ["wss://api.example"]);
  sources.set("settings", "", ["wss://set.example"]);
  const { relays, leftOut } = sources.relays(3);
  assertEquals([...relays.keys()], ["wss://set.example", "wss://api.example", "wss://x.example"]);
  assertEquals(leftOut, 1);
});

Deno.test("a list takes the place of the one before it, and the version tells of changes only", () => {
  const sources = new RelaySources();
  sources.set("follow", "author", ["wss://a.example"]);
  const { version } = sources;
  sources.set("follow", "author", ["wss://a.example"]);
  assertEquals(sources.version, version);
  sources.set("follow", "author", ["wss://b.example"]);
  assert(sources.version > version);
  assertEquals([...sources.relays(10).relays.keys()], ["wss://b.example"]);
  sources.keep("follow", new Set());
  assertEquals([sources.count("follow"), sources.relays(10).relays.size], [0, 0]);
});

Deno.test("a file has one URL a line, with comments", () => {
  const wrong: string[] = [];
  const text =
    "# mine\nwss://A.example/ # the first\r\n\nwss://b.example/#x\nhttp://c.example\nwss://a.example\n";
  const urls = urlsOfLines(text, (line, text) => wrong.push(`${line}: ${text}`));
  assertEquals(urls, ["wss://a.example", "wss://b.example"]);
  assertEquals(wrong, ["5: http://c.example"]);
});

Deno.test("a list of kind 10002 names the relays to which its author writes, up to a bound", () => {
  const tags = [
    ["r", "wss://both.example"],
    ["r", "wss://write.example/", "write"],
    ["r", "wss://read.example", "read"],
    ["r"],
    ["r", "javascript:alert(1)"],
    ["r", "ws://hidden.onion"],
    ["p", "wss://no.example"],
  ];
  assertEquals(urlsOfRelayList({ kind: 10002, tags }), ["wss://both.example", "wss://write.example"]);
  const many = Array.from({ length: 1_000 }, (_, n) => ["r", `wss://r${n}.example`]);
  assertEquals(urlsOfRelayList({ kind: 10002, tags: many }).length, UPSTREAM_LIST_URLS_MAX);
});

Deno.test("a report of kind 30166 names one relay of the clear net", () => {
  const report = (...tags: string[][]) => urlsOfReport({ kind: 30166, tags });
  assertEquals(report(["d", "wss://a.example/"], ["n", "clearnet"]), ["wss://a.example"]);
  assertEquals(report(["d", "wss://a.example/"]), ["wss://a.example"]);
  assertEquals(report(["d", "ws://a.example/"], ["n", "tor"]), []);
  assertEquals(report(["d", "ab".repeat(32)]), []);
  assertEquals(report(["n", "clearnet"]), []);
});

Deno.test("relays of one host are served by one worker, and hosts are spread", () => {
  const shares = [0, 0, 0, 0];
  for (let n = 0; n < 4_000; n++) shares[workerOf(`relay${n}.example`, 4)]!++;
  assert(shares.every((share) => share > 800), `shares ${shares}`);
  assertEquals(workerOf("a.example", 3), workerOf("a.example", 3));
});
