/**
 * What is the matter with a history: behind another device's, or with an archive that stands still half-way.
 *
 * Spec: docs/spec/23-history.md rules history.compared.1, history.hand.3 and history.wish.1.
 * Knows only what is stored on this device, and asks nobody.
 */
import type { HistorySurvey } from "@tacit/core"
import { messageCount, shortId, stamp } from "../../Display.ts"
import { progressLine } from "./watch.ts"

/** One thing that `tacit doctor` looked at. */
export interface Finding {
  readonly check: string
  readonly state: "ok" | "note" | "problem"
  readonly message: string
  readonly next: string
}

const hourMs = 60 * 60 * 1000
const dayMs = 24 * hourMs

/** Devices that were not compared with for so long may be behind, ms: those that are open compare every hour. */
const longMs = 7 * dayMs

/** An archive takes minutes; one that is older stands still, ms. */
const stuckMs = hourMs

const note = (message: string, next: string): Finding => ({ check: "history", state: "note", message, next })

/** At least one finding. `isOn` says whether the profile still keeps its history. */
export const historyFindings = (history: HistorySurvey, isOn: boolean, now: number): ReadonlyArray<Finding> => {
  const { archives, beginning, devices, entries, wishes } = history
  const count = messageCount(entries)
  if (!isOn) {
    return [
      note(
        `${count} are stored, and nothing more is kept`,
        "`tacit history on` goes on; other devices give what is missing."
      )
    ]
  }
  const found: Array<Finding> = []
  for (const { comparedAt, device, equal } of devices) {
    if (comparedAt === undefined) {
      found.push(
        note(
          `never compared with device ${shortId(device)}`,
          "Both have to keep a history (`tacit history on`) and be open at once: `tacit history status --wait` there, `tacit listen` here."
        )
      )
    } else if (equal === false) {
      found.push(
        note(
          `not the same as on device ${shortId(device)}, ${stamp(comparedAt)}: one of the two is behind`,
          "Open both at once, for instance with `tacit listen`: they give each other what is missing."
        )
      )
    } else if (now - comparedAt > longMs) {
      found.push(
        note(
          `not compared with device ${shortId(device)} since ${stamp(comparedAt)}`,
          `Open it; one that is gone for good is removed by \`tacit device revoke ${device.slice(0, 8)}\`.`
        )
      )
    }
  }
  for (const archive of archives) {
    if (now - archive.madeAt <= stuckMs) continue
    found.push(
      note(
        `an archive of ${stamp(archive.madeAt)} stands half-way: ${progressLine(archive)}`,
        "It goes on from there while both devices are open: `tacit history status --wait` here, any `tacit listen` there."
      )
    )
  }
  for (const { device, madeAt } of wishes) {
    if (now - madeAt <= stuckMs) continue
    found.push(
      note(
        `device ${shortId(device)} was asked for its history ${stamp(madeAt)} and has not answered`,
        "It has to keep a history and be open: `tacit history on` and `tacit listen` there."
      )
    )
  }
  if (found.length > 0) return found
  const from = beginning === 0 ? "" : ` since ${stamp(beginning)}`
  const same =
    devices.length === 0
      ? ""
      : devices.length === 1
        ? ", the same on the other device"
        : ", the same on the other devices"
  return [{ check: "history", state: "ok", message: `${count}${from}${same}`, next: "" }]
}
