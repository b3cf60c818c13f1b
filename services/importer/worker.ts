/**
 * An import's worker: reads and verifies lines while main writes those before to the store.
 * Runs on its own worker; main owns the order of things.
 *
 * @module
 */
import { IMPORT_FRAMES_BYTES } from "../../lib/limits.ts";
import { ManagementView } from "../../lib/management/view.ts";
import { createMetricsMemory, ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { contentPolicy } from "../../lib/relay/configured_policies.ts";
import { sizeLimits } from "../../lib/policy/event_limits.ts";
import type { EventPolicy } from "../../lib/policy/policy.ts";
import { openVerifier } from "../../lib/verify/open_verifier.ts";
import { PolicyFiles } from "../../runtime/policy_files.ts";
import { ImportIntake } from "./intake.ts";
import { Logger } from "../../runtime/logger.ts";
import { createLogLevel } from "../../wire/log_level.ts";
import type { IntakeLines, IntakeReply, IntakeStart } from "../../wire/intake.ts";

/** What Deno's types lack: a worker's own scope. */
interface WorkerScope {
  onmessage: (event: MessageEvent<IntakeStart | IntakeLines>) => void;
  postMessage(message: IntakeReply, transfer: Transferable[]): void;
}

const scope = globalThis as unknown as WorkerScope;

async function open(
  { config, libraryPath, verify, limits, files, decisions }: IntakeStart,
): Promise<ImportIntake> {
  const { verifier } = await openVerifier({ tier: config.VERIFY_TIER, libraryPath });
  // Nobody reads the metrics of an import; its policies count in them all the same.
  const policies = new PolicyFiles(
    new ThreadMetrics(createMetricsMemory(1), 0),
    new Logger("import", createLogLevel(config.LOG_LEVEL)),
  );
  await policies.load(files);
  const check = both(contentPolicy(config, new ManagementView(decisions)), policies.event);
  return new ImportIntake(verifier, {
    check: verify ? check : sizeLimits(config),
    trusted: !verify,
    messageBytesMax: limits ? config.MAX_MESSAGE_LENGTH : null,
    frameBytesMax: IMPORT_FRAMES_BYTES,
  });
}

function both(first: EventPolicy, second: EventPolicy | null): EventPolicy {
  return second === null ? first : (event, context) => first(event, context) ?? second(event, context);
}

function tell(reply: IntakeReply, transfer: Transferable[] = []): void {
  scope.postMessage(reply, transfer);
}

let intake: ImportIntake | null = null;
scope.onmessage = async ({ data }) => {
  if (data instanceof Uint8Array) {
    const decided = intake!.decide(data, Math.floor(Date.now() / 1000));
    return tell(decided, decided.batches.map(({ buffer }) => buffer));
  }
  try {
    intake = await open(data);
    tell({ type: "ready" });
  } catch (error) {
    tell({ type: "failed", message: (error as Error).message });
  }
};
