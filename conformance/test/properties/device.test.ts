/** The family `device` of the reference, operation by operation. Spec: docs/spec/20-subject.md §20.3, §20.5, §20.6. */
import { Bytes } from "@tacit/core/hazmat"
import { describe, expect, it } from "vitest"
import type { Answer } from "../../src/protocol/Message.ts"
import type { Members } from "../../src/protocol/Value.ts"
import type { Subject } from "../../src/subject/Subject.ts"
import { create } from "../../subjects/reference/index.ts"
import { handlerSource, seed } from "../support.ts"

const start = 1_700_000_000_000
const hex = (text: string): string => Bytes.toHex(Bytes.utf8Encode(text))

/** A subject with a clock, asked in a word. */
const open = async (from = seed) => {
  const subject: Subject = await handlerSource(() => create()).start(from)
  const clock = { now: start }
  const ask = (
    as: string,
    op: string,
    input: Members = {},
    coins?: { readonly [label: string]: ReadonlyArray<string> }
  ): Promise<Answer> => subject.ask({ op, as, in: input, now: clock.now, ...(coins === undefined ? {} : { coins }) })
  // oxlint-disable-next-line typescript/no-explicit-any
  const ok = async (as: string, op: string, input: Members = {}): Promise<any> => {
    const answer = await ask(as, op, input)
    if (!("ok" in answer)) throw new Error(`${op}: ${JSON.stringify(answer)}`)
    return answer.ok
  }
  const rejected = async (as: string, op: string, input: Members = {}) => {
    const answer = await ask(as, op, input)
    return "reject" in answer ? answer.reject.class : answer
  }
  return { subject, clock, ask, ok, rejected }
}

/** Two people who know each other's bundles. */
const pair = async () => {
  const world = await open()
  const { ok } = world
  const alice = await ok("a", "actor.new", { user: "alice" })
  const bob = await ok("b", "actor.new", { user: "bob" })
  const bundles = await ok("b", "prekey.publish", { count: 3 })
  const mine = await ok("a", "prekey.publish", { count: 3 })
  await ok("a", "peer.learn", { user: "bob", account: bob.account, manifests: [bob.manifest] })
  await ok("b", "peer.learn", { user: "alice", account: alice.account, manifests: [alice.manifest] })
  await ok("a", "peer.offer", { account: bob.account, device: bob.device, bundle: bundles.bundles[0] })
  const send = (text: string, more: Members = {}) =>
    ok("a", "session.send", { account: bob.account, text: hex(text), ...more })
  const receive = (as: string, wire: string, more: Members = {}) => ok(as, "receive", { wire, at: start, ...more })
  return { ...world, alice, bob, bundles, mine, send, receive }
}

