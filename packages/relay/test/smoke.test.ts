import { startRelay } from "@tacit/relay"
import { FixtureAccount } from "@tacit/core/testing"
import { expect, it } from "vitest"
import { body, codeOf, connect, crypto } from "./Peer.ts"

it("registers, logs in, submits and delivers", async () => {
  const relay = await startRelay({ database: ":memory:", observe: true })
  const account = FixtureAccount.makeAccount(crypto, "a")
  const device = account.addDevice()
  const password = await relay.invite("alice")
  const peer = await connect(relay.url)
  expect(codeOf(await peer.register(account, device, "alice", password))).toBe(4)
  expect(await peer.login(device)).toMatchObject({ type: 6, waiting: 0 })
  expect(codeOf(await peer.ask({ type: 7, ...device.prekeys({ oneTime: 2, oneTimeKem: 1 }) }))).toBe(6)
  const anonymous = await connect(relay.url)
  const envelope = FixtureAccount.envelope(device.mailbox, 1, body(1))
  expect(codeOf(await anonymous.ask({ type: 14, token: new Uint8Array(), envelope }))).toBe(15)
  peer.tell({ type: 19, credit: 10 })
  const [delivery] = await peer.deliveries(1)
  expect(delivery!.envelope).toEqual(envelope)
  console.log(await relay.relaySaw(), await relay.metrics())
  await relay.close()
})
