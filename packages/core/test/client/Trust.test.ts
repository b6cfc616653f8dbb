/** Trust in the client: verified contacts, policies that hold, the log, the ledger. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Bytes from "../../src/base/Bytes.ts"
import type { Warning } from "../../src/client/Api.ts"
import * as Policy from "../../src/trust/Policy.ts"
import * as World from "./World.ts"

const policyOf = (rules: Policy.Policy["rules"], more: Partial<Policy.Policy> = {}): Policy.Policy => ({
  ...Policy.standard,
  name: "test",
  ...more,
  rules
})

const failure = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.map(Effect.result(effect), (result) => (Result.isFailure(result) ? result.failure : undefined))

/** What is told of devices that came or went, and of manifests that were refused. */
const deviceWarnings = ({ actor }: World.Process) =>
  actor.warnings.flatMap((warning) =>
    warning._tag === "DevicesChanged" || warning._tag === "Forked" || warning._tag === "Rejected" ? [warning] : []
  )

const trustWarnings = ({ actor }: World.Process) =>
  actor.warnings.filter((warning): warning is Extract<Warning, { _tag: "Trust" }> => warning._tag === "Trust")

const events = (process: World.Process) =>
  Effect.map(process.client.trust.log, (log) => log.map(({ decision, event, rule }) => `${event} ${decision} ${rule}`))

/** Alice and bob, who have written to each other. */
const pair = (policy?: Policy.Policy) =>
  Effect.gen(function* () {
    const world = World.make()
    const alice = yield* world.join("alice", policy === undefined ? {} : { policy })
    const bob = yield* world.join("bob")
    yield* World.tick(5)
    const atAlice = yield* World.collect(alice)
    const atBob = yield* World.collect(bob)
    return { world, alice, bob, atAlice, atBob }
  })

/** Bob's phone, linked to his account. */
const phoneOf = (world: World.World, bob: World.Process) =>
  Effect.gen(function* () {
    const { actor } = World.addDevice(world, bob.actor, "bob/2")
    yield* world.register(actor)
    return yield* world.open(actor)
  })

it.effect(
  "a number that agrees makes a contact verified, for good and across restarts [trust.verify.1] [trust.verify.2]",
  () =>
    Effect.gen(function* () {
      const { alice, atBob, bob, world } = yield* pair()
      yield* alice.client.send("bob", "hello")
      yield* World.tick(10)
      expect(atBob[0]).toMatchObject({ verified: false })
      const [mine, theirs] = [yield* alice.client.trust.safety("bob"), yield* bob.client.trust.safety("alice")]
      expect(mine).toMatchObject({ state: "pinned", account: bob.client.self.account, verified: undefined })
      expect(mine.digits).toMatch(/^(\d{5} ){11}\d{5}$/)
      expect(mine.digits).toBe(theirs.digits)
      expect(mine.code).toHaveLength(108)
      // Digits that do not agree change nothing.
      const wrong = mine.digits.replace(/\d/, (digit) => String((Number(digit) + 1) % 10))
      expect(yield* failure(alice.client.trust.verify("bob", { digits: wrong }))).toMatchObject({
        _tag: "SafetyMismatch",
        outcome: "safety.digits"
      })
      expect(yield* failure(alice.client.trust.verify("bob", { code: mine.code }))).toMatchObject({
        _tag: "SafetyMismatch",
        outcome: "safety.reflected"
      })
      expect((yield* alice.client.contacts).find(({ user }) => user === "bob")).toMatchObject({ verified: false })
      expect(yield* alice.client.trust.verify("bob", { code: theirs.code })).toMatchObject({
        by: "code",
        unchanged: true
      })
      yield* World.close(alice)
      const again = yield* world.open(alice.actor)
      expect((yield* again.client.trust.safety("bob")).verified).toMatchObject({ by: "code", unchanged: true })
      expect((yield* again.client.contacts).find(({ user }) => user === "bob")).toMatchObject({ verified: true })
      yield* bob.client.send("alice", "back")
      yield* World.tick(10)
      expect((yield* World.receive(again, 1))[0]).toMatchObject({ verified: true, from: { user: "bob" } })
      yield* again.client.trust.unverify("bob")
      expect((yield* again.client.trust.safety("bob")).verified).toBeUndefined()
    })
)

