/**
 * Collects the cases of one file, giving every case the parts that follow from the others.
 *
 * Spec: vectors/README.md.
 * A builder refuses what the linter would refuse at once: an id used twice, a twin that is not there, a change that does not apply.
 */
import { hex, utf8 } from "./bytes.ts"
import { applyBytes, applyScript, changesBytes } from "./delta.ts"
import * as model from "./model.ts"
import type { Case, Delta, JsonObject, Note, ScriptStep, Stage, VectorFile, World } from "./model.ts"
import { sha512 } from "./prim.ts"
import { isRef, resolve, Trace, type Arg } from "./trace.ts"

/** Types of the members of an operation's `in` and `out`. A `?` at the end means that it may be absent. */
export type FieldType = FieldName | `${FieldName}?`
type FieldName = "bytes" | "uint" | "text" | "value" | "list" | "flag" | "layout" | "json"

/** What an operation takes and gives. Transcripts use the same table for their steps. */
export interface Operation {
  readonly in: { readonly [name: string]: FieldType }
  readonly out: { readonly [name: string]: FieldType }
  /** Whether it is a step of a transcript, with an actor that keeps state. */
  readonly stateful?: true
}

/** A family: its name, where it is specified, what its cases can do. */
export interface Family {
  readonly id: string
  readonly name: string
  readonly document: string
  readonly level: number
  readonly operations: { readonly [op: string]: Operation }
  readonly notes: { readonly [flag: string]: Note }
}

/** The 64-byte seed of all coins in the set: SHA-512 of a text, so that nobody can have chosen it. */
export const seed = sha512(utf8("tacit vectors 1"))

/** Instant of every case that does not say otherwise: 2023-11-14 22:13:20 UTC, in ms. */
export const now = 1_700_000_000_000

/** Stage of a cause, from the table of rule failure.closed.1. */
export const stageOf = (cause: string): Stage => {
  if (/^codec\.(?:size|count|depth)$/.test(cause)) return "limit"
  if (cause === "state.version") return "version"
  if (cause.startsWith("codec.") || cause.startsWith("state.")) return "decode"
  if (cause === "decode.size" || cause.startsWith("limit.")) return "limit"
  if (cause.startsWith("decode.")) return "decode"
  if (cause === "envelope.version" || cause === "envelope.kind") return "version"
  if (cause === "envelope.mailbox" || cause.startsWith("lookup.")) return "lookup"
  if (cause.startsWith("policy.")) return "policy"
  if (cause === "safety.version") return "version"
  if (cause === "trust.policy") return "decode"
  if (cause === "link.version") return "version"
  if (/^link\.(?:purpose|no-challenge|state)$/.test(cause)) return "policy"
  if (/^link\.(?:expired|used|closed)$/.test(cause)) return "freshness"
  if (cause === "link.payload") return "apply"
  if (cause.startsWith("link.")) return "authenticate"
  if (cause === "history.version") return "version"
  if (cause === "history.account") return "policy"
  if (cause === "history.key" || cause === "history.chunk") return "authenticate"
  if (cause.startsWith("history.")) return "decode"
  if (cause === "attachment.version") return "version"
  if (/^attachment\.(?:key|chunk|digest)$/.test(cause)) return "authenticate"
  if (cause.startsWith("attachment.")) return "decode"
  if (cause === "vault.kdf" || cause === "vault.method") return "policy"
  if (cause === "vault.rollback") return "freshness"
  if (cause.startsWith("vault.")) return "authenticate"
  if (cause === "proof.accounts") return "authenticate"
  if (cause.startsWith("proof.")) return "apply"
  if (cause.startsWith("auth.") || cause.startsWith("safety.")) return "authenticate"
  if (cause.startsWith("fresh.")) return "freshness"
  throw new Error(`no stage for ${cause}`)
}

interface Common {
  readonly id: string
  readonly title: string
  readonly clauses: ReadonlyArray<string>
  readonly flags?: ReadonlyArray<string>
  readonly critical?: boolean
  readonly world?: string
  readonly now?: number
  readonly trace?: Trace
}

/** Builds one file. */
export class FileBuilder {
  readonly family: Family
  readonly topic: string
  readonly #cases = new Map<string, Case>()
  readonly #worlds = new Map<string, { readonly title: string; readonly trace: Trace }>()
  readonly #traces = new Map<string, Trace>()

