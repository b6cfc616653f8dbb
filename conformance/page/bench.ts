/**
 * Where a derivation is worked through: every step with its inputs, recomputed here, held against what is published.
 */
import type { CryptoProvider } from "@tacit/core/hazmat"
import * as Derivation from "../src/audit/Derivation.ts"
import { hex, isHex, isRef, resolve, unhex, type TraceStep, type VectorFile } from "../src/audit/Model.ts"
import { compute } from "../src/audit/Recompute.ts"
import { bitsBetween, differences } from "../src/audit/Twin.ts"
import type { RuleTexts } from "../src/report/PageData.ts"
import { hexView } from "./bytes.ts"
import { ruleView, tag } from "./casepage.ts"
import { inputView, meaning } from "./derivation.ts"
import { h, replace, section, type Child } from "./dom.ts"

/** What recomputing a step gave. */
interface Outcome {
  readonly out: string | undefined
  readonly error: string | undefined
  readonly match: boolean
  readonly ms: number
}

/** Recomputes a step; `alter` changes resolved inputs before. */
export const recompute = (
  crypto: CryptoProvider,
  seed: Uint8Array,
  step: TraceStep,
  look: (name: string) => string | undefined,
  alter?: (inputs: Record<string, unknown>) => void
): Outcome => {
  const begun = performance.now()
  try {
    const inputs = Object.fromEntries(
      Object.entries(step.in).map(([name, value]) => [name, resolve(value, look, name)])
    )
    alter?.(inputs)
    const out = compute(crypto, seed, step.op, inputs)
    const text = out === undefined ? undefined : hex(out)
    return {
      out: text,
      error: text === undefined ? "the operation refuses this input" : undefined,
      match: text === step.out,
      ms: performance.now() - begun
    }
  } catch (error) {
    return {
      out: undefined,
      error: error instanceof Error ? error.message : String(error),
      match: false,
      ms: performance.now() - begun
    }
  }
}

/** The first bit of a hex string turned over. */
const flipped = (text: string): string =>
  (Number.parseInt(text.slice(0, 2), 16) ^ 1).toString(16).padStart(2, "0") + text.slice(2)

const outputs = (step: TraceStep, outcome: Outcome | undefined, altered: string | undefined): Child => {
  if (outcome === undefined)
    return h("div", { class: "outputs" }, h("div", { class: "key" }, "published"), hexView(step.out, [], "published"))
  const { come, gone } =
    outcome.out === undefined ? { come: [], gone: [] } : differences(unhex(step.out), unhex(outcome.out))
  const bits = outcome.out === undefined ? undefined : bitsBetween(unhex(step.out), unhex(outcome.out))
  return h(
    "div",
    { class: "outputs" },
    h(
      "p",
      { role: "status" },
      tag(outcome.match ? "match" : "mismatch", outcome.match ? "good" : "bad"),
      ` recomputed in ${outcome.ms.toFixed(1)} ms`,
      altered === undefined ? "" : ` with one bit of ${altered} turned over`,
      !outcome.match && bits !== undefined ? `: ${bits} of ${step.out.length * 4} bits differ` : ""
    ),
    h("div", { class: "key" }, "published"),
    hexView(step.out, gone, "published"),
    h("div", { class: "key" }, "computed here"),
    outcome.out === undefined
      ? h("p", { class: "problem" }, outcome.error ?? "nothing")
      : hexView(outcome.out, come, "computed")
  )
}