it.effect(
  "a verified contact stays verified with a device more, and the device is told of [trust.verify.2] [trust.effect.7]",
  () =>
    Effect.gen(function* () {
      const { alice, bob, world } = yield* pair()
      yield* alice.client.send("bob", "hello")
      yield* World.tick(10)
      const before = yield* alice.client.trust.safety("bob")
      yield* alice.client.trust.verify("bob", { digits: before.digits.replaceAll(" ", "\n") })
      const phone = yield* phoneOf(world, bob)
      yield* phone.client.send("alice", "from the phone")
      yield* World.tick(10)
      const after = yield* alice.client.trust.safety("bob")
      expect(after.digits).not.toBe(before.digits)
      expect(after.verified).toMatchObject({ by: "digits", unchanged: false })
      const compared = Object.fromEntries(after.devices.map(({ compared, device }) => [device, compared]))
      expect(compared).toEqual({ [bob.client.self.device]: true, [phone.client.self.device]: false })
      // Once, with everything.
      expect(alice.actor.warnings).toHaveLength(1)
      const device = phone.client.self.device
      expect(alice.actor.warnings[0]).toMatchObject({
        _tag: "DevicesChanged",
        peer: { user: "bob", device: "" },
        added: [device],
        decisions: [{ event: "device-added", device, decision: "warn", rule: "default.device-of-verified" }],
        line: expect.stringMatching(/safety number with them changed\. Your policy asks you to know\.$/)
      })
      expect(yield* alice.client.send("bob", "to both")).toMatchObject({ devices: 2 })
      yield* alice.client.trust.verify("bob", { digits: after.digits })
      expect((yield* alice.client.trust.safety("bob")).verified).toMatchObject({ unchanged: true })
    })
)

it.effect("a directory that swaps keys on both sides is caught by comparing [trust.verify.1] [safety.outcome.1]", () =>
  Effect.gen(function* () {
    const world = World.make()
    const alice = yield* world.join("alice")
    const bob = yield* world.join("bob")
    // Mallory has an account for each side, and the directory answers the names with them.
    const toAlice = yield* world.join("mallory-1")
    const toBob = yield* world.join("mallory-2")
    yield* World.tick(5)
    const entry = ({ actor, client }: World.Process) => ({
      account: Bytes.fromHex(client.self.account)!,
      manifests: world.network.manifests(actor.user)
    })
    world.network.pretend("bob", entry(toAlice))
    world.network.pretend("alice", entry(toBob))
    const atAlice = yield* alice.client.trust.safety("bob")
    const atBob = yield* bob.client.trust.safety("alice")
    expect(atAlice.digits).not.toBe(atBob.digits)
    expect(yield* failure(alice.client.trust.verify("bob", { digits: atBob.digits }))).toMatchObject({
      _tag: "SafetyMismatch",
      outcome: "safety.digits"
    })
    expect(yield* failure(alice.client.trust.verify("bob", { code: atBob.code }))).toMatchObject({
      _tag: "SafetyMismatch",
      outcome: "safety.account",
      side: "both"
    })
    for (const { client } of [alice, bob]) {
      expect((yield* client.contacts).map(({ verified }) => verified)).not.toContain(true)
    }
  })
)

