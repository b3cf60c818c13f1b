/** Tests of the lint plugin: each rule finds what it bans, and leaves the rest alone. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import plugin, { bannedWord } from "./lint_plugin.ts";

/** The rules that a source breaks, in the order of the source. */
function broken(source: string, path = "services/gateway/worker.ts"): string[] {
  return Deno.lint.runPlugin(plugin, `/project/${path}`, source).map(({ id }) => id.replace("sluice/", ""));
}

Deno.test("bannedWord() finds whole words in every case style", () => {
  assertEquals(bannedWord("LaneManager"), "manager");
  assertEquals(bannedWord("lane_helpers_test"), "helpers");
  assertEquals(bannedWord("BASE_URL"), "base");
  assertEquals(bannedWord("onHandler2"), "handler");
  assertEquals(bannedWord("database"), undefined);
  assertEquals(bannedWord("utility"), undefined);
});

Deno.test("words: names that say nothing are found where they are declared", () => {
  assertEquals(broken("const queryHelper = 1;"), ["words"]);
  assertEquals(broken("function f(baseUrl: string) { return baseUrl; }"), ["words"]);
  assertEquals(broken("class LaneManager { #handler = 1; commonPart() {} }"), ["words", "words", "words"]);
  assertEquals(broken("interface Util { base: string; }"), ["words", "words"]);
});

Deno.test("words: a name of somebody else may be used", () => {
  assertEquals(broken("const a = new URL(location.base); options.handler(a);"), []);
  const [finding] = Deno.lint.runPlugin(plugin, "/project/a.ts", "let handler;");
  assertStringIncludes(finding!.message, "receive or answer");
});

Deno.test("function-length: 70 lines are enough, 71 are not", () => {
  const function70 = `function f() {\n${"f();\n".repeat(68)}}`;
  assertEquals(broken(function70), []);
  assertEquals(broken(function70.replace("{", "{\n")), ["function-length"]);
});

Deno.test("no-default-export: a default export is found", () => {
  assertEquals(broken("export default function f() {}"), ["no-default-export"]);
  assertEquals(broken("export function f() {}"), []);
});

Deno.test("no-top-level-arrow: functions of the module are declared, inner ones may be arrows", () => {
  assertEquals(broken("const f = () => 1; export const g = () => 2;"), [
    "no-top-level-arrow",
    "no-top-level-arrow",
  ]);
  assertEquals(broken("function f() { const g = () => 1; return g; } const h = [1].map((x) => x);"), []);
  assertEquals(broken("export const middleware: Middleware = async (c, next) => { await next(); };"), []);
  assertEquals(broken("const f = () => 1;", "lib/queue/lane_test.ts"), []);
});

Deno.test("pure-lib: an engine takes no clock, randomness, environment or thread by itself", () => {
  const sources = [
    "Date.now();",
    "new Date();",
    "Math.random();",
    "performance.now();",
    "crypto.getRandomValues(a);",
    "Deno.env.get('A');",
    "Deno.serve(f);",
    "setTimeout(f, 1);",
    "new Worker(url);",
  ];
  for (const source of sources) {
    assertEquals(broken(source, "lib/store/read/scan.ts"), ["pure-lib"], source);
    assertEquals(broken(source, "lib/store/scan_test.ts"), [], source);
    assertEquals(broken(source, "services/store/worker.ts"), [], source);
  }
});

Deno.test("pure-lib: what is injected may be used", () => {
  assertEquals(broken("clock.now(); new Date(seconds); random.next(); process.env;", "lib/a.ts"), []);
});

Deno.test("linear-patterns: what clients' texts meet takes no square of their length", () => {
  assertEquals(broken("const END = /\\/+$/;", "lib/nostr/relay_url.ts"), ["linear-patterns"]);
  assertEquals(broken("const END = /\\/+$/;", "lib/nostr/relay_url_test.ts"), []);
  assertEquals(broken("const ID = /^[0-9a-f]{64}$/; const path = a / b;", "runtime/logger.ts"), []);
});
