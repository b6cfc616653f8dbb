/**
 * From a cause of ours to the stage of the subject protocol.
 *
 * Spec: docs/spec/07-sequencing.md §7.3; docs/spec/02-encoding.md §2.6.
 */
import { attachmentCauses, Failure, historyCauses, linkCauses, vaultCauses } from "@tacit/core/hazmat"
import type { Reject } from "../../src/protocol/Message.ts"

/**
 * Causes that are none of the taxonomy: reasons of the bare codec, of bare primitives, of records and vaults, of linking, of comparisons, of
 * histories and files.
 */
const others: Readonly<Record<string, Reject["stage"]>> = {
  ...vaultCauses,
  ...linkCauses,
  ...historyCauses,
  ...attachmentCauses,
  "codec.size": "limit",
  "codec.depth": "limit",
  "codec.count": "limit",
  "safety.version": "version",
  "trust.policy": "decode",
  "proof.accounts": "authenticate"
}

const families: Readonly<Record<string, Reject["stage"]>> = {
  codec: "decode",
  auth: "authenticate",
  safety: "authenticate",
  proof: "apply"
}

/** The refusal for a cause; without one, what a bare primitive can say: no. */
export const rejection = (cause: string | undefined): Reject => {
  if (cause === undefined) return {}
  const stage =
    others[cause] ??
    (cause in Failure.causes
      ? Failure.causes[cause as Failure.Cause].stage
      : families[cause.slice(0, cause.indexOf("."))])
  return { ...(stage === undefined ? {} : { stage }), class: cause, native: cause }
}