it.effect(
  "with the policy of verified keys only, a conversation exists when both sides verified the other [trust.verify.5] [trust.effect.5] [trust.effect.6]",
  () =>
    Effect.gen(function* () {
      const world = World.make()
      const alice = yield* world.join("alice", { policy: Policy.verifiedOnly })
      const bob = yield* world.join("bob", { policy: Policy.verifiedOnly })
      yield* World.tick(5)
      const atBob = yield* World.collect(bob)
      const refused = yield* failure(alice.client.send("bob", "too early"))
      expect(refused).toMatchObject({
        _tag: "TrustRefused",
        user: "bob",
        account: bob.client.self.account,
        event: "sending",
        rule: "send-verified-only",
        decision: "block-sending",
        remedy: "verify"
      })
      const conversation = yield* alice.client.conversation("bob")
      expect(yield* failure(conversation.typing(true))).toMatchObject({ _tag: "TrustRefused" })
      expect(world.network.submitted).toEqual([])
      const { digits } = yield* bob.client.trust.safety("alice")
      yield* alice.client.trust.verify("bob", { digits })
      yield* alice.client.send("bob", "1")
      yield* conversation.send("2")
      yield* World.tick(10)
      // Bob has not verified alice: her messages wait, with him and unread, and he cannot write.
      expect(atBob).toEqual([])
      expect(yield* failure(bob.client.send("alice", "no"))).toMatchObject({ _tag: "TrustRefused", remedy: "verify" })
      yield* World.tick(1)
      expect(trustWarnings(bob).map(({ event, rule }) => [event, rule])).toEqual([
        ["receiving", "show-verified-only"],
        ["sending", "send-verified-only"]
      ])
      yield* World.close(bob)
      const back = yield* world.open(bob.actor, { policy: Policy.verifiedOnly })
      const later = yield* World.collect(back)
      yield* World.tick(5)
      expect(later).toEqual([])
      yield* back.client.trust.verify("alice", { digits })
      yield* alice.client.send("bob", "3")
      yield* World.tick(10)
      expect(World.texts(later)).toEqual(["1", "2", "3"])
      expect(later.map(({ order }) => order)).toEqual([1, 2, 3])
      yield* back.client.send("alice", "at last")
      yield* World.tick(10)
      expect(World.texts(yield* World.receive(alice, 1))).toEqual(["at last"])
    })
)

it.effect(
  "a device of a verified contact waits for the operator where the policy asks [trust.effect.1] [trust.effect.2]",
  () =>
    Effect.gen(function* () {
      const policy = policyOf([{ id: "new-device", event: "device-added", when: { verified: true }, decision: "ask" }])
      const { alice, atAlice, bob, world } = yield* pair(policy)
      yield* alice.client.send("bob", "hello")
      yield* World.tick(10)
      const { digits } = yield* bob.client.trust.safety("alice")
      yield* alice.client.trust.verify("bob", { digits })
      const phone = yield* phoneOf(world, bob)
      yield* phone.client.send("alice", "from the phone")
      yield* World.tick(10)
      expect(atAlice).toEqual([])
      expect(yield* failure(alice.client.send("bob", "no"))).toMatchObject({
        _tag: "TrustRefused",
        event: "device-added",
        rule: "new-device",
        decision: "ask",
        remedy: "approve"
      })
      const device = phone.client.self.device
      expect(yield* alice.client.trust.holds).toMatchObject([
        { user: "bob", event: "device-added", device, decision: "ask", rule: "new-device" }
      ])
      // The hold survives a restart, and ends with the approval.
      yield* World.close(alice)
      const again = yield* world.open(alice.actor, { policy })
      const later = yield* World.collect(again)
      yield* World.tick(5)
      expect(yield* failure(again.client.send("bob", "no"))).toMatchObject({ _tag: "TrustRefused" })
      yield* again.client.trust.approve("bob")
      expect(yield* again.client.trust.holds).toEqual([])
      expect(yield* again.client.send("bob", "yes")).toMatchObject({ devices: 2 })
      yield* World.tick(10)
      expect(World.texts(later)).toEqual(["from the phone"])
      expect((yield* again.client.contacts).find(({ user }) => user === "bob")).toMatchObject({
        approved: true,
        verified: true
      })
    })
)

it.effect("a hold is lifted as soon as the policy would not make it [trust.effect.2]", () =>
  Effect.gen(function* () {
    const rules: Policy.Policy["rules"] = [
      { id: "first", event: "first-contact", when: { verified: false, approved: false }, decision: "block-sending" }
    ]
    const { alice, bob } = yield* pair(policyOf(rules))
    expect(yield* failure(alice.client.send("bob", "no"))).toMatchObject({ rule: "first", remedy: "verify" })
    const { digits } = yield* bob.client.trust.safety("alice")
    yield* alice.client.trust.verify("bob", { digits })
    yield* alice.client.send("bob", "yes")
    // Lifted is lifted; another policy lifts what it would not have held.
    yield* alice.client.trust.unverify("bob")
    yield* alice.client.send("bob", "still")
    const carol = yield* pair(policyOf(rules))
    expect(yield* failure(carol.alice.client.send("bob", "no"))).toMatchObject({ _tag: "TrustRefused" })
    yield* carol.alice.client.trust.setPolicy(undefined)
    yield* carol.alice.client.send("bob", "yes")
  })
)