/** The bench for a case: its steps on the left, the step at hand on the right. */
export const bench = (
  crypto: CryptoProvider,
  file: VectorFile,
  derivation: Derivation.Derivation,
  steps: ReadonlyArray<TraceStep>,
  rules: RuleTexts
): HTMLElement => {
  const seed = unhex(file.generator.seed)
  const outcomes = new Map<string, Outcome>()
  let at = 0
  let altered: string | undefined
  const status = h("span", { class: "dim", role: "status", "aria-live": "polite" })
  const panel = h("div", { class: "bench" })
  const items = steps.map((step, i) =>
    h(
      "button",
      { type: "button", onclick: () => select(i) },
      h("span", { class: "glyph none", "aria-hidden": "true" }, "○"),
      h("span", { class: "ref" }, step.id),
      h("span", { class: "op" }, step.op)
    )
  )
  const list = h("div", { class: "steps", role: "group", "aria-label": "Steps of the derivation" }, ...items)
  const mark = (i: number): void => {
    const outcome = outcomes.get(steps[i]!.id)
    const sign = items[i]!.firstElementChild!
    sign.textContent = outcome === undefined ? "○" : outcome.match ? "✓" : "✕"
    sign.className = `glyph ${outcome === undefined ? "none" : outcome.match ? "good" : "bad"}`
    items[i]!.title = outcome === undefined ? "not recomputed" : outcome.match ? "match" : "mismatch"
  }
  const tell = (): void => {
    const done = [...outcomes.values()]
    const bad = done.filter((outcome) => !outcome.match).length
    status.textContent =
      done.length === 0
        ? `${steps.length} steps`
        : `${done.length} of ${steps.length} recomputed, ${bad === 0 ? "all match" : `${bad} do not match`}`
  }
  const run = (i: number): void => {
    outcomes.set(steps[i]!.id, recompute(crypto, seed, steps[i]!, derivation.look))
    mark(i)
  }
  const select = (i: number, change?: string): void => {
    items[at]?.removeAttribute("aria-current")
    at = Math.max(0, Math.min(steps.length - 1, i))
    altered = change
    const item = items[at]!
    item.setAttribute("aria-current", "step")
    const [top, bottom] = [item.offsetTop - list.offsetTop, item.offsetTop - list.offsetTop + item.offsetHeight]
    if (top < list.scrollTop || bottom > list.scrollTop + list.clientHeight)
      list.scrollTop = top - list.clientHeight / 2
    show()
  }
  const link = (name: string): Child => {
    const target = steps.findIndex((step) => step.id === name)
    return target < 0
      ? h("span", { class: "ref" }, name)
      : h("button", { type: "button", class: "link", onclick: () => select(target) }, name)
  }
  const flip = (name: string, value: unknown): Child => {
    const found = ((): unknown => {
      try {
        return resolve(value, derivation.look, name)
      } catch {
        return undefined
      }
    })()
    const text = name === "text" || name === "actor" || name === "label" || name === "purpose"
    return isHex(found) && found !== "" && !text
      ? h("button", { type: "button", class: "small quiet", onclick: () => select(at, name) }, "turn one bit over")
      : undefined
  }
  const show = (): void => {
    const step = steps[at]!
    const outcome =
      altered === undefined
        ? outcomes.get(step.id)
        : recompute(crypto, seed, step, derivation.look, (inputs) => {
            const value = inputs[altered ?? ""]
            if (isHex(value)) inputs[altered ?? ""] = flipped(value)
          })
    replace(
      panel,
      h(
        "div",
        { class: "bar" },
        h("button", { type: "button", onclick: () => select(at - 1) }, "Previous"),
        h(
          "button",
          {
            type: "button",
            class: "primary",
            onclick: () => {
              run(at)
              tell()
              select(at)
            }
          },
          "Recompute"
        ),
        h(
          "button",
          {
            type: "button",
            onclick: () => {
              run(at)
              tell()
              select(at + 1)
            }
          },
          "Recompute, next"
        ),
        h("span", { class: "dim" }, `step ${at + 1} of ${steps.length}`)
      ),
      h("h4", {}, step.id),
      h("p", {}, h("code", {}, step.op), `: ${meaning[step.op] ?? "an operation"}.`),
      step.clause === undefined ? undefined : ruleView(step.clause, rules),
      ...Object.entries(step.in).map(([name, value]) =>
        h("div", { class: "input" }, inputView(derivation, name, value, link), flip(name, value))
      ),
      outputs(step, outcome, altered)
    )
  }
  const all = (): void => {
    for (let i = 0; i < steps.length; i++) run(i)
    tell()
    const bad = steps.findIndex((step) => outcomes.get(step.id)?.match === false)
    select(bad < 0 ? at : bad)
  }
  tell()
  const element = section(
    "Derivation",
    h(
      "p",
      { class: "dim" },
      "Every value of this case, step by step, from the seed on. Recompute a step here and compare; turn a bit of an input over to see that it matters."
    ),
    h(
      "div",
      { class: "bar", style: "margin-top:.7rem" },
      h("button", { type: "button", class: "primary", id: "recompute-all", onclick: all }, "Recompute every step"),
      status
    ),
    h("div", { class: "stepper" }, list, panel)
  )
  const last = steps.length - 1
  queueMicrotask(() => select(last))
  return element
}

/** Steps of a case worth walking: what its values stand on, and for a remade value what it was made of. */
export const stepsOf = (
  derivation: Derivation.Derivation,
  roots: ReadonlyArray<string>,
  own: ReadonlyArray<TraceStep>
): ReadonlyArray<TraceStep> =>
  Derivation.closure(derivation, [...roots, ...own.flatMap((step) => (isRef(`$${step.id}`) ? [step.id] : []))])
