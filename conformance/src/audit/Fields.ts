/**
 * Field boundaries of wire structures: which bytes are what, as a flat list with depth.
 *
 * Spec: docs/spec/02-encoding.md §2.2; docs/spec/03-envelopes.md; docs/spec/04-accounts.md; docs/spec/05-agreement.md §5.1;
 * docs/spec/06-ratchet.md §6.3, §6.4.
 * For people who read bytes: it takes damaged input, says where it stops making sense, and goes on showing bytes. It judges nothing
 * and is no decoder. Runs in browsers.
 */
import { hex, type ScriptStep } from "./Model.ts"

/** One stretch of bytes. Leaves cover the whole input without overlap; a group covers the leaves under it. */
export interface Field {
  readonly name: string
  readonly at: number
  readonly length: number
  readonly depth: number
  readonly group: boolean
  /** What the bytes say, where that is shorter or clearer than hex. */
  readonly value?: string
  /** Why they make no sense here. */
  readonly problem?: string
}

/** What is known about an item. */
type Template =
  | { readonly kind: "any" }
  | { readonly kind: "tuple"; readonly fields: ReadonlyArray<readonly [name: string, template: Template]> }
  | { readonly kind: "list"; readonly item: readonly [name: string, template: Template] }
  | { readonly kind: "map"; readonly names: { readonly [key: number]: string } }
  | { readonly kind: "names"; readonly values: { readonly [value: number]: string } }
  | { readonly kind: "bin"; readonly inside: Shape }
  | { readonly kind: "time" }

/** Structures with a layout of their own. */
export const shapes = [
  "envelope",
  "prefix",
  "sealed",
  "start",
  "message",
  "header",
  "certificate",
  "manifest",
  "manifest-body",
  "bundle",
  "content",
  "padded",
  "canonical"
] as const
export type Shape = (typeof shapes)[number]

/** What helps to read where the bytes alone do not say it. */
export interface Hint {
  /** Suite of the session a ratchet message belongs to. */
  readonly suite?: number
}

const any: Template = { kind: "any" }
const time: Template = { kind: "time" }
const names = (values: { readonly [value: number]: string }): Template => ({ kind: "names", values })
const tuple = (fields: { readonly [name: string]: Template }): Template => ({
  kind: "tuple",
  fields: Object.entries(fields)
})
const list = (name: string, item: Template): Template => ({ kind: "list", item: [name, item] })
const bin = (inside: Shape): Template => ({ kind: "bin", inside })
const map = (known: { readonly [key: number]: string } = {}): Template => ({ kind: "map", names: known })

const kinds = { 1: "session start", 2: "session message", 3: "group message", 4: "handshake frame", 5: "control" }
const suites = { 1: "ChaCha20-Poly1305", 2: "AES-256-GCM", 3: "AES-256-CBC + HMAC" }
const roles = { 1: "admin", 2: "member", 3: "replica" }
const types = {
  1: "text",
  2: "receipt",
  3: "typing",
  4: "attachment",
  5: "call signal",
  6: "group control",
  7: "device control",
  8: "retry request",
  9: "application data"
}

const templates: { readonly [shape in Exclude<Shape, "message" | "header" | "padded">]: Template } = {
  envelope: tuple({ version: any, kind: names(kinds), to: any, body: any }),
  prefix: tuple({ version: any, kind: names(kinds), to: any }),
  sealed: tuple({ suite: names(suites), ephemeral: any, box: any }),
  start: tuple({
    suite: names(suites),
    certificate: bin("certificate"),
    "manifest version": any,
    mailbox: any,
    "ephemeral key": any,
    "signed prekey id": any,
    "one-time prekey id": names({ 0: "none" }),
    "KEM kind": names({ 0: "last-resort", 1: "one-time" }),
    "KEM prekey id": any,
    "KEM ciphertext": any,
    message: bin("message"),
    extensions: map({ 1: "user name", 3: "rank" })
  }),
  certificate: tuple({
    version: any,
    account: any,
    device: any,
    "agreement key": any,
    role: names(roles),
    "manifest version": any,
    signature: any
  }),
  manifest: tuple({ body: bin("manifest-body"), signature: any }),
  "manifest-body": tuple({
    version: any,
    account: any,
    "manifest version": any,
    "previous hash": any,
    "issued at": time,
    devices: list("device", tuple({ id: any, "agreement key": any, role: names(roles), "added in": any })),
    revocations: list("revocation", tuple({ device: any, "revoked in": any })),
    extensions: map()
  }),
  bundle: tuple({
    version: any,
    certificate: bin("certificate"),
    mailbox: any,
    "signed prekey": tuple({ id: any, key: any, signature: any }),
    "KEM prekey": tuple({ id: any, "one-time": names({ 0: "last-resort", 1: "one-time" }), key: any, signature: any }),
    "one-time prekey": list("one-time prekey", tuple({ id: any, key: any })),
    suites: list("suite", names(suites))
  }),
  content: tuple({
    type: names(types),
    conversation: any,
    sequence: any,
    "message id": any,
    "sent at": time,
    body: any,
    extensions: map({
      1: "own fence",
      3: "echoed fence",
      5: "delivery token",
      7: "fallback text",
      9: "sequence floor",
      11: "reply to"
    })
  }),
  canonical: any
}

