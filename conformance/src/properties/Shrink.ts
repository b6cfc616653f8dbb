/**
 * Making a failing script small: fewer steps, weaker steps, smaller operands, fewer people.
 *
 * Spec: docs/spec/21-conformance.md, rule property.script.1: every part of a script is a script.
 */
import type { Reproducer } from "./RunScript.ts"
import { type Step, weaker } from "./Script.ts"
import { sizeOf } from "./World.ts"

/** Whether a smaller script still breaks the same property. */
export type Breaks<R> = (reproducer: R) => Promise<boolean>

/** Anything that is a list of steps with something around it. */
export interface Shrinkable {
  readonly script: ReadonlyArray<readonly [string, ...ReadonlyArray<number>]>
}

/** A way of making something smaller: candidates, best first. */
export type Pass<R> = (reproducer: R) => Iterable<R>

const withScript = <R extends Shrinkable>(reproducer: R, script: R["script"]): R => ({ ...reproducer, script })

/** Leaves out ever shorter stretches. */
const fewer = function* <R extends Shrinkable>(reproducer: R): Generator<R> {
  const { script } = reproducer
  for (let length = script.length; length >= 1; length = length === 1 ? 0 : Math.ceil(length / 2)) {
    for (let from = script.length - length; from >= 0; from -= length) {
      yield withScript(reproducer, [...script.slice(0, from), ...script.slice(from + length)])
    }
    if (script.length % length !== 0) yield withScript(reproducer, script.slice(script.length % length))
  }
}

/** Replaces operands by 0, or by half of them. */
const smaller = function* <R extends Shrinkable>(reproducer: R): Generator<R> {
  const { script } = reproducer
  const put = (at: number, step: R["script"][number]): R =>
    withScript(reproducer, [...script.slice(0, at), step, ...script.slice(at + 1)])
  for (const [at, step] of script.entries()) {
    const [name, ...operands] = step
    if (operands.some((operand) => operand > 0)) yield put(at, [name, ...operands.map(() => 0)])
    for (const [i, operand] of operands.entries()) {
      const tried = new Set([0, operand % 8, operand >> 1, operand - 1])
      for (const value of tried) {
        if (value >= 0 && value < operand) {
          yield put(at, [name, ...operands.slice(0, i), value, ...operands.slice(i + 1)])
        }
      }
    }
  }
}

/** Shrinks with these passes, as far as `most` tries allow. */
export const shrinkWith = async <R extends Shrinkable>(
  failing: R,
  breaks: Breaks<R>,
  passes: ReadonlyArray<Pass<R>>,
  most: number
): Promise<R> => {
  let best = failing
  let tries = 0
  for (let improved = true; improved && tries < most;) {
    improved = false
    for (const pass of [fewer, ...passes, smaller] as ReadonlyArray<Pass<R>>) {
      for (let again = true; again && tries < most;) {
        again = false
        for (const candidate of pass(best)) {
          if (++tries > most) break
          if (!(await breaks(candidate))) continue
          best = candidate
          improved = again = true
          break
        }
      }
    }
  }
  return best
}

/** A step that does less in place of one that does more. */
const weakened = function* (reproducer: Reproducer): Generator<Reproducer> {
  for (const [at, step] of reproducer.script.entries()) {
    const [name, ...operands] = step
    for (const other of weaker[name] ?? []) {
      const next: Step = [other, ...operands]
      yield { ...reproducer, script: [...reproducer.script.slice(0, at), next, ...reproducer.script.slice(at + 1)] }
    }
  }
}

/** One pause in place of two in a row. */
const merged = function* (reproducer: Reproducer): Generator<Reproducer> {
  const { script } = reproducer
  for (let at = 0; at + 1 < script.length; at++) {
    const isPair = script[at]![0] === "clock" && script[at + 1]![0] === "clock"
    if (isPair) yield { ...reproducer, script: script.toSpliced(at, 1) }
  }
}

/** Two people in place of three, and everybody played by the subject. */
const plainer = function* (reproducer: Reproducer): Generator<Reproducer> {
  const { roles, world } = reproducer
  if (world === "trio" || world === "usurper")
    yield { ...reproducer, world: "pair", roles: roles.slice(0, sizeOf("pair")) }
  for (const [i, role] of roles.entries()) {
    if (role === "reference") yield { ...reproducer, roles: roles.with(i, "subject") }
  }
}

/** Shrinks a script of a world. */
export const shrink = (failing: Reproducer, breaks: Breaks<Reproducer>, most = 400): Promise<Reproducer> =>
  shrinkWith(failing, breaks, [plainer, weakened, merged], most)
