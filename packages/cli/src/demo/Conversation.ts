/**
 * The demo's first part: every line goes from alice to bob, and from alice to the echo bot and back.
 *
 * Lines are sent in bursts of one commit each; how many are under way is bounded, so that memory is too.
 */
import type { Mailbag } from "./Mailbag.ts"
import type { Stage } from "./Stage.ts"

export interface Delivered {
  readonly deliveredToBob: number
  readonly echoed: number
  /** Both arrived complete, in order, and byte for byte as sent. */
  readonly inOrder: boolean
}

const burst = 50
const underWay = 500

/** Sends all lines and waits until bob has them and the echoes are back. `progress` hears how far it is. */
export const hold = async (
  { alice, bob }: Stage,
  lines: ReadonlyArray<string>,
  progress: (done: number) => void
): Promise<Delivered> => {
  const toBob = await alice.client.conversation("bob")
  const toEcho = await alice.client.conversation("echo")
  const received = async (count: number) => {
    const has = (bag: Mailbag) => () => {
      progress(Math.min(bob.bag.texts.length, alice.bag.texts.length))
      return bag.texts.length >= count
    }
    await Promise.all([
      bob.bag.until(`${count} messages at bob`, has(bob.bag)),
      alice.bag.until(`${count} echoes at alice`, has(alice.bag))
    ])
  }
  for (let at = 0; at < lines.length; at += burst) {
    const part = lines.slice(at, at + burst)
    await toBob.sendMany(part)
    await toEcho.sendMany(part)
    await received(at + part.length - underWay)
  }
  await received(lines.length)
  const same = (texts: ReadonlyArray<string>) =>
    texts.length === lines.length && lines.every((line, i) => texts[i] === line)
  return {
    deliveredToBob: bob.bag.texts.length,
    echoed: alice.bag.texts.length,
    inOrder: same(bob.bag.texts) && same(alice.bag.texts)
  }
}
