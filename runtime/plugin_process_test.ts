/**
 * Tests with real plugins: small scripts of the shell, of Python and of Deno.
 * Each test owns its processes and a temporary directory.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { eventually } from "../tests/support/eventually.ts";
import { key, NOW, plainEvent } from "../tests/support/plain_event.ts";
import type { Decision } from "../lib/plugin/decision.ts";
import {
  eventRequest,
  filtersRequest,
  type PluginOrigin,
  type PluginRequest,
} from "../lib/plugin/request.ts";
import { PluginProcess } from "./plugin_process.ts";

/** Far above what any plugin here needs, so that a busy machine fails no test. */
const PATIENCE_MS = 30_000;

const ORIGIN: PluginOrigin = {
  receivedAtSeconds: NOW,
  sourceType: "IP4",
  sourceInfo: "192.0.2.1",
  authenticated: new Set(),
};

function request(digit: string, origin = ORIGIN): PluginRequest {
  const event = plainEvent({ id: key(digit) });
  return eventRequest({ id: event.id, pubkey: event.pubkey, text: JSON.stringify(event) }, origin);
}

/** A shell script that answers each event by the first digit of its id. `$id` and `$line` are set in `body`. */
function shell(body: string): string {
  return "while read -r line; do " +
    `id=$(printf %s "$line" | sed 's/.*"event":{"id":"\\([0-9a-f]*\\)".*/\\1/'); ${body}; done`;
}
const ACCEPT = `printf '{"id":"%s","action":"accept"}\\n' "$id"`;

interface Bench {
  readonly plugin: PluginProcess;
  readonly logged: string[];
  readonly directory: string;
  /** The decision in a word. */
  ask(digit: string, origin?: PluginOrigin): Promise<string>;
}

interface BenchOptions {
  readonly command: string | ((directory: string) => string);
  readonly timeoutMs?: number;
  readonly inFlightMax?: number;
  readonly respawnMs?: number;
}

function word(decision: Decision): string {
  return decision.action === "reject" ? decision.message : decision.action;
}