it.effect("asking about sending is over with the approval, and comes back when it is taken back [trust.effect.3]", () =>
  Effect.gen(function* () {
    const policy = policyOf([{ id: "ask-first", event: "sending", decision: "ask" }])
    const { alice } = yield* pair(policy)
    expect(yield* failure(alice.client.send("bob", "no"))).toMatchObject({ rule: "ask-first", remedy: "approve" })
    yield* alice.client.trust.approve("bob")
    yield* alice.client.send("bob", "yes")
    yield* alice.client.trust.disapprove("bob")
    expect(yield* failure(alice.client.send("bob", "no"))).toMatchObject({ rule: "ask-first" })
    expect(yield* alice.client.trust.holds).toEqual([])
  })
)

/** Bob's name goes to somebody else. */
const usurped = (policy?: Policy.Policy) =>
  Effect.gen(function* () {
    const { alice, bob, world } = yield* pair(policy)
    yield* alice.client.send("bob", "hello")
    yield* World.tick(10)
    const usurper = yield* world.join("usurper")
    yield* World.tick(5)
    World.rename(usurper.actor, "bob")
    yield* World.close(usurper)
    world.network.pretend("bob", {
      account: Bytes.fromHex(usurper.client.self.account)!,
      manifests: world.network.manifests("usurper")
    })
    const other = yield* world.open(usurper.actor)
    yield* World.close(alice)
    const again = yield* world.open(alice.actor, policy === undefined ? {} : { policy })
    const later = yield* World.collect(again)
    yield* World.tick(5)
    return { world, alice: again, bob, other, later }
  })

it.effect(
  "a changed identity waits; its number can be compared first, and verifying accepts it [trust.effect.4] [trust.verify.3] [trust.verify.4]",
  () =>
    Effect.gen(function* () {
      const { alice, later, other } = yield* usurped()
      expect(yield* failure(alice.client.send("bob", "to whom?"))).toMatchObject({ _tag: "IdentityChanged" })
      yield* other.client.send("alice", "it is me")
      yield* World.tick(20)
      expect(later).toEqual([])
      const offered = yield* alice.client.trust.safety("bob")
      expect(offered).toMatchObject({
        state: "identity-changed",
        account: other.client.self.account,
        verified: undefined
      })
      const { code, digits } = yield* other.client.trust.safety("alice")
      expect(offered.digits).toBe(digits)
      yield* alice.client.trust.verify("bob", { code })
      yield* World.tick(10)
      expect(World.texts(later)).toEqual(["it is me"])
      expect(later[0]).toMatchObject({ verified: true, from: { user: "bob", account: other.client.self.account } })
      expect(yield* alice.client.send("bob", "welcome")).toMatchObject({ devices: 1 })
      expect(yield* events(alice)).toContain("identity-changed ask default.identity-changed")
    })
)

it.effect("what was verified was the account before: the name is verified no longer [trust.verify.3]", () =>
  Effect.gen(function* () {
    const { alice, bob, world } = yield* pair()
    const { digits } = yield* bob.client.trust.safety("alice")
    yield* alice.client.trust.verify("bob", { digits })
    const usurper = yield* world.join("usurper")
    yield* World.tick(5)
    world.network.pretend("bob", {
      account: Bytes.fromHex(usurper.client.self.account)!,
      manifests: world.network.manifests("usurper")
    })
    yield* World.close(alice)
    const again = yield* world.open(alice.actor)
    expect(yield* failure(again.client.send("bob", "hello"))).toMatchObject({ _tag: "IdentityChanged" })
    yield* again.client.acceptIdentity("bob", usurper.client.self.account)
    const contacts = yield* again.client.contacts
    expect(contacts.find(({ user }) => user === "bob")).toMatchObject({
      account: usurper.client.self.account,
      verified: false
    })
    expect(contacts.find(({ account }) => account === bob.client.self.account)).toMatchObject({ verified: true })
    expect((yield* events(again)).filter((event) => event.startsWith("identity"))).toEqual([
      "identity-changed ask default.identity-changed"
    ])
    expect((yield* again.client.trust.log).at(-1)).toMatchObject({
      event: "first-contact",
      facts: { pinned: true, vouched: true }
    })
  })
)

