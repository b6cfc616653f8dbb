/**
 * The properties: what each says, where it counts, and how it is judged.
 *
 * Spec: docs/spec/21-conformance.md §21.3.
 */

/** Worlds of whole devices; worlds of several devices a user; crossing starts; transcripts side by side; single encodings; requests at a time; runs side by side. */
export type Judged =
  | "script"
  | "fleet"
  | "crossing"
  | "differential"
  | "encoding"
  | "concurrency"
  | "shape"
  | "freshness"

export interface PropertyInfo {
  readonly id: string
  readonly title: string
  readonly judged: Judged
  readonly level: number
  readonly critical: boolean
}

const property = (id: string, judged: Judged, critical: boolean, title: string): PropertyInfo => ({
  id,
  title,
  judged,
  level: judged === "encoding" ? 1 : judged === "crossing" || judged === "fleet" ? 3 : 2,
  critical
})

export const properties = [
  property(
    "P01",
    "script",
    false,
    "every genuine message delivered within the limits is shown, with text, sender and number"
  ),
  property("P02", "script", true, "nothing is shown that no actor sent"),
  property("P03", "script", true, "nothing is shown twice, also after a restart or a restore"),
  property("P04", "script", false, "after refused input the next genuine message opens"),
  property("P05", "script", false, "refused input leaves the digest as it was"),
  property("P06", "script", false, "both sides agree on the active session when nothing is under way"),
  property("P10", "script", true, "an envelope brought to another context is refused at or before authenticate"),
  property("P11", "script", true, "no keystream is used twice, also across crash, restore and copies"),
  property("P12", "script", false, "hostile input costs bounded work, and counters stay within the limits"),
  property("P13", "script", false, "gaps reported are exactly the numbers missing"),
  property(
    "P14",
    "script",
    true,
    "a changed identity is told before or with the first message under it, and waits to be accepted"
  ),
  property("P15", "differential", false, "with the same coins, subject and reference give the same bytes"),
  property("P16", "encoding", true, "accepted bytes encode again to themselves"),
  property("P17", "script", true, "a revoked device is heard no more, and nothing is sealed for it"),
  property("P18", "crossing", false, "after crossing starts both sides send in one session within a message each way"),
  property("P19", "script", true, "one-time keys and session starts work once; a forged use does not use them up"),
  property("P20", "script", true, "a rollback is noticed or harmless"),
  property("P21", "concurrency", false, "overlapping requests to one actor have the effect of some order"),
  property("P22", "shape", false, "lengths depend on padding alone"),
  property("P23", "freshness", true, "without coins, two runs differ in every random field"),
  property(
    "P01-devices",
    "fleet",
    false,
    "every genuine message is shown on every device that is entitled to it, and a copy on the sender's others"
  ),
  property("P02-devices", "fleet", true, "no device shows what no actor sent, or what was not for its account"),
  property("P03-devices", "fleet", true, "no device shows a message or a copy twice, whichever ways it came"),
  property("P04-devices", "fleet", false, "whatever was refused, every device can write to every device"),
  property("P05-devices", "fleet", false, "refused input and refused lists leave the digest as it was"),
  property("P10-devices", "fleet", true, "an envelope or a bundle of one device is of no use for another"),
  property(
    "P11-devices",
    "fleet",
    true,
    "no keystream is used twice between any devices, also across crash and restore"
  ),
  property("P13-devices", "fleet", false, "gaps reported are exactly the numbers missing, for each sending device"),
  property(
    "P14-devices",
    "fleet",
    true,
    "a changed set of devices is told once, before or with the first message under it"
  ),
  property(
    "P17-devices",
    "fleet",
    true,
    "once a device saw another one revoked it hears it no more and seals nothing for it, or in sessions of before"
  ),
  property("P18-devices", "fleet", false, "any two devices come to send in one session, however their starts crossed"),
  property(
    "P20-devices",
    "fleet",
    true,
    "one device put back to a copy, and an old list of devices, are noticed or harmless"
  )
] as const

export type PropertyId = (typeof properties)[number]["id"]

/** What a property found. `step` is that of the script, -1 for what came after it. */
export interface Violation {
  readonly property: string
  readonly message: string
  readonly step: number
}
