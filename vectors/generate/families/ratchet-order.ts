/**
 * F07: every order in which messages of three chains can arrive.
 *
 * Spec: docs/spec/06-ratchet.md §6.5. What must come out follows from the order alone and is worked out here, not taken from a run.
 */
import { FileBuilder } from "../family.ts"
import type { ScriptStep, VectorFile } from "../model.ts"
import type { Suite } from "../prim.ts"
import { bob, counters, family, open, respond, world } from "./ratchet.ts"

const permutations = <T>(items: ReadonlyArray<T>): ReadonlyArray<ReadonlyArray<T>> =>
  items.length <= 1
    ? [items]
    : items.flatMap((item, i) => permutations(items.filter((_, j) => j !== i)).map((rest) => [item, ...rest]))

type Place = readonly [chain: number, number: number]

/**
 * The script for messages in some order: a message is late if a higher one of its chain or any of a later chain came before; the first
 * of a chain turns the ratchet.
 */
const script = (
  suite: Suite,
  order: ReadonlyArray<Place>,
  sent: ReadonlyMap<number, number>
): ReadonlyArray<ScriptStep> => {
  const steps: Array<ScriptStep> = [respond(suite)]
  let chain = -2
  let next = 0
  const stored = new Set<string>()
  let turns = 0
  for (const [index, number] of order) {
    const name = `${index}.${number}`
    const late = stored.delete(name)
    if (late) {
      steps.push(open(index, number, { late: true }))
      continue
    }
    if (index > chain) {
      for (let n = next; chain >= 0 && n < sent.get(chain)!; n++) stored.add(`${chain}.${n}`)
      chain = index
      next = 0
      turns++
      steps.push(open(index, number, { fresh: turns === 1 ? "$e1.secret" : turns === 2 ? "$e3.secret" : "$fresh" }))
    } else steps.push(open(index, number))
    for (let n = next; n < number; n++) stored.add(`${index}.${n}`)
    next = number + 1
  }
  steps.push(counters(bob, 0, next, 0, stored.size))
  return steps
}

export const order = (suite: Suite): VectorFile => {
  const file = new FileBuilder(family, `order-suite-${suite}`)
  const name = `order-${suite}`
  const counts = [3, 0, 2, 0, 2]
  world(file, name, "three chains of the initiator; the responder only listens", suite, counts)
  const sent = new Map([
    [0, 3],
    [2, 2],
    [4, 2]
  ])
  // Chain 2 needs the responder's key of the turn on chain 0, and chain 4 that of the turn on chain 2: these two come first in their order.
  const free: ReadonlyArray<Place> =
    suite === 1
      ? [
          [0, 1],
          [0, 2],
          [2, 1],
          [4, 0],
          [4, 1]
        ]
      : [
          [0, 1],
          [2, 1],
          [4, 0],
          [4, 1]
        ]
  const fixed: ReadonlyArray<Place> = [
    [0, 0],
    [2, 0]
  ]
  const all = permutations(free)
  for (const [i, rest] of all.entries()) {
    if (suite !== 1 && i % 4 !== 0) continue
    const title = rest.map(([chain, number]) => `${chain}.${number}`).join(" ")
    file.transcript(
      {
        id: `ratchet-order-${suite}-${String(i).padStart(3, "0")}`,
        title: `after 0.0 and 2.0: ${title}`,
        clauses: ["ratchet.receive.2", "ratchet.receive.3", "ratchet.receive.4", "ratchet.skip.3"],
        flags: ["OutOfOrder"],
        world: name
      },
      script(suite, [...fixed, ...rest], sent)
    )
  }
  // All orders of three messages of one chain.
  for (const [i, rest] of permutations<Place>([
    [0, 0],
    [0, 1],
    [0, 2]
  ]).entries()) {
    file.transcript(
      {
        id: `ratchet-order-${suite}-chain-${i}`,
        title: rest.map(([chain, number]) => `${chain}.${number}`).join(" "),
        clauses: ["ratchet.receive.3", "ratchet.receive.4"],
        flags: ["OutOfOrder"],
        world: name
      },
      script(suite, rest, sent)
    )
  }
  return file.file()
}
