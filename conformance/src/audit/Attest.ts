/**
 * Binds a result file to what it is about, and signs that.
 *
 * Spec: docs/spec/21-conformance.md §21.4.
 * The signature says who ran the kit and what came out. It does not make the results true; it makes them somebody's word.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  sign,
  verify as verifySignature,
  type KeyObject
} from "node:crypto"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import { Attestation, type Statement } from "../protocol/Reports.ts"
import { line, read, standing } from "../report/Run.ts"
import { canonicalJson } from "./Model.ts"

/** The key file or the attestation cannot be used. */
export class Unusable extends Error {
  readonly _tag = "Unusable"
}

const digest = (bytes: Uint8Array): { readonly sha256: string; readonly size: number } => ({
  sha256: createHash("sha256").update(bytes).digest("hex"),
  size: bytes.length
})

/** What the signature covers: a line of its own, then the statement with members in order of their names. */
export const message = (statement: Statement): Uint8Array =>
  new TextEncoder().encode(`tacit conformance attestation 1\n${canonicalJson(statement)}`)

const pkcs8 = "302e020100300506032b657004220420"
const spki = "302a300506032b6570032100"

/** A private key: PEM (PKCS #8), or a seed of 32 bytes as hex. */
const privateKey = (text: string): KeyObject => {
  const seed = text.trim()
  try {
    const key = /^[0-9a-f]{64}$/.test(seed)
      ? createPrivateKey({ key: Buffer.from(pkcs8 + seed, "hex"), format: "der", type: "pkcs8" })
      : createPrivateKey(text)
    if (key.asymmetricKeyType === "ed25519") return key
  } catch {
    // Said below, without a word about the content.
  }
  throw new Unusable("the key file holds no Ed25519 private key (PEM, or 32 bytes as hex)")
}

const rawPublic = (key: KeyObject): string =>
  (key.type === "private" ? createPublicKey(key) : key)
    .export({ format: "der", type: "spki" })
    .subarray(12)
    .toString("hex")

/** A public key: PEM, or 32 bytes as hex; as hex. */
export const publicKeyOf = (text: string): string => {
  const raw = text.trim()
  if (/^[0-9a-f]{64}$/.test(raw)) return raw
  try {
    const key = createPublicKey(text)
    if (key.asymmetricKeyType === "ed25519") return rawPublic(key)
  } catch {
    // Said below.
  }
  throw new Unusable("this is no Ed25519 public key (PEM, or 32 bytes as hex)")
}

export interface Inputs {
  /** The text of the result file. */
  readonly results: string
  /** The text of the key file. */
  readonly key: string
  /** ms since 1970. */
  readonly now: number
  /** The program that was judged, where there is one. */
  readonly binary?: Uint8Array
}

const statementOf = (inputs: Omit<Inputs, "key">): Statement => {
  const run = read(inputs.results)
  const of = standing(run)
  const { header } = run
  return {
    results: digest(new TextEncoder().encode(inputs.results)),
    kit: header.kit,
    suite: header.suite,
    root: header.root,
    subject: {
      name: header.subject.name,
      version: header.subject.version,
      source: header.subject.source,
      command: header.subject.command,
      ...(inputs.binary === undefined ? {} : { binary: digest(inputs.binary) })
    },
    seed: header.seed,
    started: new Date(header.started).toISOString(),
    signed: new Date(inputs.now).toISOString(),
    line: line(of),
    critical: of.critical.length,
    ...(run.footer === undefined ? {} : { exit: run.footer.exit })
  }
}

/** Signs a result file. Throws `NotResults` or {@link Unusable}. */
export const attest = (inputs: Inputs): Attestation => {
  const key = privateKey(inputs.key)
  const statement = statementOf(inputs)
  return {
    schema: "tacit/attestation/1",
    statement,
    key: rawPublic(key),
    signature: sign(null, message(statement), key).toString("hex")
  }
}

const decode = Schema.decodeUnknownExit(Attestation, { onExcessProperty: "error" })

/** Reads the text of an attestation. Throws {@link Unusable}. */
export const parse = (text: string): Attestation => {
  try {
    const decoded = decode(JSON.parse(text))
    if (Exit.isSuccess(decoded)) return decoded.value
  } catch {
    // Not even JSON.
  }
  throw new Unusable("this is no attestation")
}

export interface Expected {
  /** The text of the result file it is about. */
  readonly results: string
  /** Whose word it must be, hex; without it the key in the attestation is only named, not trusted. */
  readonly key?: string
  /** Root of the suite one holds. */
  readonly root?: string
  readonly binary?: Uint8Array
}

/** What is wrong with an attestation: nothing when it holds. */
export const problems = (attestation: Attestation, expected: Expected): ReadonlyArray<string> => {
  const out: Array<string> = []
  const { statement } = attestation
  if (expected.key !== undefined && attestation.key !== expected.key) out.push("it is signed with another key")
  const key = createPublicKey({ key: Buffer.from(spki + attestation.key, "hex"), format: "der", type: "spki" })
  if (!verifySignature(null, message(statement), key, Buffer.from(attestation.signature, "hex")))
    return [...out, "the signature does not verify"]
  const own = statementOf({ results: expected.results, now: Date.parse(statement.signed) })
  if (own.results.sha256 !== statement.results.sha256) out.push("it is about another result file")
  else {
    // What was signed must be what the results say, whoever wrote it down.
    const { binary: _, ...subject } = statement.subject
    if (canonicalJson({ ...statement, subject }) !== canonicalJson(own))
      out.push("it says something else than the result file")
  }
  if (expected.root !== undefined && expected.root !== statement.root) out.push("it is about another suite")
  if (expected.binary !== undefined && digest(expected.binary).sha256 !== statement.subject.binary?.sha256)
    out.push("it is about another program")
  return out
}
