/** Tests of the program that keeps the relay running: what is started again, and what stays ended. */
import { assertEquals } from "@std/assert";
import { EXIT_STANDSTILL } from "../../lib/limits.ts";
import { eventually } from "../../tests/support/eventually.ts";
import { keepRunning } from "./keep_running.ts";

/** Runs one shell command a life. */
function lives(
  ...commands: string[]
): { spawn: (restarts: number) => Deno.ChildProcess; count: () => number } {
  let count = 0;
  const spawn = (restarts: number) => {
    assertEquals(restarts, count);
    const args = ["-c", commands[Math.min(count++, commands.length - 1)]!];
    return new Deno.Command("sh", { args, stdout: "null", stderr: "null" }).spawn();
  };
  return { spawn, count: () => count };
}

Deno.test("a relay that a signal killed, or that stood still, is started again", async () => {
  const { spawn, count } = lives("kill -ABRT $$", `exit ${EXIT_STANDSTILL}`, "exit 0");
  const said: string[] = [];
  assertEquals(await keepRunning({ spawn }, 1, (line) => said.push(line)), 0);
  assertEquals(count(), 3);
  assertEquals(said.map((line) => line.replace(/ in \d+ ms/, "")), [
    "the relay died of SIGABRT: started again",
    `the relay died of exit code ${EXIT_STANDSTILL}: started again`,
  ]);
});

Deno.test("a relay that ended with a reason stays ended", async () => {
  const { spawn, count } = lives("exit 1");
  assertEquals(await keepRunning({ spawn }, 1, () => {}), 1);
  assertEquals(count(), 1);
});

Deno.test("SIGTERM is passed on, and nothing is started again after it", async () => {
  const { spawn, count } = lives("trap 'exit 0' TERM; while :; do sleep 0.01; done");
  const running = keepRunning({ spawn }, 1, () => {});
  await eventually(() => count() === 1);
  // The shell may not have set its trap yet: then the signal itself ends it, which counts as asked for, too.
  Deno.kill(Deno.pid, "SIGTERM");
  await running;
  assertEquals(count(), 1);
});
