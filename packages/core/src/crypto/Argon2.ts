/**
 * What the parameters of Argon2id must be, for all providers alike.
 *
 * Spec: docs/spec/01-suites.md §1.2; RFC 9106.
 * Does not compute, and does not say which cost is enough: vault/Kdf.ts does.
 */
import { defect } from "../base/Defect.ts"

const whole = (value: number, min: number, max: number): boolean =>
  Number.isSafeInteger(value) && value >= min && value <= max

/** Stops on parameters that no Argon2 has: our own code chose or bounded them. Lengths in bytes. */
export const check = (salt: Uint8Array, memoryKiB: number, passes: number, lanes: number, length: number): void => {
  if (salt.length < 8) defect("Argon2 takes a salt of 8 bytes or more")
  if (!whole(lanes, 1, 0xff_ffff)) defect("Argon2 has 1…2^24-1 lanes")
  if (!whole(memoryKiB, 8 * lanes, 0xffff_ffff)) defect("Argon2 takes 8 KiB or more a lane")
  if (!whole(passes, 1, 0xffff_ffff)) defect("Argon2 makes 1…2^32-1 passes")
  if (!whole(length, 4, 1024)) defect("Argon2 gives 4…1024 bytes here")
}
