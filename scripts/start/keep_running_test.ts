/** Tests of the program that keeps the relay running: what is started again, and what stays ended. */
import { assertEquals } from "@std/assert";
import { EXIT_HANG } from "../../lib/limits.ts";
import { eventually } from "../../tests/support/eventually.ts";
import { keepRunning, type Life } from "./keep_running.ts";

/** Runs one shell command a life. */
function lives(
  ...commands: string[]
): { spawn: (life: Life) => Deno.ChildProcess; count: () => number; asked: Life[] } {
  let count = 0;
  const asked: Life[] = [];
  const spawn = (life: Life) => {
    asked.push(life);
    const args = ["-c", commands[Math.min(count++, commands.length - 1)]!];
    return new Deno.Command("sh", { args, stdout: "null", stderr: "null" }).spawn();
  };
  return { spawn, count: () => count, asked };
}

Deno.test("a relay that a signal killed, or that hung, is started again", async () => {
  const { spawn, asked } = lives("kill -ABRT $$", `exit ${EXIT_HANG}`, "exit 0");
  const said: string[] = [];
  assertEquals(await keepRunning(spawn, { delayMs: 1, say: (line) => said.push(line) }), 0);
  assertEquals(said.map((line) => line.replace(/ in \d+ ms/, "")), [
    "the relay died of SIGABRT: started again",
    `the relay died of exit code ${EXIT_HANG}: started again`,
  ]);
  assertEquals(asked, [0, 1, 2].map((restarts) => ({ restarts, takesOver: false })));
});

Deno.test("a relay that ended with a reason stays ended", async () => {
  const { spawn, count } = lives("exit 1");
  assertEquals(await keepRunning(spawn, { delayMs: 1, say: () => {} }), 1);
  assertEquals(count(), 1);
});

Deno.test("SIGTERM is passed on, and nothing is started again after it", async () => {
  const { spawn, count } = lives("trap 'exit 0' TERM; while :; do sleep 0.01; done");
  const running = keepRunning(spawn, { delayMs: 1, say: () => {} });
  await eventually(() => count() === 1);
  // The shell may not have set its trap yet: then the signal itself ends it, which counts as asked for, too.
  Deno.kill(Deno.pid, "SIGTERM");
  await running;
  assertEquals(count(), 1);
});

/** A program that runs until SIGTERM, or until this file is there, and then ends like this. */
function until(path: string, end: string): string {
  return `trap 'exit 0' TERM; while [ ! -e ${path} ]; do sleep 0.01; done; ${end}`;
}

Deno.test("a relay that handed over is not started again; the one that took over is", async () => {
  const directory = await Deno.makeTempDir({ prefix: "sluice-keep-" });
  let heard = 0;
  const hear = () => void heard++;
  try {
    const { spawn, count, asked } = lives(
      until(`${directory}/first`, "exit 0"),
      until(`${directory}/second`, "kill -ABRT $$"),
      "exit 3",
    );
    const running = keepRunning(spawn, { delayMs: 1, say: () => {} });
    // Listens after the program does, and so hears of a signal after it.
    Deno.addSignalListener("SIGUSR2", hear);
    await eventually(() => count() === 1);
    Deno.kill(Deno.pid, "SIGUSR2");
    await eventually(() => count() === 2 && heard === 1);
    // While one takes over, no third one is started.
    Deno.kill(Deno.pid, "SIGUSR2");
    await eventually(() => heard === 2);
    await Deno.writeTextFile(`${directory}/first`, "");
    await Deno.writeTextFile(`${directory}/second`, "");
    assertEquals(await running, 3);
    assertEquals(asked, [
      { restarts: 0, takesOver: false },
      { restarts: 0, takesOver: true },
      { restarts: 1, takesOver: false },
    ]);
  } finally {
    Deno.removeSignalListener("SIGUSR2", hear);
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a take-over that fails leaves the first, which may be asked again; nobody is left, and it counts", async () => {
  const directory = await Deno.makeTempDir({ prefix: "sluice-keep-" });
  try {
    const { spawn, count, asked } = lives(
      until(`${directory}/first`, "exit 0"),
      "exit 1",
      "kill -KILL $$",
      "exit 4",
    );
    const running = keepRunning(spawn, { delayMs: 1, say: () => {} });
    await eventually(() => count() === 1);
    for (const lives of [2, 3]) {
      await eventually(() => {
        if (count() < lives) Deno.kill(Deno.pid, "SIGUSR2");
        return count() === lives;
      });
    }
    await Deno.writeTextFile(`${directory}/first`, "");
    assertEquals(await running, 4);
    assertEquals(asked.map(({ restarts }) => restarts), [0, 0, 0, 1]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("SIGHUP reaches the relay that serves, and ends none, also while another one takes over", async () => {
  const directory = await Deno.makeTempDir({ prefix: "sluice-keep-" });
  const isThere = (name: string) => Deno.stat(`${directory}/${name}`).then(() => true, () => false);
  try {
    const { spawn, count } = lives(
      `trap 'touch ${directory}/reloaded' HUP; touch ${directory}/traps; ${
        until(`${directory}/first`, "exit 0")
      }`,
      until(`${directory}/second`, "exit 5"),
    );
    const running = keepRunning(spawn, { delayMs: 1, say: () => {} });
    await eventually(() => isThere("traps"));
    Deno.kill(Deno.pid, "SIGUSR2");
    await eventually(() => count() === 2);
    Deno.kill(Deno.pid, "SIGHUP");
    await eventually(() => isThere("reloaded"));
    await Deno.writeTextFile(`${directory}/first`, "");
    await Deno.writeTextFile(`${directory}/second`, "");
    assertEquals(await running, 5);
    assertEquals(count(), 2);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
