/**
 * All rules in the order of a run: those that judge the whole run come last. Constants only; they run in the process
 * of the checker.
 *
 * @module
 */
import type { Rule } from "../rule.ts";
import { NIP01_EVENT_RULES } from "./nip01_events.ts";
import { NIP01_FILTER_RULES } from "./nip01_filters.ts";
import { NIP01_KIND_RULES } from "./nip01_kinds.ts";
import { NIP01_SUBSCRIPTION_RULES } from "./nip01_subscriptions.ts";
import { NIP09_RULES } from "./nip09.ts";
import { NIP11_RULES } from "./nip11.ts";
import { NIP11_LIMIT_RULES } from "./nip11_limits.ts";
import { NIP13_RULES } from "./nip13.ts";
import { NIP40_RULES } from "./nip40.ts";
import { NIP42_RULES } from "./nip42.ts";
import { NIP43_RULES } from "./nip43.ts";
import { NIP45_RULES } from "./nip45.ts";
import { NIP50_RULES } from "./nip50.ts";
import { NIP59_RULES } from "./nip59.ts";
import { NIP62_RULES } from "./nip62.ts";
import { NIP65_RULES } from "./nip65.ts";
import { NIP67_RULES } from "./nip67.ts";
import { NIP70_RULES } from "./nip70.ts";
import { NIP77_RULES } from "./nip77.ts";
import { NIP86_RULES } from "./nip86.ts";
import { RESILIENCE_RULES } from "./resilience.ts";
import { SIGHTING_RULES } from "./sightings.ts";

export const RULES: readonly Rule[] = [
  ...NIP01_EVENT_RULES,
  ...NIP01_FILTER_RULES,
  ...NIP01_KIND_RULES,
  ...NIP01_SUBSCRIPTION_RULES,
  ...NIP09_RULES,
  ...NIP11_RULES,
  ...NIP11_LIMIT_RULES,
  ...NIP13_RULES,
  ...NIP40_RULES,
  ...NIP42_RULES,
  ...NIP43_RULES,
  ...NIP45_RULES,
  ...NIP50_RULES,
  ...NIP59_RULES,
  ...NIP62_RULES,
  ...NIP65_RULES,
  ...NIP67_RULES,
  ...NIP70_RULES,
  ...NIP77_RULES,
  ...NIP86_RULES,
  ...RESILIENCE_RULES,
  ...SIGHTING_RULES,
];
