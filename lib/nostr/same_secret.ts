/**
 * Compares secrets in a time that tells nothing of where they differ.
 * Runs on any thread; no state.
 *
 * @module
 */
import { hash, timingSafeEqual } from "node:crypto";

/** Whether both texts are the same. */
export function hasSameSecret(a: string, b: string): boolean {
  return timingSafeEqual(hash("sha256", a, "buffer"), hash("sha256", b, "buffer"));
}
