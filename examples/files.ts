/**
 * A file from alice to bob over a relay in the same program: sealed, uploaded once, fetched whole and in part.
 *
 * Run: node -C @tacit/source examples/files.ts
 */
import { openClient } from "@tacit/bots"
import { startRelay } from "@tacit/relay"

await using relay = await startRelay({ database: ":memory:" })
const open = async (user: string) =>
  openClient({ relay: relay.url, user, password: await relay.invite(user), temporary: true })
await using bob = await open("bob")
await using alice = await open("alice")

const letter = new TextEncoder().encode("Dear Bob, ".repeat(20_000))
const preview = { mediaType: "text/plain", data: letter.slice(0, 8) }
for await (const step of alice.attachments.send("bob", letter, {
  name: "letter.txt",
  mediaType: "text/plain",
  preview
})) {
  if (step.state === "uploading") console.log(`alice: ${step.sent} of ${step.of} bytes`)
}

for await (const { body } of bob.messages()) {
  if (body.type !== "attachment") continue
  console.log(`bob: ${body.name}, ${body.length} bytes, begins with "${new TextDecoder().decode(body.preview?.data)}"`)
  let received = 0
  for await (const piece of bob.attachments.download(body)) received += piece.bytes.length
  for await (const bytes of bob.attachments.range(body, 100_000, 100_009)) {
    console.log(`bob: ${received} bytes, at 100,000 "${new TextDecoder().decode(bytes)}"`)
  }
  break
}
