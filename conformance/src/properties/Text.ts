/**
 * Members that should be text, in answers that may hold anything.
 *
 * Spec: docs/spec/20-subject.md, rule subject.line.2.
 */

import { Bytes } from "@tacit/core/hazmat"

/** The text, the digits of a number, or nothing: whatever is compared with it then differs. */
export const textOf = (value: unknown): string =>
  typeof value === "string" ? value : typeof value === "number" ? `${value}` : ""

/** The bytes of a text that should be hexadecimal, none if it is not. */
export const bytesOf = (value: unknown): Uint8Array => Bytes.fromHex(textOf(value)) ?? Bytes.empty