describe("devices of the reference", () => {
  it("make an account with one device, whose signatures verify [subject.actor.1]", async () => {
    const { ok, subject } = await open()
    const made = await ok("a", "actor.new", { user: "alice" })
    expect(Object.keys(made).sort()).toEqual(["account", "certificate", "device", "mailbox", "manifest"])
    const verified = await subject.ask({ op: "certificate.verify", in: { bytes: made.certificate } })
    expect("ok" in verified && verified.ok["device"]).toBe(made.device)
    expect(await subject.ask({ op: "actor.new", as: "a", in: { user: "alice" } })).toHaveProperty("fault")
  })

  it("publish bundles with prekeys of their own and new ids each time, and one to fall back on [subject.publish.1]", async () => {
    const { bob, bundles, ok, subject } = await pair()
    const again = await ok("b", "prekey.publish", { count: 2 })
    const ids: Array<unknown> = []
    for (const bundle of [...bundles.bundles, ...again.bundles]) {
      const checked = await subject.ask({ op: "bundle.check", in: { bytes: bundle, account: bob.account } })
      if (!("ok" in checked)) throw new Error("a bundle does not verify")
      expect(checked.ok["kemOneTime"]).toBe(true)
      ids.push(checked.ok["oneTimePrekeyId"])
    }
    expect(new Set(ids).size).toBe(5)
    const last = await subject.ask({ op: "bundle.check", in: { bytes: bundles.last, account: bob.account } })
    expect("ok" in last && [last.ok["oneTimePrekeyId"], last.ok["kemOneTime"]]).toEqual([0, false])
  })

  it("learn devices from manifests and refuse false ones [subject.peer.1]", async () => {
    const { bob, ok, rejected } = await pair()
    const answer = await ok("a", "peer.learn", { user: "bob", account: bob.account, manifests: [bob.manifest] })
    expect(answer.devices).toEqual([bob.device])
    const carol = await ok("c", "actor.new", { user: "carol" })
    const before = await ok("a", "digest")
    const lie = { user: "carol", account: carol.account, manifests: [bob.manifest] }
    expect(await rejected("a", "peer.learn", lie)).toBe("auth.account")
    expect(await ok("a", "digest")).toEqual(before)
    expect(await rejected("a", "session.send", { account: carol.account, text: hex("x") })).toBe("lookup.no-session")
  })

  it("hold what comes under a changed identity until it is accepted [subject.peer.1] [subject.event.1]", async () => {
    const { alice, bob, mine, ok, rejected } = await pair()
    const other = await ok("c", "actor.new", { user: "bob" })
    const changed = { user: "bob", account: other.account, manifests: [other.manifest] }
    expect(await rejected("a", "peer.learn", changed)).toBe("policy.identity-changed")
    const told = await ok("a", "poll")
    expect(told.events).toEqual([
      { type: "identity-changed", user: "bob", pinned: bob.account, offered: other.account }
    ])
    expect(await rejected("a", "session.send", { account: bob.account, text: hex("x") })).toBe(
      "policy.identity-changed"
    )
    await ok("c", "peer.learn", { user: "alice", account: alice.account, manifests: [alice.manifest] })
    await ok("c", "peer.offer", { account: alice.account, device: alice.device, bundle: mine.bundles[0] })
    const sent = await ok("c", "session.send", { account: alice.account, text: hex("it is me") })
    const held = await ok("a", "receive", { wire: sent.out[0].wire, at: start })
    expect(held.events).toEqual([{ type: "refused", class: "policy.identity-changed" }])
    expect((await ok("a", "inspect")).held).toBe(1)
    const accepted = await ok("a", "peer.accept", { user: "bob", account: other.account })
    expect(accepted.events.map((event: Members) => event["text"])).toEqual([hex("it is me")])
  })

  it("ask the directory about a name that a start claims, and hold the start when it stands for another account now [subject.peer.3]", async () => {
    const { alice, bob, mine, ok } = await pair()
    const other = await ok("c", "actor.new", { user: "bob" })
    const before = await ok("a", "digest")
    const entry = { user: "bob", account: other.account, manifests: [other.manifest] }
    expect(await ok("a", "peer.answer", entry)).toEqual({})
    expect((await ok("a", "poll")).events).toEqual([])
    expect(await ok("a", "digest")).toEqual(before)
    await ok("c", "peer.learn", { user: "alice", account: alice.account, manifests: [alice.manifest] })
    await ok("c", "peer.offer", { account: alice.account, device: alice.device, bundle: mine.bundles[0] })
    const sent = await ok("c", "session.send", { account: alice.account, text: hex("it is me") })
    const held = await ok("a", "receive", { wire: sent.out[0].wire, at: start })
    const told = [...held.events, ...(await ok("a", "poll")).events]
    expect(told).toContainEqual({
      type: "identity-changed",
      user: "bob",
      pinned: bob.account,
      offered: other.account
    })
    expect(told).toContainEqual({ type: "refused", class: "policy.identity-changed" })
    const accepted = await ok("a", "peer.accept", { user: "bob", account: other.account })
    expect(accepted.events.map((event: Members) => event["text"])).toEqual([hex("it is me")])
  })

  it("use an offered bundle once, and check it then [subject.peer.2] [subject.send.1]", async () => {
    const { alice, bob, bundles, ok, rejected, send } = await pair()
    const sent = await send("hello")
    expect(sent.used).toEqual([bob.device])
    expect(sent.number).toBe(1)
    expect(sent.out.map(({ to }: Members) => to)).toEqual([bob.mailbox])
    expect((await send("again")).used).toEqual([])
    const to = { account: alice.account, text: hex("x") }
    expect(await rejected("b", "session.send", to)).toBe("lookup.no-session")
    const wrong = { account: alice.account, device: alice.device, bundle: bundles.bundles[1] }
    await ok("b", "peer.offer", wrong)
    expect(await rejected("b", "session.send", to)).toBe("auth.account")
  })

  it("archive sessions on a reset and say so in the next [subject.send.2]", async () => {
    const { alice, bob, bundles, ok, receive, send } = await pair()
    const first = await send("one")
    await receive("b", first.out[0].wire)
    const before = await ok("a", "session.agree", { account: bob.account, device: bob.device })
    await ok("a", "session.reset", { account: bob.account })
    await ok("a", "peer.offer", { account: bob.account, device: bob.device, bundle: bundles.bundles[1] })
    const second = await send("two")
    const events: Array<Members> = []
    for (const { wire } of second.out) events.push(...(await receive("b", wire)).events)
    expect(events.map(({ type }) => type)).toEqual(["session-reset", "message"])
    const after = await ok("a", "session.agree", { account: bob.account, device: bob.device })
    expect(after.session).not.toBe(before.session)
    expect(await ok("b", "session.agree", { account: alice.account, device: alice.device })).toEqual(after)
  })

  it("show messages, gaps and what fills them, and send receipts [subject.receive.1] [subject.event.1]", async () => {
    const { alice, bob, ok, receive, send } = await pair()
    const [one, two, three] = [await send("one"), await send("two"), await send("three")]
    const first = await receive("b", one.out[0].wire)
    expect(first.events).toEqual([
      {
        type: "message",
        from: alice.device,
        account: alice.account,
        id: one.id,
        number: 1,
        text: hex("one"),
        late: false
      }
    ])
    const third = await receive("b", three.out[0].wire)
    expect(third.events.map(({ type }: Members) => type)).toEqual(["gap", "message"])
    expect(third.events[0]).toEqual({ type: "gap", device: alice.device, from: 2, to: 2 })
    const second = await receive("b", two.out[0].wire)
    expect(second.events[0]).toEqual({ type: "gap-filled", device: alice.device, number: 2 })
    expect(second.events[1].late).toBe(true)
    const receipt = await ok("a", "receive", { wire: first.out[0].wire, at: start })
    expect(receipt.events).toEqual([{ type: "receipt", device: bob.device, ids: [one.id], state: 1 }])
  })

  it("refuse with a stage and a cause, and change nothing [subject.receive.1] [subject.atomic.1]", async () => {
    const { ask, ok, receive, send } = await pair()
    const sent = await send("one")
    await receive("b", sent.out[0].wire)
    const before = [await ok("b", "digest"), await ok("b", "inspect")]
    for (let again = 0; again < 3; again++) {
      const answer = await ask("b", "receive", { wire: sent.out[0].wire, at: start })
      expect(answer).toMatchObject({ reject: { stage: "freshness", class: "fresh.used-key" } })
    }
    expect(await ask("b", "receive", { wire: "00", at: start })).toMatchObject({ reject: { stage: "decode" } })
    expect([await ok("b", "digest"), await ok("b", "inspect")]).toEqual(before)
  })

  it("do of themselves at the next poll what follows from a refusal [subject.poll.1]", async () => {
    const { alice, mine, ok, receive, rejected, send } = await pair()
    const first = await receive("b", (await send("one")).out[0].wire)
    await receive("a", first.out[0].wire)
    await ok("b", "peer.offer", { account: alice.account, device: alice.device, bundle: mine.bundles[0] })
    const wire: string = (await send("two")).out[0].wire
    const changed = wire.slice(0, -2) + (wire.endsWith("00") ? "01" : "00")
    expect(await rejected("b", "receive", { wire: changed, at: start })).toBe("auth.tag")
    const polled = await ok("b", "poll")
    expect(polled.out.map(({ to }: Members) => to)).toEqual([alice.mailbox])
    expect((await receive("b", wire)).events.map(({ text }: Members) => text)).toEqual([hex("two")])
  })

  it("agree on the session, each by its own word [subject.agree.1]", async () => {
    const { alice, bob, ok, receive, send } = await pair()
    expect(await ok("a", "session.agree", { account: bob.account, device: bob.device })).toEqual({})
    await receive("b", (await send("one")).out[0].wire)
    const mine = await ok("a", "session.agree", { account: bob.account, device: bob.device })
    expect(mine.session).toMatch(/^[0-9a-f]{32}$/)
    expect(await ok("b", "session.agree", { account: alice.account, device: alice.device })).toEqual(mine)
  })

  it("count what they keep [subject.inspect.1]", async () => {
    const { ok, receive, send } = await pair()
    const before = await ok("b", "inspect")
    const sent = [await send("one"), await send("two"), await send("three")]
    await receive("b", sent[2].out[0].wire)
    const after = await ok("b", "inspect")
    expect(after).toEqual({
      skipped: 2,
      oneTime: before.oneTime - 1,
      kemOneTime: before.kemOneTime - 1,
      sessions: 1,
      held: 0
    })
  })

  it("go back to a snapshot, and refuse what is none [subject.snapshot.1]", async () => {
    const { ok, receive, rejected, send } = await pair()
    await receive("b", (await send("one")).out[0].wire)
    const { snapshot } = await ok("b", "actor.snapshot")
    const wire = (await send("two")).out[0].wire
    expect((await receive("b", wire)).events.length).toBe(1)
    await ok("b", "actor.restore", { snapshot })
    expect((await receive("b", wire)).events.map(({ text }: Members) => text)).toEqual([hex("two")])
    const before = await ok("b", "digest")
    for (const wrong of ["", "00", snapshot.slice(2), `${snapshot.slice(0, 600)}ff${snapshot.slice(602)}`]) {
      expect(await rejected("b", "actor.restore", { snapshot: wrong })).toBe("state.corrupt")
    }
    expect(await ok("b", "digest")).toEqual(before)
  })

  it("start again on what they stored [subject.restart.1]", async () => {
    const { ok, receive, send } = await pair()
    const sent = [await send("one"), await send("two")]
    await receive("b", sent[0].out[0].wire)
    expect(await ok("b", "actor.restart")).toEqual({ events: [], out: [] })
    expect((await receive("b", sent[1].out[0].wire)).events.map(({ text }: Members) => text)).toEqual([hex("two")])
  })

  it("die before or after a commit, and lose or keep what it stored [subject.crash.1] [subject.restart.1]", async () => {
    const { ask, bob, bundles, ok, receive, send } = await pair()
    expect(await send("never", { crash: "before-persist" })).toEqual({ crashed: true })
    expect(await ask("a", "poll")).toHaveProperty("fault")
    expect((await ok("a", "actor.restart")).out).toEqual([])
    // The bundle went down with the process.
    await ok("a", "peer.offer", { account: bob.account, device: bob.device, bundle: bundles.bundles[1] })
    expect(await send("kept", { crash: "after-persist" })).toEqual({ crashed: true })
    const [{ wire }] = (await ok("a", "actor.restart")).out
    expect(await receive("b", wire, { crash: "before-persist" })).toEqual({ crashed: true, acknowledged: false })
    expect((await ok("b", "actor.restart")).events).toEqual([])
    expect(await receive("b", wire, { crash: "after-persist" })).toEqual({ crashed: true, acknowledged: false })
    const shown = (await ok("b", "actor.restart")).events
    expect(shown.map(({ number, text }: Members) => [number, text])).toEqual([[1, hex("kept")]])
  }, 20_000)

  it("take the time from requests alone [subject.time.1]", async () => {
    const { clock, ok, receive, send } = await pair()
    const sent = [await send("one"), await send("two")]
    await receive("b", sent[0].out[0].wire)
    expect((await receive("b", sent[1].out[0].wire)).out).toEqual([])
    expect((await ok("b", "poll")).out).toEqual([])
    // The second receipt was put off; it goes when its time has come, and not before.
    clock.now += 1000
    expect((await ok("b", "poll")).out.length).toBe(1)
  })

  it("draw coins by label, from the request first [subject.coins.1] [subject.features.1]", async () => {
    const one = await open()
    const two = await open()
    const other = await open("77".repeat(64))
    const make = (world: Awaited<ReturnType<typeof open>>) => world.ok("a", "actor.new", { user: "alice" })
    expect(await make(one)).toEqual(await make(two))
    expect((await make(other)).account).not.toBe((await two.ok("a", "prekey.publish", { count: 0 })).account)
    const given = await (await open()).ask("a", "actor.new", { user: "alice" }, { "device.mailbox": ["ab".repeat(16)] })
    expect("ok" in given && given.ok["mailbox"]).toBe("ab".repeat(16))
    expect(one.subject.hello.features).toMatchObject({
      coins: "labelled",
      deterministic: true,
      snapshot: true,
      crash: true
    })
  })

  it("answer what is no request with a fault [subject.reject.1]", async () => {
    const { ask } = await pair()
    expect(await ask("a", "session.send", { account: 7 })).toHaveProperty("fault")
    expect(await ask("nobody", "poll")).toHaveProperty("fault")
    expect(await ask("a", "receive", { wire: "zz", at: start })).toHaveProperty("fault")
  })
})
