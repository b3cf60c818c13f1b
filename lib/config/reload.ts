/**
 * What becomes of settings that changed while the relay runs: most are applied, some wait for the next start, and if
 * what would then be in force contradicts itself, nothing changes.
 * Runs on the thread that reads the settings; no state.
 *
 * @module
 */
import { type Config, ConfigError, contradictions, type SettingName } from "./config.ts";
import { settingRows } from "./settings.ts";

/** What a reload does. */
interface ReloadPlan {
  /** What is in force afterwards. */
  readonly config: Config;
  /** Settings that change at once. */
  readonly changed: readonly SettingName[];
  /** Settings that were changed and keep their values until the next start. */
  readonly waiting: readonly SettingName[];
}

/**
 * Plans the change from `present` to `next`, both as the operator wrote them.
 *
 * @param isPossible Whether a setting that usually can change while the relay runs may become this value now.
 * @throws {ConfigError} if the settings that are applied contradict those that have to wait.
 */
export function planReload(
  present: Config,
  next: Config,
  isPossible: (name: SettingName, next: Config) => boolean = () => true,
): ReloadPlan {
  const values: Record<string, unknown> = { ...present };
  const changed: SettingName[] = [];
  const waiting: SettingName[] = [];
  for (const [name, row] of settingRows()) {
    if (isSame(present[name], next[name])) continue;
    if (row.restart || !isPossible(name, next)) waiting.push(name);
    else {
      changed.push(name);
      values[name] = next[name];
    }
  }
  const config = values as Config;
  const problems = contradictions(config);
  if (problems.length === 0) return { config: Object.freeze(config), changed, waiting };
  const cause = waiting.length === 0 ? [] : [`Cannot change ${waiting.join(", ")}: that needs a restart`];
  throw new ConfigError([...problems, ...cause]);
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
