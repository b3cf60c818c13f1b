/**
 * All rules in the order of a run. Constants only.
 *
 * @module
 */
import type { Rule } from "../rule.ts";
import { NIP01_EVENT_RULES } from "./nip01_events.ts";
import { NIP01_FILTER_RULES } from "./nip01_filters.ts";
import { NIP11_RULES } from "./nip11.ts";

export const RULES: readonly Rule[] = [
  ...NIP01_EVENT_RULES,
  ...NIP01_FILTER_RULES,
  ...NIP11_RULES,
];
