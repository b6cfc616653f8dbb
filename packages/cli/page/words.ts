/** How ids, times and states are said on the page. */
import type { DeviceView, LinkView } from "../src/commands/device/page/Wire.ts"

/** The beginning of an id, in groups: enough to tell one's devices apart, and what `tacit device revoke` takes. */
export const shortId = (id: string): string => `${id.slice(0, 4)} ${id.slice(4, 8)}`

const dates = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" })

export const when = (ms: number): string => dates.format(ms)

export const roles: Readonly<Record<DeviceView["role"], readonly [name: string, may: string]>> = {
  member: ["Member", "reads and writes"],
  admin: ["Admin", "also adds and removes devices: it gets the account’s key"],
  replica: ["Replica", "keeps messages for the others and cannot read them"]
}

const reasons: Readonly<Record<string, string>> = {
  cancelled: "It was cancelled.",
  expired: "The invitation expired.",
  attempts: "The PIN was wrong three times. The invitation is dead: make a new one.",
  mismatch: "The two devices did not show the same. Somebody may stand between them.",
  "no-challenge": "The new device cannot do what you chose. Choose the other way of making sure.",
  refused: "The new device refused, or what it sent is not acceptable.",
  failed: "The relay could not be reached, or did not take it."
}

export const ending = (link: LinkView): string => reasons[link.reason ?? ""] ?? "It ended."

export const attempts = (left: number | undefined): string =>
  left === undefined ? "" : left === 0 ? "no attempt left" : left === 1 ? "1 attempt left" : `${left} attempts left`

export const many = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`

/** Which devices a version changed, as a sentence. */
export const changed = (added: ReadonlyArray<string>, removed: ReadonlyArray<string>): string => {
  const named = (ids: ReadonlyArray<string>) => ids.map(shortId).join(", ")
  const parts = [
    ...(added.length > 0 ? [`added ${named(added)}`] : []),
    ...(removed.length > 0 ? [`removed ${named(removed)}`] : [])
  ]
  return parts.length === 0 ? "signed anew, the same devices" : parts.join("; ")
}