  constructor(family: Family, topic: string) {
    this.family = family
    this.topic = topic
  }

  /** A derivation that several cases share. */
  world(name: string, title: string): Trace {
    const trace = new Trace(seed)
    this.#worlds.set(name, { title, trace })
    return trace
  }

  /** A trace for one case, standing on its world if it has one. */
  trace(world?: string): Trace {
    return world === undefined ? new Trace(seed) : this.#worlds.get(world)!.trace.child()
  }

  case(id: string): Case {
    const found = this.#cases.get(id)
    if (found === undefined) throw new Error(`no case ${id}`)
    return found
  }

  /** Takes a case back that is no longer right: it stays, says why, and names the one that stands for it. */
  withdraw(id: string, reason: string, replacedBy: string): void {
    const { critical, ...rest } = this.case(id)
    this.case(replacedBy)
    this.#cases.set(id, { ...rest, critical, status: "withdrawn", reason, replaced_by: replacedBy })
  }

  /** Reads `$name` for a case. */
  look(of: { readonly id: string; readonly world?: string }): (name: string) => Uint8Array {
    return (name) => {
      const value =
        this.#traces.get(of.id)?.find(name) ??
        (of.world === undefined ? undefined : this.#worlds.get(of.world)!.trace.find(name))
      if (value === undefined) throw new Error(`${of.id}: no value ${name}`)
      return value
    }
  }

  /** Bytes at a path of a case. */
  bytesAt(item: Case, path: string): Uint8Array {
    return resolve(model.at(item, path), this.look(item)) as Uint8Array
  }

  #add(common: Common, rest: Partial<Case> & { readonly verdict: Case["verdict"] }): Case {
    if (this.#cases.has(common.id)) throw new Error(`case ${common.id} exists`)
    const { class: classes, script, trace: _, ...others } = rest
    const attack = classes !== undefined && classes.every((name) => /^(?:auth|fresh)\./.test(name))
    const item: Case = {
      id: common.id,
      title: common.title,
      clauses: common.clauses,
      flags: common.flags ?? [],
      needs: [`${this.family.name}/1`],
      level: this.family.level,
      critical: common.critical ?? attack,
      ...(common.now !== undefined || script !== undefined ? { now: common.now ?? now } : {}),
      ...others,
      ...(classes === undefined ? {} : { class: classes }),
      ...(rest.verdict === "invalid" && script !== undefined ? { after: "probe" as const } : {}),
      ...(common.world === undefined ? {} : { world: common.world }),
      ...(rest.op === undefined
        ? {}
        : { op: rest.op, in: rest.in!, ...(rest.out === undefined ? {} : { out: rest.out }) }),
      ...(script === undefined ? {} : { script }),
      ...(common.trace === undefined || common.trace.steps.length === 0 ? {} : { trace: common.trace.steps })
    }
    if (common.trace !== undefined) this.#traces.set(common.id, common.trace)
    this.#cases.set(common.id, item)
    return item
  }

  /** A call that must give `out`. */
  valid(common: Common, op: string, input: JsonObject, out: JsonObject): Case {
    return this.#add(common, { verdict: "valid", op, in: input, out })
  }

  /** A call that must be refused: the twin's call with one change. */
  invalid(common: Common, twin: string, delta: Delta, cause: string | ReadonlyArray<string>): Case {
    const base = this.case(twin)
    const classes = typeof cause === "string" ? [cause] : cause
    const world = common.world ?? base.world
    const trace = this.#inherit(base, common)
    const input = this.#changed(base, delta, { in: base.in! }, common, trace)["in"] as JsonObject
    return this.#add(
      { ...common, ...(world === undefined ? {} : { world }), ...(trace.steps.length === 0 ? {} : { trace }) },
      {
        verdict: "invalid",
        twin,
        delta,
        stage: stageOf(classes[0]!),
        class: classes,
        op: base.op!,
        in: input
      }
    )
  }

  /** A transcript in which every step must end as it says. */
  transcript(common: Common, script: ReadonlyArray<ScriptStep>): Case {
    return this.#add(common, { verdict: "valid", script })
  }

