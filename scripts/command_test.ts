/** Tests of what all commands have in common: each tells its usage when asked, and when its words make no sense. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import config from "../deno.json" with { type: "json" };
import { numberOf, usageOf } from "./command.ts";

const ROOT = new URL("../", import.meta.url);
/** Each command of the tasks, with the permissions that its task gives it. */
const COMMANDS = Object.values(config.tasks).flatMap(({ command }) => {
  const [, flags, path] = /^deno run (.*?) ?(scripts\/\w+\.ts)$/.exec(command) ?? [];
  return path === undefined ? [] : [{ path, flags: flags!.split(" ") }];
});
/** Takes every flag, and passes it on to `deno test`. */
const TAKES_ALL = "scripts/test.ts";

async function run({ path, flags }: { path: string; flags: string[] }, word: string) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", ...flags, path, word],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, written: text(stdout), said: text(stderr) };
}

Deno.test("every command writes its usage when it is asked for help, and does nothing else", async () => {
  assertEquals(COMMANDS.length > 8, true);
  for (const command of COMMANDS) {
    const usage = await usageOf(new URL(command.path, ROOT).href);
    assertEquals(usage.split("\n").length > 1, true, command.path);
    assertEquals({ path: command.path, ...await run(command, "--help") }, {
      path: command.path,
      code: 0,
      written: `${usage}\n`,
      said: "",
    });
  }
});

Deno.test("a flag that a command does not know ends it with its usage and code 2", async () => {
  for (const command of COMMANDS.filter(({ path }) => path !== TAKES_ALL)) {
    const { code, written, said } = await run(command, "--no-such-flag");
    assertEquals([command.path, code, written], [command.path, 2, ""], said);
    assertStringIncludes(said, await usageOf(new URL(command.path, ROOT).href));
  }
});

Deno.test("numberOf() reads numbers, and names what is none", () => {
  assertEquals([numberOf("n", undefined, 7), numberOf("n", "5_000", 7)], [7, 5_000]);
  for (const text of ["", "x", "-1"]) {
    assertThrows(() => numberOf("n", text, 7), Error, `Cannot read --n "${text}": not a number`);
  }
});
