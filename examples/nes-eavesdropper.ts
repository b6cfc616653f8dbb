/**
 * Alice writes to Bob in the nes profile, and Carol listens at the broker: what she gets, what she cannot do, what she can.
 *
 *     node -C @tacit/source examples/nes-eavesdropper.ts
 *
 * Spec: docs/spec/15-nes.md §15.4, §15.7.
 */
import { startBroker } from "@tacit/transport-mqtt/broker"
import {
  decode,
  encode,
  generate,
  innerBytes,
  type KeySource,
  makeListener,
  type Message,
  notice,
  openNes,
  type PublicKeys,
  seal
} from "@tacit/transport-mqtt/nes"
import { connectAsync } from "mqtt"
import * as Result from "effect/Result"
import { constants, createPublicKey, type KeyObject, verify } from "node:crypto"

console.log(notice[0])

const make = async () => ({ message: await generate(), sign: await generate() })
const own = { alice: await make(), bob: await make(), carol: await make() }
const publicKeys = ({ message, sign }: { readonly message: KeyObject; readonly sign: KeyObject }): PublicKeys => ({
  message: createPublicKey(message),
  sign: createPublicKey(sign)
})
const keys: KeySource = { keysOf: async (name) => publicKeys(own[name as keyof typeof own]) }

await using broker = await startBroker()
const carol = await connectAsync(broker.url, { protocolVersion: 4 })
const recorded: Array<Buffer> = []
carol.on("message", (topic, payload) => {
  const readable = /dinner|alice/.test(payload.toString())
  if (recorded.push(payload) === 1) console.log(`carol sees      ${topic}: ${readable ? "the text" : "a sealed frame"}`)
})
await carol.subscribeAsync("nes/#", { qos: 2 })

await using bob = await openNes({
  broker: broker.url,
  user: "bob",
  messageKey: own.bob.message,
  signKey: own.bob.sign,
  keys
})
await using alice = await openNes({ broker: broker.url, user: "alice", signKey: own.alice.sign, keys })
const events = bob.events()[Symbol.asyncIterator]()
const bobGets = async () => {
  const event = (await events.next()).value
  if (event === undefined) return
  if (event.type === "refused") console.log(`bob refuses     ${event.cause}`)
  else console.log(`bob reads       ${[event.message.message, ...event.warnings].join(" ! ")}`)
}

const sent = await alice.send("bob", "dinner at eight")
while (recorded.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
await bobGets()
const frame = recorded[0]!

// With her own key she opens nothing.
const opened = await makeListener({ user: "carol", messageKey: own.carol.message, keys }).receive(frame)
console.log(`carol opens     ${opened.type === "refused" ? "nothing" : opened.message.message}`)

// A message in alice's name needs alice's key.
const forged: Message = { ...sent, message: "dinner at nine" }
await carol.publishAsync(
  "nes/bob/message",
  Buffer.from(encode(seal(publicKeys(own.bob).message, own.carol.sign, forged))),
  { qos: 2 }
)
await bobGets()

// What she can: show the old frame again, and check a guess. Both are weaknesses of the protocol itself.
await carol.publishAsync("nes/bob/message", frame, { qos: 2 })
await bobGets()
const { signature } = Result.getOrThrow(decode(frame))
const pss = { key: publicKeys(own.alice).sign, padding: constants.RSA_PKCS1_PSS_PADDING }
for (const guess of ["dinner at seven", "dinner at eight"]) {
  const confirmed = verify("sha256", innerBytes({ ...sent, message: guess }), pss, signature)
  console.log(`carol guesses   ${guess}: ${confirmed ? "confirmed" : "no"}`)
}
await carol.endAsync()
