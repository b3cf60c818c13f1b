/**
 * The command around the relay checker: its arguments, its exit codes, its report.
 *
 * @module
 */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { freePort } from "../tests/support/free_port.ts";
import { readArguments } from "./check_relay.ts";
import { lineOf, tallyOf } from "../check_relay/report.ts";
import type { Level, Result } from "../check_relay/rule.ts";
import { RULES } from "../check_relay/rules/all.ts";
import { tryRule } from "../check_relay/run.ts";
import { Subject } from "../check_relay/subject.ts";

function result(outcome: Result["outcome"], level: Level): Result {
  const check = () => Promise.resolve("");
  const rule = { id: "01/x", nip: 1, section: "Kinds", says: "It says so.", level, check };
  return { rule, outcome, seen: "this and that" };
}

Deno.test("readArguments() takes one URL and the options of the usage", () => {
  const args = readArguments([
    "wss://relay.example.com",
    "--nips",
    "1,11",
    "--json",
    "--key",
    "1".repeat(64),
  ]);
  assertEquals(args.url, "wss://relay.example.com");
  assertEquals(args.nips, new Set([1, 11]));
  assertEquals(args.isJson, true);
  assertEquals(args.adminKey?.pubkey.length, 64);
  for (
    const wrong of [[], ["http://a.example"], ["ws://a", "ws://b"], ["ws://a", "--nips", "x"], [
      "ws://a",
      "--key",
      "1",
    ]]
  ) {
    assertThrows(() => readArguments(wrong));
  }
});

Deno.test("the report counts required and advised failures apart, and shows what was seen where it matters", () => {
  const results = [
    result("pass", "required"),
    result("fail", "required"),
    result("fail", "advised"),
    result("n.a.", "advised"),
  ];
  assertEquals(tallyOf(results), { passed: 1, failedRequired: 1, failedAdvised: 1, notApplicable: 1 });
  assertEquals(lineOf(results[0]!, false).includes("\n"), false);
  assertStringIncludes(lineOf(results[1]!, false), "this and that");
});

Deno.test("a relay that cannot be reached ends the command with 2", async () => {
  const script = new URL("./check_relay.ts", import.meta.url);
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", script.pathname, `ws://127.0.0.1:${freePort()}`],
  }).output();
  assertEquals(code, 2);
  assertStringIncludes(new TextDecoder().decode(stderr), "Cannot reach relay");
});

/** A relay that says yes to everything, and keeps nothing. */
function yesRelay(): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    if (request.headers.get("upgrade") !== "websocket") return new Response("{}");
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => {
      const [type, id] = JSON.parse(data);
      if (type === "EVENT") socket.send(JSON.stringify(["OK", id?.id, true, ""]));
      if (type === "REQ") socket.send(JSON.stringify(["EOSE", id]));
    };
    return response;
  });
}

Deno.test("a relay that accepts everything and keeps nothing is found out", async () => {
  await using server = yesRelay();
  const relay = await Subject.meet({ url: `ws://127.0.0.1:${server.addr.port}/`, answerMs: 200 });
  const outcomes = new Map<string, string>();
  const rules = RULES.filter(({ id }) =>
    /^01\/(event-|id-|signature-|kind-range|live$|filter-no-prefix|ok-form)/.test(id)
  );
  for (const rule of rules) outcomes.set(rule.id, (await tryRule(relay, rule)).outcome);
  assertEquals(Object.fromEntries(outcomes), {
    "01/event-accepted": "pass",
    "01/event-unchanged": "fail",
    "01/id-verified": "fail",
    "01/signature-verified": "fail",
    "01/kind-range": "fail",
    "01/filter-no-prefix": "fail",
    "01/live": "fail",
    "01/ok-form": "pass",
  });
  const unlisted = RULES.filter(({ nip }) => nip === 77);
  for (const rule of unlisted) assertEquals((await tryRule(relay, rule)).outcome, "n.a.");
});
