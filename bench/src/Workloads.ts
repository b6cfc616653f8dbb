/**
 * The workloads. Each gives tasks for one contender.
 *
 * W1 set-up; W2 ping-pong; W3 one-way 32 B, 1 KiB, 64 KiB, sealing and opening apart; W4 1,000 messages opened in
 * reverse. W5 (bytes) and W6 (state) are sizes, not times.
 */
import type { Contender, Pair, Prepared, Sealed } from "./Contender.ts"
import { type Task, timed } from "./Rounds.ts"

const text = (length: number) => new Uint8Array(length).fill(0x78)

const same = (a: Uint8Array, b: Uint8Array) => {
  if (a.length !== b.length || a[a.length - 1] !== b[b.length - 1])
    throw new Error("a message opened to something else")
}

const pairOf = async (contender: Contender): Promise<Pair> => {
  const [prepared] = await contender.prepare(1)
  const pair = await prepared!.establish(text(32))
  // One message each way, so that nobody repeats set-up parameters any more.
  await pair.alice.open(await pair.bob.seal(text(32)))
  await pair.bob.open(await pair.alice.seal(text(32)))
  return pair
}

export const setUp = (contender: Contender, count: number): Task => ({
  contender: contender.name,
  workload: "W1 set-up",
  run: async () => {
    const prepared: ReadonlyArray<Prepared> = await contender.prepare(count)
    const first = text(32)
    return timed(count, (i) => prepared[i]!.establish(first))
  }
})

export const pingPong = (contender: Contender, count: number): Task => {
  let pair: Pair | undefined
  return {
    contender: contender.name,
    workload: "W2 ping-pong",
    run: async () => {
      pair ??= await pairOf(contender)
      const { alice, bob } = pair
      const body = text(32)
      const start = performance.now()
      for (let i = 0; i < count; i += 2) {
        const there = alice.seal(body)
        const opened = bob.open(there instanceof Promise ? await there : there)
        if (opened instanceof Promise) await opened
        const back = bob.seal(body)
        const returned = alice.open(back instanceof Promise ? await back : back)
        same(returned instanceof Promise ? await returned : returned, body)
      }
      return { operations: count, millis: performance.now() - start }
    }
  }
}

const label = (size: number) => (size < 1024 ? `${size} B` : `${size / 1024} KiB`)

/** Sealing and opening of the same messages, as two tasks that run one after the other. */
export const oneWay = (contender: Contender, size: number, count: number): ReadonlyArray<Task> => {
  let pair: Pair | undefined
  let sealed: Array<Sealed> = []
  const body = text(size)
  return [
    {
      contender: contender.name,
      workload: `W3 seal ${label(size)}`,
      run: async () => {
        pair ??= await pairOf(contender)
        const { alice, bob } = pair
        sealed = new Array<Sealed>(count)
        const start = performance.now()
        for (let i = 0; i < count; i++) {
          const message = alice.seal(body)
          sealed[i] = message instanceof Promise ? await message : message
        }
        const millis = performance.now() - start
        for (const message of sealed) await bob.open(message)
        return { operations: count, millis }
      }
    },
    {
      contender: contender.name,
      workload: `W3 open ${label(size)}`,
      run: async () => {
        pair ??= await pairOf(contender)
        const { alice, bob } = pair
        sealed = []
        for (let i = 0; i < count; i++) sealed.push(await alice.seal(body))
        const result = await timed(count, (i) => bob.open(sealed[i]!))
        return result
      }
    }
  ]
}

export const reversed = (contender: Contender, count: number): Task => ({
  contender: contender.name,
  workload: `W4 reversed ${count}`,
  run: async () => {
    const { alice, bob } = await pairOf(contender)
    const sealed: Array<Sealed> = []
    for (let i = 0; i < count; i++) sealed.push(await alice.seal(text(32)))
    return timed(count, (i) => bob.open(sealed[count - 1 - i]!))
  }
})

export interface Sizes {
  readonly contender: string
  readonly firstMessage: number
  readonly steadyMessage: number
  readonly stateAfter1000: number
  readonly stateWith500Skipped: number | undefined
}

/** W5 and W6. */
export const sizes = async (contender: Contender, outOfOrder: boolean, messages: number): Promise<Sizes> => {
  const [prepared] = await contender.prepare(1)
  const first = await prepared!.establish(text(32))
  const pair = await pairOf(contender)
  let steady = 0
  for (let i = 0; i < messages; i++) {
    const message = await pair.alice.seal(text(32))
    steady = message.bytes
    await pair.bob.open(message)
  }
  const stateAfter1000 = await pair.bob.stateBytes()
  let stateWith500Skipped: number | undefined
  if (outOfOrder) {
    for (let i = 0; i < 500; i++) await pair.alice.seal(text(32))
    await pair.bob.open(await pair.alice.seal(text(32)))
    stateWith500Skipped = await pair.bob.stateBytes()
  }
  return {
    contender: contender.name,
    firstMessage: first.firstBytes,
    steadyMessage: steady,
    stateAfter1000,
    stateWith500Skipped
  }
}