const decoder = new TextDecoder("utf-8", { fatal: true })

/** Text that can be shown, or nothing. */
export const readable = (bytes: Uint8Array): string | undefined => {
  if (bytes.length === 0 || bytes.length > 4096) return undefined
  try {
    const text = decoder.decode(bytes)
    return /^[\P{Cc}\n\t]+$/u.test(text) ? text : undefined
  } catch {
    return undefined
  }
}

class Stop extends Error {}

/** Far beyond what the encoding nests (rule codec.bound.1); hostile input goes on and on. */
const deepest = 24

/** Lengths of nonce, encrypted header and AEAD tag by suite (rules ratchet.message.1 and ratchet.header.2). */
const messageLengths: { readonly [suite: number]: readonly [nonce: number, header: number, tag: number] } = {
  1: [12, 56, 16],
  2: [12, 56, 16],
  3: [16, 80, 32]
}

class Walker {
  readonly out: Array<Field> = []
  readonly #bytes: Uint8Array
  #suite: number | undefined
  #at = 0

  constructor(bytes: Uint8Array, hint: Hint) {
    this.#bytes = bytes
    this.#suite = hint.suite
  }

  #leaf(name: string, length: number, depth: number, value?: string, problem?: string): void {
    const have = Math.min(length, this.#bytes.length - this.#at)
    const missing = have < length ? `ends ${length - have} bytes early` : undefined
    const said = problem ?? missing
    if (have > 0 || said !== undefined || length === 0)
      this.out.push({
        name,
        at: this.#at,
        length: have,
        depth,
        group: false,
        ...(value === undefined ? {} : { value }),
        ...(said === undefined ? {} : { problem: said })
      })
    this.#at += have
    if (missing !== undefined) throw new Stop(missing)
  }

