/**
 * The derivation behind a case: its values by name, what each stands on, and which of them are secret.
 *
 * Spec: vectors/README.md (derivation traces).
 * Runs in browsers. Does not recompute; that is Recompute.ts.
 */
import { isRef, refsIn, type Case, type TraceStep, type VectorFile } from "./Model.ts"

export interface Derivation {
  /** Steps of the world and then of the case, in order. */
  readonly steps: ReadonlyArray<TraceStep>
  readonly byId: ReadonlyMap<string, TraceStep>
  /** Hex behind a name. */
  readonly look: (name: string) => string | undefined
}

/** The derivation that the values of a case refer to. */
export const of = (file: VectorFile, item: Case): Derivation => {
  const world = item.world === undefined ? [] : (file.worlds[item.world]?.trace ?? [])
  const steps = [...world, ...(item.trace ?? [])]
  const byId = new Map(steps.map((step) => [step.id, step]))
  return { steps, byId, look: (name) => byId.get(name)?.out }
}

/** Names that a case uses itself: in its call or in the steps of its transcript, in order. */
export const roots = (item: Case): ReadonlyArray<string> => [
  ...new Set([
    ...refsIn(item.in),
    ...refsIn(item.out),
    ...(item.script ?? []).flatMap((step) => [...refsIn(step.in), ...refsIn(step.out)])
  ])
]

/** Every step that `names` stand on, themselves included, in the order of the trace. */
export const closure = (derivation: Derivation, names: ReadonlyArray<string>): ReadonlyArray<TraceStep> => {
  const wanted = new Set(names)
  for (const step of [...derivation.steps].reverse()) {
    if (wanted.has(step.id)) for (const name of refsIn(step.in)) wanted.add(name)
  }
  return derivation.steps.filter((step) => wanted.has(step.id))
}

/** A step with what it stands on, for an indented tree. `again` marks a step that was shown in full before. */
export interface Branch {
  readonly step: TraceStep
  readonly again: boolean
  readonly children: ReadonlyArray<Branch>
}

/** The tree under one name. Steps in `shown` are not opened again; the steps of this tree are added to it. */
export const tree = (derivation: Derivation, name: string, shown: Set<string>): Branch | undefined => {
  const step = derivation.byId.get(name)
  if (step === undefined) return undefined
  if (shown.has(name)) return { step, again: true, children: [] }
  shown.add(name)
  return {
    step,
    again: false,
    children: refsIn(step.in).flatMap((inner) => tree(derivation, inner, shown) ?? [])
  }
}

/** Inputs of trace operations that only their owner knows. */
const secretInputs: ReadonlySet<string> = new Set(["k", "key", "seed", "prk", "ikm", "coins", "plaintext", "content"])

/** Members of calls and script steps that hold what only the actor knows. */
export const secretMembers: ReadonlySet<string> = new Set([
  "agreementSecret",
  "chainKey",
  "coins",
  "content",
  "dh1",
  "dh2",
  "dh3",
  "dh4",
  "encapsulated",
  "agreed",
  "ephemeralSecret",
  "fresh",
  "headerKey",
  "initiatorHeader",
  "kemCoins",
  "kemLast",
  "kemOneTime",
  "messageKey",
  "nextReceiveHeader",
  "nextSendHeader",
  "oneTime",
  "padded",
  "plaintext",
  "prk",
  "ikm",
  "k",
  "key",
  "ratchetSecret",
  "receiveChain",
  "receiveHeader",
  "responderHeader",
  "rootKey",
  "secret",
  "seed",
  "sendChain",
  "sendHeader",
  "signed",
  "snapshot",
  "text"
])

/**
 * Names of values that an observer must not have: what stands in a secret place of an operation, the parts and wholes it was cut
 * from, and what an expansion of secrets gives.
 */
export const secrets = (derivation: Derivation): ReadonlySet<string> => {
  const found = new Set<string>()
  const mark = (value: unknown): void => {
    if (isRef(value)) found.add(value.slice(1))
  }
  for (const step of derivation.steps) {
    for (const [member, value] of Object.entries(step.in)) if (secretInputs.has(member)) mark(value)
    if (step.op === "x25519" || step.op === "hkdf-sha256" || step.op === "hkdf-expand") found.add(step.id)
    // A nonce out of an expansion is not sent either; a public key or a signature made with a secret is.
    if (step.op === "ml-kem-768-decaps") found.add(step.id)
  }
  for (const step of [...derivation.steps].reverse()) {
    if (!found.has(step.id)) continue
    if (step.op === "slice") mark(step.in["bytes"])
    if (step.op === "pad") mark(step.in["content"])
    if (step.op === "concat" && Array.isArray(step.in["parts"])) for (const part of step.in["parts"]) mark(part)
  }
  for (const step of derivation.steps) {
    const source = step.in["bytes"]
    if (
      step.op === "slice" &&
      isRef(source) &&
      found.has(source.slice(1)) &&
      derivation.byId.get(source.slice(1))?.op === "hkdf-sha256"
    )
      found.add(step.id)
  }
  // Encapsulation gives ciphertext ‖ secret: the front is sent, the end is not.
  for (const step of derivation.steps) {
    if (step.op === "ml-kem-768-encaps") found.delete(step.id)
    const source = step.in["bytes"]
    if (step.op === "slice" && isRef(source) && derivation.byId.get(source.slice(1))?.op === "ml-kem-768-encaps") {
      if (step.in["from"] === 0) found.delete(step.id)
      else found.add(step.id)
    }
  }
  // A public key is public also where it stands in an encrypted header.
  for (const step of derivation.steps) if (step.op.endsWith("-public")) found.delete(step.id)
  return found
}
