/**
 * Leave to upload: given to devices that are logged in, each for one upload.
 *
 * Spec: docs/spec/11-attachments.md rule attachment.grant.1.
 * In memory only, and once given a grant is nobody's: who it was given to is not kept with it.
 */
import { randomBytes } from "node:crypto"
import { Bytes } from "@tacit/core/hazmat"
import { keyed, tokenBucket, window } from "../RateLimit.ts"
import { refuse, type Refusal } from "../Refusal.ts"
import type { AttachmentLimits } from "./AttachmentLimits.ts"

export interface Grants {
  /** A grant for an upload of at most `size` bytes by an account, by its row. */
  readonly issue: (
    account: number,
    size: number,
    now: number
  ) => { readonly grant: Uint8Array; readonly until: number } | Refusal
  /** Whether a grant is good for so many bytes. */
  readonly covers: (grant: Uint8Array, size: number, now: number) => boolean
  /** Uses a grant up. */
  readonly spend: (grant: Uint8Array) => void
}

/** Grants that were given and not used; beyond, the oldest are forgotten. */
const outstanding = 16_384

const dayMs = 24 * 60 * 60 * 1000

export const makeGrants = (limits: AttachmentLimits): Grants => {
  const given = new Map<string, { readonly size: number; readonly until: number }>()
  const perSecond = (limits.accountBytesPerDay * 1000) / dayMs
  const bytes = keyed(() => tokenBucket({ capacity: limits.accountBytesPerDay, perSecond }))
  const often = keyed(() => window({ limit: limits.grants, windowMs: 10 * 60_000 }))
  return {
    issue: (account, size, now) => {
      if (size > limits.fileBytes) return refuse("too-large")
      const key = String(account)
      const limit = often.of(key)
      const soon = limit.wait(now)
      if (soon > 0) return refuse("rate-limited", soon)
      const wait = bytes.of(key).take(now, size)
      if (wait > 0) return refuse("quota", wait)
      limit.add(now)
      for (const [hex, { until }] of given) {
        if (until > now && given.size < outstanding) break
        given.delete(hex)
      }
      const grant = new Uint8Array(randomBytes(16))
      const until = now + limits.grantMs
      given.set(Bytes.toHex(grant), { size, until })
      return { grant, until }
    },
    covers: (grant, size, now) => {
      const found = given.get(Bytes.toHex(grant))
      return found !== undefined && found.until > now && size <= found.size
    },
    spend: (grant) => void given.delete(Bytes.toHex(grant))
  }
}
