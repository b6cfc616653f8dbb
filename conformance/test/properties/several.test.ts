/** Accounts of several devices in the family `device` of the reference, operation by operation. Spec: docs/spec/20-subject.md §20.7. */
import { Bytes } from "@tacit/core/hazmat"
import { describe, expect, it } from "vitest"
import type { Members } from "../../src/protocol/Value.ts"
import { create } from "../../subjects/reference/index.ts"
import { handlerSource, seed } from "../support.ts"

const hex = (text: string): string => Bytes.toHex(Bytes.utf8Encode(text))

/** Two subjects: devices of one account live in both. */
const open = async () => {
  const subjects = [
    await handlerSource(() => create()).start(seed),
    await handlerSource(() => create()).start("a7".repeat(64))
  ] as const
  const clock = { now: 1_700_000_000_000 }
  const ask = (as: string, op: string, input: Members = {}) =>
    subjects[as.endsWith("2") ? 1 : 0].ask({ op, as, in: input, now: clock.now })
  // oxlint-disable-next-line typescript/no-explicit-any
  const ok = async (as: string, op: string, input: Members = {}): Promise<any> => {
    const answer = await ask(as, op, input)
    if (!("ok" in answer)) throw new Error(`${op}: ${JSON.stringify(answer)}`)
    return answer.ok
  }
  const rejected = async (as: string, op: string, input: Members = {}) => {
    const answer = await ask(as, op, input)
    return "reject" in answer ? answer.reject : answer
  }
  return { clock, ask, ok, rejected }
}

/** Alice with one device, and Bob with two, the second in another subject. */
const household = async () => {
  const world = await open()
  const { ok } = world
  const alice = await ok("alice", "actor.new", { user: "alice" })
  const bob = await ok("bob", "actor.new", { user: "bob" })
  const first = { user: "bob", account: bob.account, manifests: [bob.manifest] }
  await ok("bob", "peer.answer", first)
  await ok("alice", "peer.learn", first)
  const keys = await ok("bob2", "actor.keys")
  const admitted = await ok("bob", "device.admit", keys)
  const { alias, certificate, manifest, rendezvous } = admitted
  const second = await ok("bob2", "actor.enter", { user: "bob", alias, certificate, manifest, rendezvous })
  const manifests = [bob.manifest, manifest]
  await ok("bob2", "peer.answer", { user: "bob", account: bob.account, manifests })
  const offer = async (as: string, to: string, whose: Members) => {
    const { bundles } = await ok(to, "prekey.publish", { count: 1 })
    await ok(as, "peer.offer", { account: whose["account"]!, device: whose["device"]!, bundle: bundles[0] })
  }
  const people = { alice, bob, bob2: second } as { readonly [name: string]: Members }
  const names = ["alice", "bob", "bob2"]
  for (const as of names) for (const to of names) if (as !== to) await offer(as, to, people[to]!)
  const hello = { user: "alice", account: alice.account, manifests: [alice.manifest] }
  for (const as of ["bob", "bob2"]) await ok(as, "peer.learn", hello)
  const deliver = async (as: string, out: ReadonlyArray<Members>) => {
    const mine = out.filter(({ to }) => to === people[as]!["mailbox"])
    const events: Array<Members> = []
    for (const { wire } of mine) events.push(...(await ok(as, "receive", { wire: wire!, at: world.clock.now })).events)
    return events
  }
  const newest = { user: "bob", account: bob.account, manifests }
  return { ...world, alice, bob, second, keys, admitted, manifests, newest, deliver }
}

