/**
 * What happens in a run, as data: made out of a seed, cut down where it fails, and played again.
 *
 * Two persons with three devices each; devices join and are removed, crash, are restored from older copies, on a network that loses, repeats and
 * overtakes.
 */

/** Who: a person, and one of the devices that person has at that time, by a number that is taken modulo their count. */
export interface Who {
  readonly person: 0 | 1
  readonly device: number
}

export type Step =
  | { readonly do: "send"; readonly who: Who; readonly count: number }
  | { readonly do: "wait"; readonly ticks: number }
  | {
      readonly do: "network"
      readonly drop: number
      readonly duplicate: number
      readonly reorder: number
      readonly loseRequest: number
      readonly loseAnswer: number
      readonly delayMs: number
    }
  | { readonly do: "cut"; readonly person: 0 | 1 | 2 }
  | { readonly do: "mend" }
  | { readonly do: "crash"; readonly who: Who }
  | { readonly do: "stop"; readonly who: Who; readonly commit: number; readonly when: "before" | "after" }
  | { readonly do: "close"; readonly who: Who }
  | { readonly do: "copy"; readonly who: Who }
  | { readonly do: "restore"; readonly who: Who }
  | { readonly do: "add"; readonly person: 0 | 1 }
  | { readonly do: "revoke"; readonly who: Who }
  | { readonly do: "offer"; readonly who: Who }
  | { readonly do: "compare"; readonly who: Who }
  | { readonly do: "read"; readonly who: Who }

/** Mulberry32, for choosing steps. */
export const generator = (seed: number): (() => number) => {
  let state = (seed * 2_654_435_761) >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

/** Steps and how often they come. */
const weights: ReadonlyArray<readonly [Step["do"], number]> = [
  ["send", 30],
  ["wait", 16],
  ["network", 7],
  ["cut", 3],
  ["mend", 4],
  ["crash", 6],
  ["stop", 5],
  ["close", 5],
  ["copy", 5],
  ["restore", 5],
  ["add", 2],
  ["revoke", 1.5],
  ["offer", 2],
  ["compare", 2],
  ["read", 3]
]
const total = weights.reduce((sum, [, weight]) => sum + weight, 0)

/** The script of a seed. */
export const make = (seed: number, length = 40): ReadonlyArray<Step> => {
  const random = generator(seed)
  const below = (n: number): number => Math.floor(random() * n)
  const who = (): Who => ({ person: below(2) as 0 | 1, device: below(60) })
  const some = (most: number): number => (random() < 0.5 ? 0 : Math.round(random() * most * 100) / 100)
  const choose = (): Step["do"] => {
    let at = random() * total
    for (const [name, weight] of weights) if ((at -= weight) < 0) return name
    return "wait"
  }
  const step = (): Step => {
    const name = choose()
    switch (name) {
      case "send":
        return { do: name, who: who(), count: random() < 0.2 ? 2 + below(6) : 1 }
      case "wait":
        return { do: name, ticks: 1 + below(20) }
      case "network":
        return {
          do: name,
          drop: some(0.3),
          duplicate: some(0.3),
          reorder: some(0.5),
          loseRequest: some(0.2),
          loseAnswer: some(0.2),
          delayMs: below(4) * 50
        }
      case "cut":
        return { do: name, person: below(3) as 0 | 1 | 2 }
      case "mend":
        return { do: name }
      case "stop":
        return { do: name, who: who(), commit: 1 + below(12), when: random() < 0.5 ? "before" : "after" }
      case "add":
        return { do: name, person: below(2) as 0 | 1 }
      default:
        return { do: name, who: who() }
    }
  }
  return Array.from({ length }, step)
}