it.effect("a policy may have a changed identity accepted by itself, or refuse everybody [trust.effect.4]", () =>
  Effect.gen(function* () {
    const warned = yield* usurped(policyOf([{ id: "go-on", event: "identity-changed", decision: "warn" }]))
    expect(yield* warned.alice.client.send("bob", "hello, whoever")).toMatchObject({ devices: 1 })
    expect(warned.alice.actor.warnings.map(({ _tag }) => _tag)).toContain("IdentityChanged")
    yield* World.tick(10)
    expect(World.texts(yield* World.receive(warned.other, 1))).toEqual(["hello, whoever"])

    const shown = yield* usurped(policyOf([{ id: "go-on", event: "identity-changed", decision: "allow" }]))
    yield* shown.other.client.send("alice", "it is me")
    yield* World.tick(20)
    expect(World.texts(shown.later)).toEqual(["it is me"])

    const blocked = yield* usurped(policyOf([{ id: "never", event: "identity-changed", decision: "block" }]))
    expect(yield* failure(blocked.alice.client.send("bob", "no"))).toMatchObject({ _tag: "IdentityChanged" })
    const accept = blocked.alice.client.acceptIdentity("bob", blocked.other.client.self.account)
    expect(yield* failure(accept)).toMatchObject({ _tag: "TrustRefused", rule: "never", remedy: "change-policy" })
    const { code } = yield* blocked.other.client.trust.safety("alice")
    expect(yield* failure(blocked.alice.client.trust.verify("bob", { code }))).toMatchObject({ _tag: "TrustRefused" })
  })
)

it.effect(
  "every decision is written down once, and a dry run tells what another policy would have done [trust.log.1] [trust.log.2]",
  () =>
    Effect.gen(function* () {
      const { alice, bob, world } = yield* pair()
      for (const text of ["1", "2", "3"]) yield* alice.client.send("bob", text)
      yield* World.tick(10)
      for (const text of ["4", "5"]) yield* bob.client.send("alice", text)
      yield* World.tick(10)
      expect(yield* events(alice)).toEqual([
        "first-contact allow default.allow",
        "sending allow default.allow",
        "receiving allow default.allow"
      ])
      const differences = yield* alice.client.trust.dryRun(Policy.verifiedOnly)
      expect(differences).toMatchObject([
        { entry: { event: "sending", user: "bob" }, would: { decision: "block-sending", rule: "send-verified-only" } },
        { entry: { event: "receiving" }, would: { decision: "block-receiving", rule: "show-verified-only" } }
      ])
      expect(yield* alice.client.trust.dryRun(Policy.standard)).toEqual([])
      // It changed nothing; what is stored says the same after a restart, and new facts are news.
      const { digits } = yield* bob.client.trust.safety("alice")
      yield* World.close(alice)
      const again = yield* world.open(alice.actor)
      yield* again.client.send("bob", "6")
      expect(yield* events(again)).toHaveLength(3)
      yield* again.client.trust.verify("bob", { digits })
      yield* again.client.send("bob", "7")
      expect((yield* again.client.trust.log).at(-1)).toMatchObject({
        event: "sending",
        facts: { verified: true, pinned: true, vouched: true, approved: false },
        policy: "default"
      })
    })
)

it.effect(
  "a policy that is set decides after a restart too; one that is none is refused [trust.policy.3] [trust.effect.2]",
  () =>
    Effect.gen(function* () {
      const { alice, world } = yield* pair()
      yield* alice.client.trust.setPolicy(Policy.verifiedOnly)
      const broken = { ...Policy.verifiedOnly, graceMs: -1 }
      expect(yield* failure(alice.client.trust.setPolicy(broken))).toMatchObject({
        _tag: "InvalidPolicy",
        problems: [{ at: "graceMs" }]
      })
      yield* World.close(alice)
      const again = yield* world.open(alice.actor)
      expect(yield* again.client.trust.policy).toEqual(Policy.verifiedOnly)
      expect(yield* failure(again.client.send("bob", "no"))).toMatchObject({ _tag: "TrustRefused" })
      yield* World.close(again)
      const given = yield* world.open(alice.actor, { policy: Policy.standard })
      yield* given.client.send("bob", "the given one stands before it")
      yield* given.client.trust.setPolicy(undefined)
      yield* World.close(given)
      const last = yield* world.open(alice.actor)
      expect(yield* last.client.trust.policy).toEqual(Policy.standard)
    })
)