  /**
   * The twin's transcript up to the step that must be refused (the changed one, or a later one named by `rejects`), and then genuine
   * traffic that must still work. Without `probe` the twin's own steps from the refused one on are the probe.
   */
  refused(
    common: Common,
    twin: string,
    delta: Delta,
    cause: string | ReadonlyArray<string>,
    options: { readonly probe?: ReadonlyArray<ScriptStep>; readonly rejects?: number } = {}
  ): Case {
    const base = this.case(twin)
    const classes = typeof cause === "string" ? [cause] : cause
    const index = options.rejects ?? Number(delta.at.split("/")[1])
    const script = base.script!
    const trace = this.#inherit(base, common)
    const steps = delta.op === "replay" || delta.op === "redirect" || delta.op === "omit"
    const whole = steps
      ? applyScript(delta, script)
      : (this.#changed(base, delta, { script }, common, trace)["script"] as ReadonlyArray<ScriptStep>)
    const { out: _, ...rest } = whole[index]!
    const rejected: ScriptStep = { ...rest, expect: "reject" }
    const after = options.probe ?? (delta.op === "omit" ? [] : script.slice(index))
    if (after.length === 0) throw new Error(`${common.id}: no probe`)
    const world = common.world ?? base.world
    return this.#add(
      {
        now: base.now!,
        ...common,
        ...(world === undefined ? {} : { world }),
        ...(trace.steps.length === 0 ? {} : { trace })
      },
      {
        verdict: "invalid",
        twin,
        delta,
        stage: stageOf(classes[0]!),
        class: classes,
        script: [...whole.slice(0, index), rejected, ...after],
        rejects: index
      }
    )
  }

  /** The trace of a changed case: its own if it was given one, else the twin's steps again, so that the case stands alone. */
  #inherit(base: Case, common: Common): Trace {
    if (common.trace !== undefined) return common.trace
    const trace = this.trace(common.world ?? base.world)
    for (const step of base.trace ?? [])
      trace.op(step.id, step.op, step.in as { readonly [name: string]: Arg }, step.clause)
    return trace
  }

  #changed(
    base: Case,
    delta: Delta,
    root: { readonly [name: string]: unknown },
    common: Common,
    own: Trace
  ): { readonly [name: string]: unknown } {
    const value = (): unknown => {
      if (delta.op === "assign") return delta.value
      if (delta.op === "resign") {
        const outer = model.at(base, delta.at)
        if (!isRef(outer)) throw new Error(`${common.id}: resign needs a reference at ${delta.at}`)
        const from = this.trace(base.world)
        const whole = this.#traces.get(base.id) ?? from
        const inner = applyBytes(delta.inner, this.look(base)(delta.value), (name) => this.#source(base, name))
        return own.rederive(whole, delta.value, inner, outer.slice(1))
      }
      if (!changesBytes(delta)) throw new Error(`${common.id}: ${delta.op} is not a change of a value`)
      return hex(applyBytes(delta, this.bytesAt(base, delta.at), (from) => this.#source(base, from)))
    }
    return put(root, delta.at.split("/"), value()) as { readonly [name: string]: unknown }
  }

  #source(base: Case, from: string): Uint8Array {
    if (isRef(from)) return this.look(base)(from.slice(1))
    const [id, path] = from.split(":") as [string, string]
    return this.bytesAt(this.case(id), path)
  }

  file(): VectorFile {
    const worlds: { [name: string]: World } = {}
    for (const [name, { title, trace }] of this.#worlds) worlds[name] = { title, trace: trace.steps }
    const cases = [...this.#cases.values()]
    const used = new Set(cases.flatMap((item) => item.flags))
    return {
      schema: `tacit/${this.family.name}/1`,
      suite: model.suiteVersion,
      protocol: model.protocolVersion,
      family: this.family.name,
      topic: this.topic,
      spec: { document: this.family.document },
      generator: { ...model.generator, seed: hex(seed) },
      licence: model.licence,
      notes: Object.fromEntries(Object.entries(this.family.notes).filter(([flag]) => used.has(flag))),
      worlds,
      count: cases.length,
      cases
    }
  }
}

/** A copy with the value at a path replaced. */
export const put = (inside: unknown, path: ReadonlyArray<string>, value: unknown): unknown => {
  const [key, ...rest] = path
  if (key === undefined) return value
  if (Array.isArray(inside)) return inside.map((item, i) => (i === Number(key) ? put(item, rest, value) : item))
  const object = inside as { readonly [name: string]: unknown }
  if (!(key in object)) throw new Error(`no ${key} to change`)
  return { ...object, [key]: put(object[key], rest, value) }
}
