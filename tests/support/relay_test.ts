/** Tests of starting and ending a relay, with small programs in its place. */
import { assert, assertEquals, assertNotEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { eventually } from "./eventually.ts";
import { startRelay } from "./relay.ts";

/** Answers /ready at the second request, ends with code 7 on SIGTERM, and tells about itself. */
const PROGRAM = `
console.log("program started with", Deno.env.get("EXTRA"));
console.error("to standard error");
let requests = 0;
Deno.writeTextFileSync(Deno.env.get("DATA_DIR") + "/runs", "x", { append: true });
Deno.addSignalListener("SIGTERM", () => { console.log("ends"); Deno.exit(7); });
Deno.serve({ port: Number(Deno.env.get("PORT")), hostname: "127.0.0.1", onListen() {} }, () => {
  requests += 1;
  return new Response(String(Deno.env.get("SEED")), { status: requests > 1 ? 200 : 503 });
});`;

/** The command that runs a program given as text. */
function evaluate(program: string): string[] {
  return [Deno.execPath(), "eval", program];
}

Deno.test("startRelay() waits for /ready, and stop() ends the relay by its own handler", async () => {
  await using relay = await startRelay({ command: evaluate(PROGRAM), env: { EXTRA: "setting" } });
  assertStringIncludes(relay.output(), "program started with setting");
  assertStringIncludes(relay.output(), "to standard error");
  assertEquals((await Deno.stat(relay.dataDir)).isDirectory, true);
  assertEquals(await relay.stop(), { code: 7, signal: null });
  assertStringIncludes(relay.output(), "ends");
});

Deno.test("TestRelay.kill() leaves the relay no chance, and restart() keeps port and data", async () => {
  await using relay = await startRelay({ command: evaluate(PROGRAM) });
  const { pid, url } = relay;
  assertEquals((await relay.kill()).signal, "SIGKILL");
  assert(!relay.output().includes("ends"));
  await assertRejects(() => fetch(relay.httpUrl));
  await relay.restart({ EXTRA: "second run" });
  assertNotEquals(relay.pid, pid);
  assertEquals(relay.url, url);
  assertStringIncludes(relay.output(), "second run");
  assertEquals(await Deno.readTextFile(`${relay.dataDir}/runs`), "xx");
});

Deno.test("startRelay() keeps settings of the test process away from the relay", async () => {
  const before = Deno.env.get("SEED");
  Deno.env.set("SEED", "1");
  try {
    await using relay = await startRelay({ command: evaluate(PROGRAM) });
    assertEquals(await (await fetch(relay.httpUrl)).text(), "undefined");
  } finally {
    if (before === undefined) Deno.env.delete("SEED");
    else Deno.env.set("SEED", before);
  }
});

Deno.test("startRelay() rejects with the output of a program that ends", async () => {
  const command = evaluate(`console.error("no such setting"); Deno.exit(3)`);
  const error = await assertRejects(() => startRelay({ command }), Error, "ended with code 3");
  assertStringIncludes(error.message, "no such setting");
});

Deno.test("startRelay() rejects after its bound and leaves no process", async () => {
  const program = `console.log("pid", Deno.pid); setInterval(() => {}, 1000)`;
  const error = await assertRejects(
    () => startRelay({ command: evaluate(program), readyMs: 1_500 }),
    Error,
    "not ready",
  );
  const pid = Number(error.message.match(/pid (\d+)/)?.[1]);
  await eventually(() => !isAlive(pid));
});

/** Signal 0 asks whether a process is there. */
function isAlive(pid: number): boolean {
  return new Deno.Command("kill", { args: ["-0", String(pid)], stderr: "null" }).outputSync().success;
}