it.effect("a forked and a rolled back manifest are events, each told once [trust.event.1] [trust.effect.8]", () =>
  Effect.gen(function* () {
    const policy = policyOf([{ id: "fork", event: "manifest-forked", decision: "block" }])
    const { alice, bob, world } = yield* pair(policy)
    yield* alice.client.send("bob", "hello")
    yield* World.tick(10)
    const fork = World.nextManifest(world, bob.actor, ({ devices, revocations }) => ({ devices, revocations }))
    const phone = yield* phoneOf(world, bob)
    yield* phone.client.send("alice", "from the phone")
    yield* World.tick(10)
    world.network.pretend("bob", {
      account: Bytes.fromHex(bob.client.self.account)!,
      manifests: [world.network.manifests("bob")[0]!, fork.bytes]
    })
    yield* World.close(alice)
    const again = yield* world.open(alice.actor, { policy })
    yield* failure(again.client.send("bob", "is it you?"))
    expect(yield* events(again)).toContain("manifest-forked block fork")
    expect(yield* failure(again.client.send("bob", "no"))).toBeDefined()
    expect(yield* again.client.trust.holds).toMatchObject([{ event: "manifest-forked", decision: "block" }])
    yield* World.tick(5)
    const forked = [{ event: "manifest-forked", device: "", decision: "block", rule: "fork" }]
    expect(deviceWarnings(again).map(({ _tag, decisions }) => [_tag, decisions])).toEqual([
      ["DevicesChanged", [expect.objectContaining({ event: "device-added", decision: "allow" })]],
      ["Forked", forked]
    ])
    // The same again tells nothing; an older list is another event.
    yield* World.close(again)
    const third = yield* world.open(alice.actor, { policy })
    yield* failure(third.client.send("bob", "no"))
    yield* World.tick(5)
    expect(deviceWarnings(third)).toHaveLength(2)
    world.network.pretend("bob", {
      account: Bytes.fromHex(bob.client.self.account)!,
      manifests: world.network.manifests("bob").slice(0, 1)
    })
    yield* World.close(third)
    const fourth = yield* world.open(alice.actor, { policy })
    yield* failure(fourth.client.send("bob", "no"))
    yield* World.tick(5)
    expect(deviceWarnings(fourth).slice(2)).toMatchObject([
      {
        _tag: "Rejected",
        cause: "fresh.rollback",
        decisions: [{ event: "manifest-rolled-back", decision: "warn", rule: "default.manifest" }]
      }
    ])
    expect(trustWarnings(fourth)).toEqual([])
  })
)

it.effect(
  "a session in a weaker suite than before is noticed, and may be held [trust.ledger.1] [trust.ledger.2] [trust.ledger.4]",
  () =>
    Effect.gen(function* () {
      const policy = policyOf([{ id: "no-weaker", event: "suite-downgraded", decision: "block" }])
      const { alice, atAlice, bob, world } = yield* pair(policy)
      yield* alice.client.send("bob", "hello")
      yield* World.tick(10)
      yield* bob.client.send("alice", "hello")
      yield* World.tick(10)
      expect((yield* alice.client.trust.safety("bob")).devices).toMatchObject([{ suite: 1 }])
      yield* World.close(bob)
      const weaker = yield* world.open(bob.actor, { suites: [3] })
      const conversation = yield* weaker.client.conversation("alice")
      yield* conversation.reset
      yield* conversation.send("in suite 3")
      yield* World.tick(20)
      expect((yield* alice.client.trust.log).filter(({ event }) => event === "suite-downgraded")[0]).toMatchObject({
        decision: "block",
        rule: "no-weaker",
        device: bob.client.self.device,
        from: 1,
        to: 3
      })
      expect(atAlice.map(({ body }) => body)).not.toContainEqual({ type: "text", text: "in suite 3" })
      expect(yield* failure(alice.client.send("bob", "no"))).toMatchObject({ event: "suite-downgraded" })
      yield* alice.client.trust.setPolicy(undefined)
      yield* World.tick(5)
      expect(World.texts(atAlice)).toContain("in suite 3")
    })
)

