/**
 * Bad bytes where no client sends them: in `.env`, in what a plugin writes, in files that are imported.
 * The first two are read by the relay's own code in this thread; imports go through the control socket.
 *
 * @module
 */
import { parseEnv } from "node:util";
import { ConfigError, envExample, namesInEnvFile, readConfig } from "../../lib/config/config.ts";
import { PLUGIN_LINE_BYTES_MAX } from "../../lib/limits.ts";
import { PluginFault } from "../../lib/plugin/decision.ts";
import { PluginExchange } from "../../lib/plugin/exchange.ts";
import { LineSplitter } from "../../lib/lines.ts";
import { makeWorkload } from "../pipeline/workload.ts";
import type { Prng } from "../support/prng.ts";
import { mutateText, mutateValue } from "./mutations.ts";
import type { Findings } from "./trial.ts";

const IMPORT_LINES = 5_000;

/** Every text is read, or refused by a `ConfigError` that says what is wrong. */
export function fuzzEnvFiles(prng: Prng, findings: Findings, times: number): void {
  const lines = envExample().split("\n").filter((line) => line.startsWith("#") && line.includes("="))
    .map((line) => line.slice(1));
  for (let n = 0; n < times; n++) {
    const text = mutateText(prng, Array.from({ length: 5 }, () => prng.pick(lines)).join("\n"));
    findings.count(".env files");
    try {
      readConfig(parseEnv(text), namesInEnvFile(text));
    } catch (error) {
      if (!(error instanceof ConfigError)) findings.fail(".env", [`${error}: ${JSON.stringify(text)}`]);
    }
  }
}

/** A plugin's output decides, or is a `PluginFault`; nothing is accepted that it did not accept by id. */
export async function fuzzPluginOutput(prng: Prng, findings: Findings, times: number): Promise<void> {
  for (let n = 0; n < times; n++) {
    const exchange = new PluginExchange({ inFlightMax: 1, waitingMax: 10, timeoutMs: 100 });
    const id = prng.hex(32);
    const action = prng.pick(["accept", "reject", "shadowReject"]);
    const reply = { id, action, msg: "because" };
    const text = prng.chance(0.5)
      ? JSON.stringify(mutateValue(prng, reply))
      : mutateText(prng, JSON.stringify(reply));
    let decided: string | null = null;
    exchange.ask({ id, line: "{}" }, 0).then((decision) => decided = decision.action);
    exchange.next(0);
    findings.count("plugin lines");
    try {
      const bytes = new TextEncoder().encode(`${text}\n`);
      const cut = prng.int(0, bytes.length);
      const splitter = new LineSplitter({ bytesMax: PLUGIN_LINE_BYTES_MAX });
      for (const piece of [bytes.slice(0, cut), bytes.slice(cut)]) {
        for (const line of splitter.push(piece)) exchange.receive(line);
      }
    } catch (error) {
      if (!(error instanceof PluginFault)) {
        findings.fail("a plugin's line", [`${error}: ${JSON.stringify(text)}`]);
      }
    }
    await Promise.resolve();
    if (decided === "accept" && !/"action"\s*:\s*"accept"/.test(text) && !text.includes("\\u")) {
      findings.fail("a plugin's line", [`accepted by ${JSON.stringify(text)}`]);
    }
  }
}

/** Every line that is not empty is counted in exactly one way. */
export async function fuzzImports(dataDir: string, prng: Prng, findings: Findings): Promise<void> {
  const events = makeWorkload(prng, 200);
  const lines = Array.from({ length: IMPORT_LINES }, () => {
    const event = prng.pick(events);
    const text = prng.chance(0.5)
      ? mutateText(prng, JSON.stringify(event))
      : JSON.stringify(mutateValue(prng, event));
    return text.replaceAll(/[\r\n]/g, " ").toWellFormed();
  }).filter((line) => line.trim() !== "");
  const connection = await Deno.connect({ transport: "unix", path: `${dataDir}/control.sock` });
  const answer = new Response(connection.readable).text();
  const bytes = new TextEncoder().encode([`{"command":"import"}`, ...lines].join("\n") + "\n");
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  await connection.closeWrite();
  const report = JSON.parse((await answer).trim().split("\n").at(-1)!);
  findings.count("import lines", lines.length);
  const counted = report.stored + report.duplicates + report.refused;
  if (!report.done || report.read !== lines.length || counted !== lines.length) {
    findings.fail("an import", [
      `${lines.length} lines, and the report says ${JSON.stringify(report).slice(0, 300)}`,
    ]);
  }
}