describe("devices of one account", () => {
  it("are admitted by one that has the key, wherever they live [subject.several.1] [subject.admit.1]", async () => {
    const { ask, bob, keys, newest, ok, rejected, second } = await household()
    expect(Object.keys(keys).sort()).toEqual(["agreement", "device"])
    expect(second).toMatchObject({ account: bob.account, device: keys.device })
    expect(second.mailbox).not.toBe(bob.mailbox)
    const { devices } = await ok("alice", "peer.learn", newest)
    expect(new Set(devices)).toEqual(new Set([bob.device, second.device]))
    // A member has no key to admit anybody with.
    await ok("c", "actor.keys")
    const strange = await ok("d", "actor.keys")
    expect(await rejected("bob2", "device.admit", strange)).toMatchObject({ stage: "policy" })
    expect(await ask("bob2", "actor.keys")).toHaveProperty("fault")
    expect(await ask("e", "device.admit", strange)).toHaveProperty("fault")
  })

  it("are all sent a message, and copies of what the others send [subject.several.1] [subject.event.2]", async () => {
    const { alice, bob, deliver, newest, ok, second } = await household()
    await ok("alice", "peer.learn", newest)
    const sent = await ok("alice", "session.send", { account: bob.account, text: hex("to both") })
    expect(new Set(sent.out.map(({ to }: Members) => to))).toEqual(new Set([bob.mailbox, second.mailbox]))
    for (const as of ["bob", "bob2"]) {
      expect(await deliver(as, sent.out)).toMatchObject([{ type: "message", from: alice.device, text: hex("to both") }])
    }
    const mine = await ok("bob", "session.send", { account: alice.account, text: hex("from one") })
    const later = await ok("bob", "poll")
    const events = await deliver("bob2", [...mine.out, ...later.out])
    const { id, number } = mine
    const copy = { type: "sent-copy", device: bob.device, account: alice.account, id, number, text: hex("from one") }
    expect(events.filter(({ type }) => type === "sent-copy")).toEqual([copy])
  })

  it("are learned of while an envelope is taken in, and told before its message [subject.learn.1] [subject.event.2]", async () => {
    const { alice, bob, deliver, newest, ok, second } = await household()
    await ok("alice", "peer.answer", newest)
    const { out } = await ok("bob2", "session.send", { account: alice.account, text: hex("it is me") })
    const [changed, message] = await deliver("alice", out)
    expect(changed).toEqual({
      type: "device-changed",
      account: bob.account,
      version: 2,
      added: [second.device],
      removed: []
    })
    expect(message).toMatchObject({ type: "message", from: second.device, text: hex("it is me") })
  })

  it("are revoked, and know it when they are told [subject.revoke.1] [subject.own.1]", async () => {
    const { alice, bob, manifests, ok, rejected, second } = await household()
    const revoked = await ok("bob", "device.revoke", { device: second.device })
    expect(await rejected("bob", "device.revoke", { device: alice.device })).toMatchObject({ stage: "lookup" })
    expect(await rejected("bob", "device.revoke", { device: bob.device })).toMatchObject({ stage: "policy" })
    const text = { account: alice.account, text: hex("x") }
    expect((await ok("bob2", "session.send", text)).out.length).toBeGreaterThan(0)
    const before = await ok("bob2", "digest")
    expect(await rejected("bob2", "own.learn", { manifests: [bob.manifest] })).toMatchObject({
      class: "fresh.rollback"
    })
    expect(await ok("bob2", "digest")).toEqual(before)
    const told = await ok("bob2", "own.learn", { manifests: [...manifests, revoked.manifest] })
    expect(told.events).toContainEqual({ type: "revoked", version: 3 })
    expect(await rejected("bob2", "session.send", text)).toMatchObject({ class: "policy.revoked-device" })
    expect((await ok("bob", "own.learn", { manifests: [...manifests, revoked.manifest] })).devices).toEqual([])
  })

  it("are left out by who the relay refuses their mailbox to [subject.stale.1]", async () => {
    const { bob, deliver, newest, ok, second } = await household()
    await ok("alice", "peer.learn", newest)
    await ok("alice", "peer.answer", newest)
    const { manifest } = await ok("bob", "device.revoke", { device: second.device })
    await ok("alice", "relay.stale", { mailbox: second.mailbox, manifest })
    const sent = await ok("alice", "session.send", { account: bob.account, text: hex("one left") })
    expect(sent.out.map(({ to }: Members) => to)).toEqual([bob.mailbox])
    const { events } = await ok("alice", "poll")
    expect(events.filter(({ type }: Members) => type === "device-changed").at(-1)).toMatchObject({
      version: 3,
      removed: [second.device]
    })
    expect(await deliver("bob", sent.out)).toMatchObject([{ type: "message", text: hex("one left") }])
  })
})