it.effect("at most a number of messages is kept aside; further ones are deleted with a warning [trust.effect.6]", () =>
  Effect.gen(function* () {
    const policy = policyOf([{ id: "quiet", event: "receiving", decision: "block-receiving" }])
    const world = World.make()
    const alice = yield* world.join("alice", { policy })
    const bob = yield* world.join("bob")
    yield* World.tick(5)
    yield* bob.client.send("alice", "first")
    yield* World.tick(10)
    const conversation = yield* bob.client.conversation("alice")
    for (let i = 0; i < 11; i++) yield* conversation.sendMany(Array.from({ length: 100 }, (_, n) => `${100 * i + n}`))
    yield* World.tick(60)
    const full = alice.actor.warnings.filter(({ _tag }) => _tag === "SetAsideFull")
    expect(full).toHaveLength(1101 - 1024)
    yield* alice.client.trust.setPolicy(undefined)
    const atAlice = yield* Stream.runCollect(Stream.take(alice.client.messages, 1024))
    expect([...alice.actor.disk.snapshot().records.keys()].filter((key) => key.startsWith("aside/"))).toEqual([])
    expect(World.texts(atAlice).slice(0, 3)).toEqual(["first", "0", "1"])
  })
)

it.effect(
  "what is set aside is neither lost nor doubled by a crash at any commit that shows it [trust.effect.6] [state.once.1]",
  () =>
    Effect.gen(function* () {
      const policy = policyOf([
        { id: "quiet", event: "receiving", when: { verified: false }, decision: "block-receiving" }
      ])
      let reached = 0
      for (const when of ["before", "after"] as const) {
        for (let nth = 1; nth <= 6; nth++) {
          const { alice, bob, world } = yield* pair(policy)
          for (const text of ["1", "2", "3"]) yield* bob.client.send("alice", text)
          yield* World.tick(10)
          const { digits } = yield* bob.client.trust.safety("alice")
          yield* World.crash(alice)
          const stop = World.stopAt(alice.actor, nth, when)
          const second = yield* Effect.result(world.open(alice.actor, { policy }))
          if (Result.isSuccess(second)) {
            yield* Effect.forkIn(
              Effect.ignore(second.success.client.trust.verify("bob", { digits })),
              second.success.scope
            )
            yield* World.tick(5)
            yield* World.crash(second.success)
          } else alice.actor.disk.crash()
          if (stop.reached) reached++
          alice.actor.intercept = undefined
          const last = yield* world.open(alice.actor, { policy })
          yield* last.client.trust.verify("bob", { digits })
          const shown = yield* World.collect(last)
          yield* World.tick(10)
          expect([when, nth, World.texts(shown)]).toEqual([when, nth, ["1", "2", "3"]])
          yield* World.close(last)
          yield* World.close(bob)
        }
      }
      expect(reached).toBeGreaterThanOrEqual(6)
    })
)

