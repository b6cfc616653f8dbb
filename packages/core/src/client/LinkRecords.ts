/**
 * Records of linkings that a crash may cut short.
 *
 * Spec: docs/spec/16-state.md §16.1; docs/spec/19-linking.md rules link.resume.1–2.
 * No state of a linking is stored: only what is left to be done once something was published or received.
 */
import * as Layout from "../codec/Layout.ts"
import { written } from "./Records.ts"

export const keys = {
  /** Prefix of {@link linking}. */
  all: "linking/",
  /** On the old device: a device (hexadecimal) that is listed, or about to be, and not confirmed. */
  linking: (device: string): string => `linking/${device}`,
  /** On the new device: what it needs to register. */
  joining: "joining"
} as const

/**
 * A device that was added and is not confirmed. From `deadline` (ms) on it cannot register any more: then it is removed, unless it did. With
 * `doomed` 1 it is removed at once.
 */
export const Linking = Layout.tuple({
  version: Layout.literal(written),
  deadline: Layout.uint(),
  doomed: Layout.uint({ max: 1 })
})
export type Linking = Layout.Type<typeof Linking>

/** What the new device registers with; the rest is in the record `self`. `role` is 1…3. */
export const Joining = Layout.tuple({
  version: Layout.literal(written),
  password: Layout.text({ min: 1, max: 64 }),
  role: Layout.uint({ min: 1, max: 3 })
})
export type Joining = Layout.Type<typeof Joining>