  #group(name: string, depth: number, value: string | undefined, inside: () => void): void {
    const index = this.out.length
    const at = this.#at
    const close = (): Field => ({
      name,
      at,
      length: this.#at - at,
      depth,
      group: true,
      ...(value === undefined ? {} : { value })
    })
    this.out.push(close())
    try {
      inside()
    } finally {
      this.out[index] = close()
    }
  }

  #number(at: number, width: number): number {
    if (at + width > this.#bytes.length) return Number.NaN
    let out = 0
    for (let i = 0; i < width; i++) out = out * 256 + this.#bytes[at + i]!
    return out
  }

  #head(): { readonly kind: string; readonly width: number; readonly n: number } {
    const first = this.#bytes[this.#at]
    if (first === undefined) return { kind: "end", width: 0, n: 0 }
    if (first <= 0x7f) return { kind: "uint", width: 1, n: first }
    if (first <= 0x8f) return { kind: "map", width: 1, n: first & 15 }
    if (first <= 0x9f) return { kind: "array", width: 1, n: first & 15 }
    if (first <= 0xbf) return { kind: "text", width: 1, n: first & 31 }
    const forms: { readonly [byte: number]: readonly [kind: string, width: number] } = {
      0xc4: ["bin", 1],
      0xc5: ["bin", 2],
      0xc6: ["bin", 4],
      0xcc: ["uint", 1],
      0xcd: ["uint", 2],
      0xce: ["uint", 4],
      0xcf: ["uint", 8],
      0xd9: ["text", 1],
      0xda: ["text", 2],
      0xdb: ["text", 4],
      0xdc: ["array", 2],
      0xdd: ["array", 4],
      0xde: ["map", 2],
      0xdf: ["map", 4]
    }
    const form = forms[first]
    if (form === undefined) return { kind: "forbidden", width: 1, n: first }
    return { kind: form[0], width: 1 + form[1], n: this.#number(this.#at + 1, form[1]) }
  }

  item(name: string, template: Template, depth: number): void {
    const { kind, n, width } = this.#head()
    if (kind === "end") return this.#leaf(name, 1, depth)
    if (depth > deepest)
      return this.#leaf(name, this.#bytes.length - this.#at, depth, undefined, "nested too deep to go on")
    if (kind === "forbidden")
      return this.#leaf(
        name,
        this.#bytes.length - this.#at,
        depth,
        undefined,
        "a first byte that the encoding does not have"
      )
    if (Number.isNaN(n)) return this.#leaf(`${name}, head`, width, depth)
    if (kind === "uint") {
      if (name === "suite" && depth <= 1) this.#suite = n
      const said =
        template.kind === "names" && template.values[n] !== undefined
          ? `${n} (${template.values[n]})`
          : template.kind === "time"
            ? `${n} (${new Date(n).toISOString()})`
            : String(n)
      return this.#leaf(name, width, depth, said)
    }
    if (kind === "bin") return this.#binary(name, template, depth, width, n)
    if (kind === "text") {
      return this.#group(name, depth, undefined, () => {
        this.#leaf(`text of ${n} bytes`, width, depth + 1)
        this.#leaf("text", n, depth + 1, readable(this.#bytes.subarray(this.#at, this.#at + n)))
      })
    }
    if (kind === "map") {
      return this.#group(name, depth, n === 0 ? "none" : undefined, () => {
        this.#leaf(`map of ${n}`, width, depth + 1)
        for (let i = 0; i < n; i++) {
          const key = this.#head()
          const known = template.kind === "map" ? template.names[key.n] : undefined
          this.item("key", known === undefined ? any : names({ [key.n]: known }), depth + 1)
          this.item(known ?? `value of ${key.n}`, any, depth + 1)
        }
      })
    }
    return this.#group(name, depth, undefined, () => {
      const fields = template.kind === "tuple" ? template.fields : undefined
      const odd = fields !== undefined && fields.length !== n ? `the layout has ${fields.length} items` : undefined
      this.#leaf(`array of ${n}`, width, depth + 1, undefined, odd)
      for (let i = 0; i < n; i++) {
        const [inner, how]: readonly [string, Template] =
          fields?.[i] ??
          (template.kind === "list" ? [`${template.item[0]} ${i}`, template.item[1]] : [`item ${i}`, any])
        this.item(inner, how, depth + 1)
      }
    })
  }

  #binary(name: string, template: Template, depth: number, width: number, n: number): void {
    this.#group(name, depth, undefined, () => {
      this.#leaf(`bin of ${n} bytes`, width, depth + 1)
      const inside = this.#bytes.subarray(this.#at, this.#at + n)
      const shape: Shape | undefined =
        template.kind === "bin"
          ? template.inside
          : name === "body" && depth === 1
            ? this.#bodyShape(this.#bytes[2])
            : undefined
      if (shape === undefined || inside.length < n) {
        const text = readable(inside)
        return this.#leaf(name, n, depth + 1, text === undefined ? undefined : JSON.stringify(text))
      }
      const start = this.#at
      for (const field of fieldsOf(shape, inside, this.#suite === undefined ? {} : { suite: this.#suite }))
        this.out.push({ ...field, at: field.at + start, depth: field.depth + depth + 1 })
      this.#at += n
    })
  }

  /** What a body holds: of an envelope by its kind; of anything else it is shown as bytes. */
  #bodyShape(kind: number | undefined): Shape | undefined {
    if (this.#bytes[0] !== 0x94 || this.#bytes[1] !== 0x01) return undefined
    return kind === 1 ? "sealed" : kind === 2 ? "message" : undefined
  }

  rest(name: string, depth: number, problem?: string): void {
    if (this.#at < this.#bytes.length) this.#leaf(name, this.#bytes.length - this.#at, depth, undefined, problem)
  }

  message(depth: number): void {
    const lengths = this.#suite === undefined ? undefined : messageLengths[this.#suite]
    this.#leaf("session tag", 16, depth)
    if (lengths === undefined) return this.rest("header nonce, encrypted header, ciphertext", depth)
    this.#leaf("header nonce", lengths[0], depth)
    this.#leaf("encrypted header", lengths[1], depth)
    const body = this.#bytes.length - this.#at - lengths[2]
    if (body > 0) this.#leaf("ciphertext", body, depth)
    this.#leaf("AEAD tag", lengths[2], depth)
  }

  header(depth: number): void {
    this.#leaf("ratchet key", 32, depth)
    this.#leaf("PN", 4, depth, String(this.#number(this.#at, 4)))
    this.#leaf("N", 4, depth, String(this.#number(this.#at, 4)))
  }

  padded(depth: number): void {
    let end = this.#bytes.length - 1
    while (end >= 0 && this.#bytes[end] === 0) end--
    if (end < 0 || this.#bytes[end] !== 0x80) return this.rest("padded", depth, "no padding marker")
    const content = this.#bytes.subarray(0, end)
    if (content.length > 0 && content[0] === 0x97) {
      const inner = fieldsOf("content", content)
      if (inner.every((field) => field.problem === undefined)) {
        for (const field of inner) this.out.push({ ...field, depth: field.depth + depth })
        this.#at = end
      }
    }
    if (this.#at === 0 && end > 0) this.#leaf("content", end, depth, readable(content))
    this.#leaf("padding marker", 1, depth)
    this.rest("zeros", depth)
  }
}

/** The fields of `bytes`, read as `shape`. Never fails. */
export const fieldsOf = (shape: Shape, bytes: Uint8Array, hint: Hint = {}): ReadonlyArray<Field> => {
  const walker = new Walker(bytes, hint)
  try {
    if (shape === "message") walker.message(0)
    else if (shape === "header") walker.header(0)
    else if (shape === "padded") walker.padded(0)
    else walker.item(shape, templates[shape], 0)
    walker.rest("trailing", 0, "bytes behind the end")
  } catch (error) {
    if (!(error instanceof Stop)) throw error
    walker.rest("rest", 0)
  }
  return walker.out
}

/** The suite of what an actor does at a step of a transcript, as far as the steps up to it tell. */
export const hintOf = (script: ReadonlyArray<ScriptStep>, upTo: number): Hint => {
  for (const step of script.slice(0, upTo + 1).reverse()) {
    const suites = step.in["suites"]
    const suite =
      step.in["suite"] ??
      step.out?.["suite"] ??
      (Array.isArray(suites) ? (suites as ReadonlyArray<unknown>)[0] : undefined)
    if (typeof suite === "number") return { suite }
  }
  return {}
}

const byMember: { readonly [place: string]: Shape } = {
  "envelope.decode bytes": "envelope",
  "content.decode bytes": "content",
  "certificate.verify bytes": "certificate",
  "manifest.verify bytes": "manifest",
  "bundle.check bytes": "bundle",
  "bundle.belongs bytes": "bundle",
  "canon.decode bytes": "canonical",
  "layout.decode bytes": "canonical",
  "record.read bytes": "canonical",
  "sealed.open body": "sealed",
  "sealed.seal start": "start"
}
const byName: { readonly [member: string]: Shape } = {
  wire: "envelope",
  envelope: "envelope",
  prefix: "prefix",
  message: "message",
  padded: "padded",
  content: "content",
  bundle: "bundle",
  bundles: "bundle",
  last: "bundle",
  certificate: "certificate",
  manifest: "manifest",
  manifests: "manifest",
  answer: "manifest",
  start: "start",
  body: "sealed"
}

/** Structure that a member of an operation holds, or nothing where it holds plain bytes. */
export const shapeOf = (operation: string, member: string): Shape | undefined => {
  const shape = byMember[`${operation} ${member}`] ?? (member === "bytes" ? undefined : byName[member])
  if (member === "content" && /^(?:padding|retry)\./.test(operation)) return undefined
  if (member === "start" && operation === "session.begin") return undefined
  if ((member === "body" || member === "answer") && operation.startsWith("kdf.")) return undefined
  if ((member === "padded" || member === "message") && !/^(?:ratchet|session|padding)\./.test(operation))
    return undefined
  return shape
}

/** Short hex: the whole, or both ends of long bytes. */
export const short = (bytes: Uint8Array, most = 32): string =>
  bytes.length <= most
    ? hex(bytes)
    : `${hex(bytes.subarray(0, most - 8))}…${hex(bytes.subarray(bytes.length - 4))} (${bytes.length} bytes)`