/** Runs `fn` with a plugin and ends it. Deno's own check finds a process or a timer that is left. */
async function bench(options: BenchOptions, fn: (bench: Bench) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  const logged: string[] = [];
  const note = (message: string) => logged.push(message);
  const { command } = options;
  const plugin = new PluginProcess({
    timeoutMs: PATIENCE_MS,
    respawnMs: 0,
    ...options,
    command: typeof command === "string" ? command : command(directory),
    log: { info: note, warn: note, error: note },
  });
  const ask = async (digit: string, origin?: PluginOrigin) => word(await plugin.ask(request(digit, origin)));
  try {
    await fn({ plugin, logged, directory, ask });
  } finally {
    await plugin.close();
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("a plugin of the shell accepts, rejects and rejects in secret", async () => {
  const script = shell(
    `case $id in a*) ${ACCEPT};; b*) printf '{"id":"%s","action":"reject","msg":"blocked: no"}\\n' "$id";; ` +
      `*) printf '{"id":"%s","action":"shadowReject"}\\n' "$id";; esac`,
  );
  await bench({ command: script }, async ({ ask, logged }) => {
    assertEquals(await Promise.all([ask("a"), ask("b"), ask("c"), ask("a")]), [
      "accept",
      "blocked: no",
      "shadowReject",
      "accept",
    ]);
    assertEquals(logged.length, 1);
    assert(logged[0]!.startsWith("starting plugin"));
  });
});

const python = await new Deno.Command("/bin/sh", { args: ["-c", "command -v python3"], stdout: "null" })
  .output();
Deno.test({
  name: python.success
    ? "a plugin in Python sees what strfry sends, and who is authenticated"
    : "a plugin in Python: skipped, no python3 here",
  ignore: !python.success,
  fn: () =>
    bench({ command: (directory) => `python3 -u ${directory}/plugin.py` }, async ({ directory, ask }) => {
      await Deno.writeTextFile(
        `${directory}/plugin.py`,
        [
          "import json, sys",
          "for line in sys.stdin:",
          "    asked = json.loads(line)",
          "    keys = ('type', 'receivedAt', 'sourceType', 'sourceInfo', 'authed')",
          "    msg = 'restricted: ' + ' '.join(str(asked.get(key)) for key in keys)",
          "    answer = {'id': asked['event']['id'], 'action': 'reject', 'msg': msg}",
          "    print(json.dumps(answer), flush=True)",
        ].join("\n"),
      );
      assertEquals(await ask("a"), `restricted: new ${NOW} IP4 192.0.2.1 None`);
      const origin = {
        ...ORIGIN,
        sourceType: "Import" as const,
        sourceInfo: "",
        authenticated: new Set([key("b")]),
      };
      assertEquals(await ask("a", origin), `restricted: new ${NOW} Import  ${key("b")}`);
    }),
});

Deno.test("a plugin in TypeScript decides about requests and counts", async () => {
  const command = (directory: string) =>
    `${Deno.execPath()} run --no-lock --no-config ${directory}/plugin.ts`;
  await bench({ command }, async ({ directory, plugin }) => {
    await Deno.writeTextFile(
      `${directory}/plugin.ts`,
      `const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
       let begun = "";
       for await (const text of lines) {
         const whole = (begun + text).split("\\n");
         begun = whole.pop()!;
         for (const { id, type, filters } of whole.map((line) => JSON.parse(line))) {
           const isDear = filters.some((filter: object) => !("kinds" in filter));
           const msg = "restricted: " + type + " without kinds";
           console.log(JSON.stringify(isDear ? { id, action: "reject", msg } : { id, action: "accept" }));
         }
       }`,
    );
    const ask = (type: "req" | "count", id: string, filters: unknown[]) =>
      plugin.ask(filtersRequest({ type, id, subscription: "sub", filters }, ORIGIN)).then(word);
    assertEquals(await Promise.all([ask("req", "1", [{ kinds: [1] }]), ask("count", "2", [{ limit: 1 }])]), [
      "accept",
      "restricted: count without kinds",
    ]);
  });
});

Deno.test("a plugin that dies fails closed, and the next event starts it again", async () => {
  await bench({ command: shell(`case $id in a*) ${ACCEPT};; *) exit 3;; esac`) }, async ({ ask, logged }) => {
    assertEquals(await ask("a"), "accept");
    assertEquals(await ask("d"), "error: internal error");
    assertEquals(await ask("a"), "accept");
    assertEquals(logged.filter((line) => line.startsWith("starting plugin")).length, 2);
    assert(logged.some((line) => line.includes("failed: ")), logged.join("\n"));
  });
});

Deno.test("what waits behind an event that kills the plugin is decided by the next one", async () => {
  await bench({ command: shell(`case $id in a*) ${ACCEPT};; *) exit 3;; esac`) }, async ({ ask }) => {
    assertEquals(await Promise.all([ask("a"), ask("d"), ask("a"), ask("a")]), [
      "accept",
      "error: internal error",
      "accept",
      "accept",
    ]);
  });
});

Deno.test("a plugin that hangs is ended after its time with all that it started, and the next one serves", async () => {
  // The child of the shell ignores the polite signal, so that only the group's end reaches it.
  const hang = `(trap "" TERM; echo $$ >$DIRECTORY/pid; sleep 1000; true) & echo $! >$DIRECTORY/child; wait`;
  const command = (directory: string) =>
    `DIRECTORY=${directory}; ` + shell(`case $id in a*) ${ACCEPT};; *) ${hang};; esac`);
  await bench({ command, timeoutMs: 2_000 }, async ({ ask, logged, directory, plugin }) => {
    assertEquals(await ask("a"), "accept");
    assertEquals(await ask("d"), "error: internal error");
    assert(
      logged.some((line) => line.endsWith("failed: it gave no answer within 2000 ms")),
      logged.join("\n"),
    );
    assertEquals(await ask("a"), "accept");
    const child = Number(await Deno.readTextFile(`${directory}/child`));
    await plugin.close();
    await eventually(() => !isAlive(child), PATIENCE_MS, "the plugin's child is gone");
  });
});

function isAlive(pid: number): boolean {
  try {
    const state = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ").at(-1)![0];
    return state !== "Z";
  } catch {
    return false;
  }
}

Deno.test("a plugin that does not read its input fails closed as well", async () => {
  await bench({ command: "exec sleep 1000", timeoutMs: 500 }, async ({ ask }) => {
    assertEquals(await ask("a"), "error: internal error");
  });
});

Deno.test("lines that are not JSON are logged and passed over", async () => {
  const command = shell(`echo hello; echo; echo '{"id'; ${ACCEPT}`);
  await bench({ command }, async ({ ask, logged }) => {
    assertEquals(await ask("a"), "accept");
    assertEquals(await ask("b"), "accept");
    assert(logged.includes('the plugin wrote a line that is not JSON: "hello"'), logged.join("\n"));
    assert(logged.includes('the plugin wrote a line that is not JSON: "{\\"id"'), logged.join("\n"));
  });
});

Deno.test("an answer for another id, of an unknown action or without end is a plugin's end", async () => {
  const answers = {
    [`echo '{"id":"00","action":"accept"}'`]: 'it answered for the id "00", which was not asked',
    [`printf '{"id":"%s","action":"allow"}\\n' "$id"`]: 'its answer has the unknown action "allow"',
    "echo 7": "its answer is not an object",
    "tr '\\0' x </dev/zero": "Cannot read line: it is longer than 65536 bytes",
    "exec 1>&-; sleep 1000": "it closed its output",
  };
  for (const [answer, why] of Object.entries(answers)) {
    const command = shell(`case $id in a*) ${ACCEPT};; *) ${answer};; esac`);
    await bench({ command }, async ({ ask, logged }) => {
      assertEquals(await ask("d"), "error: internal error", answer);
      assert(logged.at(-1)!.endsWith(`failed: ${why}`), logged.join("\n"));
      assertEquals(await ask("a"), "accept", answer);
    });
  }
});

Deno.test("a second answer for one event is a fault, and fails nothing that was decided", async () => {
  const command = shell(`${ACCEPT}; case $id in b*) ${ACCEPT};; esac`);
  await bench({ command }, async ({ ask, logged }) => {
    assertEquals(await ask("b"), "accept");
    await eventually(() => logged.some((line) => line.includes("which was not asked")), PATIENCE_MS);
    assertEquals(await ask("a"), "accept");
  });
});

Deno.test("a slow plugin is asked one thing at a time, and several where that is configured", async () => {
  // It answers only after it has read two lines, so that it serves nobody who asks one thing at a time.
  const pairs = 'while read -r one && read -r two; do for line in "$two" "$one"; do ' +
    `id=$(printf %s "$line" | sed 's/.*"event":{"id":"\\([0-9a-f]*\\)".*/\\1/'); ${ACCEPT}; done; done`;
  await bench({ command: pairs, inFlightMax: 2 }, async ({ ask }) => {
    assertEquals(await Promise.all(["a", "b", "c", "d"].map((id) => ask(id))), Array(4).fill("accept"));
  });
  await bench({ command: pairs, timeoutMs: 1_000 }, async ({ ask }) => {
    const [first] = await Promise.all([ask("a"), ask("b")]);
    assertEquals(first, "error: internal error");
  });
});

Deno.test("what waits too long for its turn behind a slow plugin is refused as rate-limited", async () => {
  const command = shell(`case $id in a*) ${ACCEPT};; *) sleep 1000;; esac`);
  await bench({ command, timeoutMs: 3_000 }, async ({ ask }) => {
    // The second is given to the plugin when the first is answered, so that the third's time is over before its own.
    const [first, , third] = await Promise.all([ask("a"), ask("b"), ask("c")]);
    assertEquals(first, "accept");
    assertEquals(third, "rate-limited: the relay's policy is busy, try again later");
  });
});

Deno.test("a command without a space is a file, and a change of the file starts it anew", async () => {
  await bench({ command: (directory) => `${directory}/plugin.sh` }, async ({ ask, directory, logged }) => {
    const path = `${directory}/plugin.sh`;
    assertEquals(await ask("a"), "error: internal error");
    assert(logged.at(-1)!.endsWith("it does not exist"), logged.join("\n"));

    const write = async (message: string, mtime: number) => {
      const body = `printf '{"id":"%s","action":"reject","msg":"blocked: ${message}"}\\n' "$id"`;
      await Deno.writeTextFile(path, `#!/bin/sh\n${shell(body)}\n`);
      await Deno.chmod(path, 0o755);
      await Deno.utime(path, mtime, mtime);
    };
    await write("old", 1_000);
    assertEquals(await ask("a"), "blocked: old");
    assertEquals(await ask("a"), "blocked: old");
    await write("new", 2_000);
    assertEquals(await ask("a"), "blocked: new");
    assertEquals(logged.filter((line) => line === "the plugin has changed").length, 1);
    await Deno.remove(path);
    assertEquals(await ask("a"), "error: internal error");
  });
});

Deno.test("another command is used from the next event on", async () => {
  await bench({ command: shell(ACCEPT) }, async ({ plugin, ask }) => {
    assertEquals(await ask("a"), "accept");
    plugin.use({
      command: shell(`printf '{"id":"%s","action":"shadowReject"}\\n' "$id"`),
      timeoutMs: PATIENCE_MS,
    });
    assertEquals(await ask("a"), "shadowReject");
  });
});

Deno.test("a plugin that dies at once is not started again for every event", async () => {
  await bench({ command: "exit 1 ", respawnMs: PATIENCE_MS }, async ({ ask, logged }) => {
    for (let n = 0; n < 20; n++) assertEquals(await ask("a"), "error: internal error");
    assertEquals(logged.filter((line) => line.startsWith("starting plugin")).length, 1);
  });
});

Deno.test("closing refuses what is undecided and ends the process", async () => {
  await bench({ command: (directory) => `echo $$ >${directory}/pid; exec sleep 1000` }, async (bench) => {
    const undecided = [bench.ask("a"), bench.ask("b")];
    const pid = Number(await eventually(() => Deno.readTextFile(`${bench.directory}/pid`), PATIENCE_MS));
    await bench.plugin.close();
    assertEquals(await Promise.all(undecided), Array(2).fill("error: internal error"));
    assert(!isAlive(pid));
    assertEquals(await bench.ask("a"), "error: internal error");
  });
});
