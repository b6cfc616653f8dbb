/**
 * Topics that do not name the recipient, for two sides that both ask for them. The original knows nothing of this.
 *
 * Spec: docs/spec/15-nes.md §15.9 (rules nes.blind.1, nes.blind.2).
 * Whoever has the recipient's public key can work the topic out; who has only the broker's traffic cannot.
 */
import { createHash, createHmac, type KeyObject } from "node:crypto"
import { publicPem } from "./Keys.ts"

const dayMs = 24 * 60 * 60 * 1000

/** The topic of a recipient on the day of `now`, from their public message key. */
export const blindTopic = (messageKey: KeyObject, now: number): string => {
  const secret = createHash("sha256").update(publicPem(messageKey)).digest()
  const name = createHmac("sha256", secret)
    .update(`nes topic ${Math.floor(now / dayMs)}`)
    .digest("hex")
    .slice(0, 32)
  return `nes/${name}/message`
}

/** Those a recipient listens to: of yesterday, today and tomorrow, so that clocks may differ and no midnight loses anything. */
export const blindTopics = (messageKey: KeyObject, now: number): ReadonlyArray<string> =>
  [-dayMs, 0, dayMs].map((shift) => blindTopic(messageKey, now + shift))