it.effect(
  "an invitation makes a contact of its account, under no name that the directory does not give it [trust.invite.1] [trust.invite.2] [trust.invite.3]",
  () =>
    Effect.gen(function* () {
      const { alice, atAlice, bob, world } = yield* pair()
      const relay = "wss://relay.example"
      const { expiresAt, uri } = yield* bob.client.trust.invite({ relay, named: true, lifetimeMs: 60_000 })
      const page = uri.replace("tacit:", "https://app.example/bob#")
      const met = yield* alice.client.trust.meet(`  ${page}\n`)
      expect(met).toEqual({ account: bob.client.self.account, user: "bob", claimed: "bob", relay })
      expect((yield* alice.client.contacts).find(({ user }) => user === "bob")).toMatchObject({ verified: false })
      expect(yield* alice.client.trust.log).toMatchObject([{ event: "first-contact", facts: { pinned: true } }])
      yield* alice.client.send({ account: met.account }, "by link")
      yield* bob.client.send("alice", "hello")
      yield* World.tick(10)
      expect(World.texts(atAlice)).toEqual(["hello"])
      // Taking it again changes nothing; one's own, a damaged one, and one of a device are refused.
      expect(yield* alice.client.trust.meet(uri)).toEqual(met)
      const refused = (text: string, by = alice) =>
        Effect.map(failure(by.client.trust.meet(text)), (error) =>
          error?._tag === "LinkRefused" ? error.cause : error?._tag
        )
      expect(yield* refused(uri, bob)).toBe("link.reflected")
      expect(yield* refused(uri.slice(0, -2))).not.toBeUndefined()
      expect(yield* refused("tacit:link/AAAA")).toBe("link.purpose")
      const forged = `${uri.slice(0, -10)}${uri.at(-10) === "A" ? "B" : "A"}${uri.slice(-9)}`
      expect(yield* refused(forged)).toBe("link.invitation")
      // The directory cannot put another account in its place, nor give it a name of its own choice.
      const carol = yield* world.join("carol")
      yield* world.join("mallory")
      yield* World.tick(5)
      world.network.pretend("carol", {
        account: Bytes.fromHex(carol.client.self.account)!,
        manifests: world.network.manifests("mallory")
      })
      const invited = yield* carol.client.trust.invite({ relay, named: true })
      expect(yield* refused(invited.uri)).toBe("PeerMisbehaved")
      world.network.pretend("carol", undefined)
      const nameless = yield* carol.client.trust.invite({ relay })
      expect(yield* alice.client.trust.meet(nameless.uri)).toMatchObject({ user: undefined, claimed: undefined })
      expect(yield* failure(bob.client.trust.invite({ relay: "" }))).toMatchObject({ reason: "bad-invitation" })
      expect(yield* failure(bob.client.trust.invite({ relay, lifetimeMs: 400 * 86_400_000 }))).toMatchObject({
        reason: "bad-invitation"
      })
      yield* TestClock.setTime(expiresAt)
      expect(yield* refused(uri)).toBe("link.expired")
    })
)

it.effect("an invitation of a device that was removed is no longer one of the account [trust.invite.2]", () =>
  Effect.gen(function* () {
    const { alice, bob, world } = yield* pair()
    const phone = yield* phoneOf(world, bob)
    const { uri } = yield* phone.client.trust.invite({ relay: "wss://relay.example" })
    const revoked = Bytes.fromHex(phone.client.self.device)!
    const without = World.nextManifest(world, bob.actor, ({ devices, version }) => ({
      devices: devices.filter(({ device }) => !Bytes.equal(device, revoked)),
      revocations: [{ device: revoked, revokedIn: version + 1 }]
    }))
    Result.getOrThrow(world.network.publish("bob", without.bytes))
    expect(yield* failure(alice.client.trust.meet(uri))).toMatchObject({ _tag: "LinkRefused", cause: "link.device" })
    expect(yield* alice.client.contacts).not.toContainEqual(
      expect.objectContaining({ account: bob.client.self.account })
    )
  })
)

it.effect("what one device verified, the other devices of the account know [trust.verify.6]", () =>
  Effect.gen(function* () {
    const { alice, bob, world } = yield* pair(Policy.verifiedOnly)
    const { digits } = yield* bob.client.trust.safety("alice")
    yield* alice.client.trust.verify("bob", { digits })
    // A device that joins is told when it is greeted, the others when it happens.
    const { actor } = World.addDevice(world, alice.actor, "alice/2")
    yield* world.register(actor)
    const phone = yield* world.open(actor, { policy: Policy.verifiedOnly })
    yield* phone.client.refreshDevices
    yield* alice.client.refreshDevices
    yield* World.tick(30)
    expect((yield* phone.client.trust.safety("bob")).verified).toMatchObject({ by: "own-device", unchanged: true })
    expect((yield* phone.client.contacts).find(({ user }) => user === "bob")).toMatchObject({ verified: true })
    yield* phone.client.send("bob", "verified by word of an own device")
    const carol = yield* world.join("carol")
    yield* World.tick(5)
    yield* carol.client.send("alice", "hello")
    yield* World.tick(20)
    const shown = yield* World.collect(phone)
    expect(shown).toEqual([])
    const { code } = yield* carol.client.trust.safety("alice")
    yield* alice.client.trust.verify("carol", { code })
    yield* World.tick(20)
    expect(World.texts(shown)).toEqual(["hello"])
    // Taking it back here takes it back there, too.
    yield* alice.client.trust.unverify("carol")
    yield* World.tick(20)
    expect((yield* phone.client.contacts).find(({ user }) => user === "carol")).toMatchObject({ verified: false })
  })
)
