import * as Result from "effect/Result"
import {
  Bytes,
  Canonical,
  Device,
  Labels,
  LinkChallenge,
  LinkChannel,
  LinkFrame,
  LinkJoin,
  LinkOffer,
  LinkPayload
} from "@tacit/core/hazmat"
import { describe, expect, it } from "vitest"
import {
  account,
  causeOf,
  crypto,
  draw,
  everything,
  fleet,
  invitationOf,
  joinCoins,
  joiner,
  keysOf,
  minutes,
  now,
  offerCoins,
  ok,
  old,
  options,
  payloadFor,
  pinOnly,
  sign,
  World
} from "./support.ts"

const ways = [
  ["code", everything],
  ["PIN", pinOnly],
  ["digits", fleet]
] as const

/** The other end's channel keys, turned round. */
const turned = ({ receive, send }: LinkChannel.Keys): LinkChannel.Keys => ({ receive: send, send: receive })
const channelOf = (state: LinkOffer.State | LinkJoin.State): LinkChannel.Channel => {
  if (!("channel" in state)) throw new Error(`no channel in ${state._tag}`)
  return state.channel
}
/** A message in the channel, as the end with these keys would seal it. */
const sealed = (channel: LinkChannel.Channel, message: LinkFrame.Message): Uint8Array => {
  const plaintext = LinkFrame.Message.encode(message)
  const { ciphertext } = LinkChannel.seal(crypto, channel.transcript, channel.keys, plaintext)
  return LinkFrame.Frame.encode({ kind: 4, ciphertext })
}
const fromNew = (world: World, message: LinkFrame.Message): Uint8Array => sealed(channelOf(world.join), message)
const fromOld = (world: World, message: LinkFrame.Message): Uint8Array => sealed(channelOf(world.offer), message)
const toOld = (world: World, frame: Uint8Array, at = now): string =>
  causeOf(LinkOffer.receive(crypto, world.offer, frame, at))
const toNew = (world: World, frame: Uint8Array, at = now): string =>
  causeOf(LinkJoin.receive(crypto, world.join, frame, at))
const other = (pin: string): string => pin.slice(0, -1) + ((Number(pin.at(-1)) + 1) % 10)

describe.each(ways)("Linking by %s", (_, able) => {
  it("brings a member to the account [link.state.1] [link.payload.1] [link.payload.4]", () => {
    const world = new World(able).succeed()
    expect(world.offerEvent("Verified")).toMatchObject({ device: joiner.device, agreement: joiner.agreement })
    world.grant().settle()
    const { payload } = world.joinEvent("Received")
    expect(payload).toMatchObject(payloadFor(joiner))
    expect(payload.listed.version).toBe(2)
    world.finish().settle()
    expect(world.offer).toEqual({ _tag: "Linked", device: joiner.device })
    expect(world.join).toEqual({ _tag: "Linked" })
  })

  it("gives both custodies the same key for what an admin is handed [link.payload.2] [link.keys.3]", () => {
    const world = new World(able).succeed().grant(Device.roles.admin).settle()
    const { handover } = world.joinEvent("Received")
    expect(handover).toEqual(world.offerEvent("Verified").handover)
    expect(handover.ad).toEqual(Labels.prefixed(Labels.linkHandover, channelOf(world.offer).transcript))
    expect(world.joinEvent("Received").payload.handover).toEqual(payloadFor(joiner, 1).handover)
  })

  it("says nothing of the payload before the challenge succeeded [link.secret.1]", () => {
    const world = new World(able)
    while (world.offer._tag !== "Verified") {
      expect(causeOf(LinkOffer.grant(crypto, world.offer, payloadFor(joiner), now))).toBe("link.state")
      if (world.toOld.length > 0) world.deliverOld()
      else if (world.toNew.length > 0) world.deliverNew()
      else if (world.offer._tag === "Scanning") world.old(world.scan())
      else if (world.offer._tag === "Proving") world.type()
      else world.compare()
    }
    expect(causeOf(LinkOffer.grant(crypto, world.offer, payloadFor(joiner), now))).toBe("ok")
  })

  it("refuses late frames, codes, PINs and confirmations, and the clock closes it [link.frame.3] [invitation.expiry.1]", () => {
    const world = new World(able)
    const late = now + 10 * minutes
    expect(toOld(world, world.toOld[0]!, late)).toBe("link.expired")
    world.settle()
    expect(causeOf(LinkOffer.scanned(crypto, world.offer, new Uint8Array(3), late))).toBe("link.expired")
    expect(causeOf(LinkOffer.confirm(crypto, world.offer, late))).toBe("link.expired")
    expect(causeOf(LinkJoin.typed(crypto, world.join, "000000", late))).toBe("link.expired")
    expect(causeOf(LinkJoin.confirm(crypto, world.join, late))).toBe("link.expired")
    expect(LinkOffer.tick(crypto, world.offer, late - 1).next).toBe(world.offer)
    const [closed, end] = [LinkOffer.tick(crypto, world.offer, late), LinkJoin.tick(crypto, world.join, late)]
    expect(closed.next).toEqual({ _tag: "Aborted", reason: "expired", by: "self", device: undefined })
    expect(end.next).toEqual({ _tag: "Aborted", reason: "expired", by: "self" })
    expect(toNew(world, closed.out[0]!)).toBe("ok")
  })

  it("ends on both sides when either aborts, and then takes nothing more [link.abort.1] [link.abort.2] [link.frame.2]", () => {
    for (const side of ["old", "new"] as const) {
      const world = new World(able).settle()
      if (side === "old") world.old(ok2(LinkOffer.abort(crypto, world.offer, "mismatch")))
      else world.new(ok2(LinkJoin.abort(crypto, world.join, "mismatch")))
      world.settle()
      const by = (end: "old" | "new") => (end === side ? "self" : "other")
      expect(world.offer).toEqual({ _tag: "Aborted", reason: "mismatch", by: by("old"), device: undefined })
      expect(world.join).toEqual({ _tag: "Aborted", reason: "mismatch", by: by("new") })
      const frame = LinkFrame.Frame.encode({ kind: 1, commitment: draw("late") })
      expect([toOld(world, frame), toNew(world, frame)]).toEqual(["link.closed", "link.closed"])
      expect(LinkOffer.abort(crypto, world.offer, "cancelled").out).toEqual([])
    }
  })

  it("names the device to revoke once a manifest may list it [link.revoke.1]", () => {
    const world = new World(able).succeed()
    const { device } = joiner
    expect(LinkOffer.abort(crypto, world.offer, "failed").next).toMatchObject({ _tag: "Aborted", device })
    world.grant()
    expect(LinkOffer.tick(crypto, world.offer, now + 10 * minutes).next).toMatchObject({ reason: "expired", device })
    world.settle()
    // New refuses the payload in the end: old hears it and knows whom to revoke.
    world.new(ok2(LinkJoin.abort(crypto, world.join, "refused")))
    world.settle()
    expect(world.offer).toEqual({ _tag: "Aborted", reason: "refused", by: "other", device })
  })

  it("takes no frame twice, none of its own, and none of another linking [link.keys.2] [link.frame.2]", () => {
    const [world, second] = [new World(able), new World(able, able, { theirs: joinCoins("else") })]
    const sent: Array<readonly ["old" | "new", Uint8Array]> = []
    for (const step of [world, second]) {
      const record = step === world
      while (step.toOld.length + step.toNew.length > 0) {
        if (step.toOld.length > 0) {
          if (record) sent.push(["old", step.toOld[0]!])
          step.deliverOld()
        } else {
          if (record) sent.push(["new", step.toNew[0]!])
          step.deliverNew()
        }
      }
    }
    for (const [, frame] of sent) {
      expect(toOld(world, frame)).toMatch(/^(?:link\.(?:used|state)|auth\.tag)$/)
      expect(toNew(world, frame)).toMatch(/^(?:link\.(?:used|state)|auth\.tag)$/)
      if (LinkFrame.Frame.decode(frame)) expect(toOld(second, frame)).not.toBe("ok")
    }
  })
})

/** A step as a result. */
const ok2 = (step: unknown) => ({ _tag: "Success", success: step }) as never

describe("Linking: before the challenge", () => {
  it("commits, answers, reveals, in these frames [link.frame.1] [link.commit.1] [link.transcript.1] [link.ready.1]", () => {
    const world = new World()
    const hello = world.toOld[0]!
    world.deliverOld()
    const answer = world.toNew[0]!
    expect(answer).toEqual(Canonical.encode([2, offerCoins().nonce]))
    world.deliverNew()
    const [reveal, ready] = world.toOld as unknown as [Uint8Array, Uint8Array]
    const ephemeral = crypto.x25519PublicKey(joinCoins().ephemeral)
    expect(reveal).toEqual(Canonical.encode([3, joinCoins().nonce, ephemeral, joiner.device, joiner.agreement, [1, 2]]))
    const ascii = (text: string) => Bytes.utf8Encode(text)
    const committed = Canonical.encode([world.invitation, reveal])
    expect(hello).toEqual(
      Canonical.encode([1, crypto.sha256(Bytes.concat(ascii("tacit/1 link commitment\0"), committed))])
    )
    const spoken = Canonical.encode([world.invitation, hello, answer, reveal])
    const t = crypto.sha256(Bytes.concat(ascii("tacit/1 link transcript\0"), spoken))
    expect(channelOf(world.join).transcript).toEqual(t)
    const k = Bytes.concat(
      crypto.x25519(offerCoins().ephemeral, ephemeral)!,
      crypto.x25519(offerCoins().ephemeral, joiner.agreement)!
    )
    const keys = crypto.hkdfSha256(k, t, ascii("tacit/1 link channel\0"), 96)
    const signature = crypto.ed25519Sign(joiner.signing, Bytes.concat(ascii("tacit/1 link device\0"), t))
    const message = Canonical.encode([1, signature])
    expect(ready).toEqual(Canonical.encode([4, crypto.chachaSeal(keys.slice(32, 64), new Uint8Array(12), t, message)]))
    world.deliverOld()
    expect(channelOf(world.offer)).toMatchObject({ transcript: t, base: keys.slice(64) })
    expect(channelOf(world.offer).keys.send.key).toEqual(keys.slice(0, 32))
  })

  const answered = (able = everything): World => {
    const world = new World(able)
    world.deliverOld()
    world.deliverNew()
    return world
  }
  /** A linking in which the joiner reveals something else from the start. */
  const revealing = (change: Partial<LinkFrame.Reveal>): string => {
    const reveal = LinkFrame.Frame.encode({
      kind: 3,
      nonce: draw("n"),
      ephemeral: crypto.x25519PublicKey(draw("e")),
      device: joiner.device,
      agreement: joiner.agreement,
      takes: [1],
      ...change
    })
    const invitation = invitationOf()
    const open = LinkOffer.begin(crypto, invitation, old.agreement, offerCoins())
    const commitment = LinkChannel.commitment(crypto, invitation, reveal)
    const hello = LinkFrame.Frame.encode({ kind: 1, commitment })
    const { next } = ok(LinkOffer.receive(crypto, open, hello, now))
    return causeOf(LinkOffer.receive(crypto, next, reveal, now))
  }

  it("refuses a reveal that is not the one committed to, whatever was changed [link.commit.1] [link.reveal.1]", () => {
    const world = answered()
    const reveal = world.toOld[0]!
    for (let at = 1; at < reveal.length; at++) {
      const changed = reveal.slice()
      changed[at]! ^= 1
      expect(toOld(world, changed)).toMatch(/^(?:link\.commitment|decode\..*)$/)
    }
    expect(toOld(world, reveal)).toBe("ok")
  })

  it("refuses one's own keys, keys of low order, and lists without a common challenge [link.reflect.1] [link.keys.1] [link.decide.1]", () => {
    expect(revealing({})).toBe("ok")
    expect(revealing({ device: old.device })).toBe("link.reflected")
    expect(revealing({ agreement: old.agreement })).toBe("link.reflected")
    expect(revealing({ ephemeral: crypto.x25519PublicKey(offerCoins().ephemeral) })).toBe("link.reflected")
    const zero = new Uint8Array(32)
    expect(revealing({ ephemeral: zero })).toBe("auth.low-order")
    expect(revealing({ agreement: zero })).toBe("auth.low-order")
    expect(revealing({ device: zero })).toBe("auth.low-order")
    expect(revealing({ device: new Uint8Array(32).fill(0xff) })).toBe("auth.low-order")
    expect(revealing({ takes: [3] })).toBe("link.no-challenge")
    expect(revealing({ takes: [2, 1] })).toBe("decode.noncanonical")
  })

  it("does nothing about the challenge before the joiner signed with its device key [link.ready.1]", () => {
    const world = answered()
    world.deliverOld()
    expect(world.offerEvents.map(({ _tag }) => _tag)).toEqual(["Joined"])
    const input = Labels.prefixed(Labels.linkDevice, channelOf(world.offer).transcript)
    const forged = crypto.ed25519Sign(keysOf("somebody").signing, input)
    const mine: LinkChannel.Channel = { ...channelOf(world.offer), keys: turned(channelOf(world.offer).keys) }
    expect(toOld(world, sealed(mine, { kind: 1, signature: forged }))).toBe("link.device")
    const other = crypto.ed25519Sign(joiner.signing, draw("something else"))
    expect(toOld(world, sealed(mine, { kind: 1, signature: other }))).toBe("link.device")
    world.deliverOld()
    expect(world.offerEvents.map(({ _tag }) => _tag)).toEqual(["Joined", "ScanCode"])
  })

  it("serves the first joiner alone [invitation.single.1] [link.frame.2]", () => {
    const world = new World()
    const hello = world.toOld[0]!
    world.deliverOld()
    expect(toOld(world, hello)).toBe("link.used")
    expect(toOld(world, LinkFrame.Frame.encode({ kind: 1, commitment: draw("second") }))).toBe("link.used")
  })

  it("takes a bare abort only until the other end was heard in the channel [link.abort.2]", () => {
    const bare = LinkFrame.Frame.encode({ kind: 6, reason: 1 })
    const world = new World()
    expect(toOld(world, bare)).toBe("ok")
    expect(toNew(world, bare)).toBe("ok")
    world.settle()
    expect(toOld(world, bare)).toBe("link.state")
    // New has heard nothing sealed while its code is shown; with a PIN it has.
    expect(toNew(world, bare)).toBe("ok")
    expect(toNew(new World(pinOnly).settle(), bare)).toBe("link.state")
    const aborted = LinkOffer.abort(crypto, new World().offer, "cancelled")
    expect(aborted.out).toEqual([Canonical.encode([6, 1])])
  })

  it("does not join when nothing is common, or too late [link.decide.1] [link.frame.3]", () => {
    expect(() => new World(everything, { ...fleet })).toThrow("link.no-challenge")
    expect(() => new World(pinOnly, { ...everything, type: false })).toThrow("link.no-challenge")
    const invitation = { expiresAt: now } as never
    expect(causeOf(LinkJoin.begin(crypto, invitation, everything, {} as never, joinCoins(), now))).toBe("link.expired")
  })

  it("cannot be made of an invitation that is not one's own, or serves too long [invitation.expiry.1]", () => {
    const invitation = invitationOf()
    expect(() => LinkOffer.begin(crypto, invitation, old.agreement, offerCoins("else"))).toThrow("other coins")
    expect(() => LinkOffer.begin(crypto, sign(joiner, new Uint8Array(1)), old.agreement, offerCoins())).toThrow(
      "verify"
    )
    expect(() => LinkOffer.draft(crypto, { ...options(), lifetime: 10 * minutes + 1 }, offerCoins())).toThrow(
      "10 minutes"
    )
  })
})

describe("Linking: challenges", () => {
  it("takes only the code of this linking, and a wrong one costs nothing [link.code.1] [link.code.2]", () => {
    const world = new World().settle()
    const elsewhere = new World(everything, everything, { theirs: joinCoins("else") }).settle()
    expect(causeOf(world.scan(elsewhere.joinEvent("ShowCode").code))).toBe("link.code")
    const { code } = world.joinEvent("ShowCode")
    const { secret } = joinCoins()
    const print = crypto.sha256(Labels.prefixed(Labels.linkPrint, channelOf(world.offer).transcript))
    expect(code).toEqual(Canonical.encode([1, print, secret]))
    expect(code.length).toBe(54)
    expect(causeOf(world.scan(Canonical.encode([2, print, secret])))).toBe("link.version")
    expect(causeOf(world.scan(code.slice(0, -1)))).toBe("decode.truncated")
    expect(causeOf(world.scan(new Uint8Array(3000)))).toBe("decode.size")
    world.old(world.scan())
    expect(world.offer._tag).toBe("Verified")
  })

  it("gives the payload only to who showed the code, and takes it only from who saw it [link.code.2]", () => {
    const world = new World().settle()
    const { code } = world.joinEvent("ShowCode")
    // Right print, another secret: whoever did not see the screen.
    const guessed = code.slice()
    guessed[guessed.length - 1]! ^= 1
    world.old(world.scan(guessed))
    world.grant()
    expect(toNew(world, world.toNew[0]!)).toBe("auth.tag")
    expect(world.join._tag).toBe("Showing")
  })

  it("takes code, PIN and confirmation only where they belong [link.challenge.1]", () => {
    const [code, pin, digits] = ways.map(([, able]) => new World(able).settle()) as [World, World, World]
    const scan = (world: World) => causeOf(LinkOffer.scanned(crypto, world.offer, new Uint8Array(54), now))
    const confirm = (world: World) => [
      causeOf(LinkOffer.confirm(crypto, world.offer, now)),
      causeOf(LinkJoin.confirm(crypto, world.join, now))
    ]
    const type = (world: World) => causeOf(LinkJoin.typed(crypto, world.join, "123456", now))
    expect([scan(pin), scan(digits)]).toEqual(["link.state", "link.state"])
    expect([type(code), type(digits)]).toEqual(["link.state", "link.state"])
    expect([...confirm(code), ...confirm(pin)]).toEqual(Array.from({ length: 4 }, () => "link.state"))
    const before = new World()
    expect([scan(before), type(before), ...confirm(before)]).toEqual(Array.from({ length: 4 }, () => "link.state"))
    expect(causeOf(LinkJoin.signed(crypto, pin.join, draw("signature", 64), now))).toBe("link.state")
    expect(causeOf(LinkJoin.finish(crypto, pin.join, now))).toBe("link.state")
    expect(toOld(code, fromNew(code, { kind: 4 }))).toBe("link.state")
    expect(toOld(digits, fromNew(digits, { kind: 3, share: draw("s"), tag: draw("t") }))).toBe("link.state")
    expect(toNew(code, fromOld(code, { kind: 2, attempt: 1, share: draw("s") }))).toBe("link.state")
  })

  it("makes PINs of 6 to 8 digits, and reads them with spaces and hyphens [link.pin.1]", () => {
    const random = Uint8Array.of(0, 0, 0, 0, 7, 0xff, 0xff, 0xff, 0xff, 0xff)
    expect([6, 7, 8].map((digits) => LinkChallenge.pin(random, digits))).toEqual(["000072", "0000727", "00007277"])
    expect(String((2 ** 40 - 1) % 100_000)).toBe("27775")
    expect(() => LinkChallenge.pin(random, 5)).toThrow("digits")
    const parsed = (text: string) => causeOf(LinkChallenge.parsePin(text))
    expect(ok(LinkChallenge.parsePin("123-456 "))).toBe("123456")
    expect(["12345", "", "123456789", "12345a", "１２３４５６", "12345\n6"].map(parsed)).toEqual([
      "decode.truncated",
      "decode.truncated",
      "decode.trailing",
      "decode.value",
      "decode.value",
      "decode.value"
    ])
  })

  it("counts wrong PINs and nothing else, and dies with the third [link.attempt.1] [link.pin.3]", () => {
    const world = new World(pinOnly).settle()
    const right = world.offerEvent("ShowPin")
    expect(right).toMatchObject({ left: 3 })
    expect(world.joinEvent("AskPin").left).toBe(3)
    const shares = new Set<string>()
    for (const left of [2, 1, 0]) {
      // Whoever is not in the channel cannot use an attempt up.
      for (const frame of [draw("noise", 90), Canonical.encode([4, draw("forged", 90)])])
        expect(toOld(world, frame)).toMatch(/^(?:decode\..*|auth\.tag)$/)
      // Who is in it, but sends no share of CPace, does not either.
      const none = fromNew(world, { kind: 3, share: new Uint8Array(32), tag: draw("tag") })
      expect(toOld(world, none)).toBe("auth.low-order")
      world.type(other(right.pin))
      world.deliverOld()
      expect(world.offerEvent("WrongPin").left).toBe(left)
      shares.add(Bytes.toHex(world.toNew[0]!))
      world.settle()
    }
    expect(shares.size).toBe(3)
    expect(world.offer).toEqual({ _tag: "Aborted", reason: "attempts", by: "self", device: undefined })
    expect(world.join).toEqual({ _tag: "Aborted", reason: "attempts", by: "other" })
  })

  it("takes the right PIN at the second or third attempt [link.attempt.1]", () => {
    for (const wrong of [1, 2]) {
      const world = new World(pinOnly, pinOnly, { pinDigits: 6 + wrong }).settle()
      const { pin } = world.offerEvent("ShowPin")
      expect(pin).toHaveLength(6 + wrong)
      for (let i = 0; i < wrong; i++) {
        world.type(other(pin))
        world.settle()
        expect(world.joinEvent("AskPin").left).toBe(2 - i)
      }
      world.type(`${pin.slice(0, 3)} ${pin.slice(3)}`)
      expect(world.settle().offer._tag).toBe("Verified")
      expect(world.grant().settle().finish().settle().join._tag).toBe("Linked")
    }
  })

  it("proves a PIN at most three times, each for a share of its own [link.attempt.1] [link.pin.4]", () => {
    const world = new World(pinOnly).settle()
    const share = draw("share")
    expect(toNew(world, fromOld(world, { kind: 2, attempt: 1, share }))).toBe("link.state")
    world.type("000000")
    for (const attempt of [1, 3]) expect(toNew(world, fromOld(world, { kind: 2, attempt, share }))).toBe("link.state")
    const zero = new Uint8Array(32)
    expect(toNew(world, fromOld(world, { kind: 2, attempt: 2, share: zero }))).toBe("auth.low-order")
    expect(toNew(world, fromOld(world, { kind: 2, attempt: 2, share }))).toBe("ok")
  })

  it("shows the same digits on both ends, and hands over when both were confirmed [link.digits.1]", () => {
    const world = new World(fleet).settle()
    const { digits } = world.offerEvent("CompareDigits")
    expect(digits).toMatch(/^\d{5} \d{5}$/)
    expect(world.joinEvent("CompareDigits").digits).toBe(digits)
    const hash = crypto.sha256(Labels.prefixed(Labels.linkDigits, channelOf(world.offer).transcript))
    const number = (at: number) => BigInt(`0x${Bytes.toHex(hash.slice(at, at + 5))}`) % 100_000n
    expect(digits).toBe([0, 5].map((at) => number(at).toString().padStart(5, "0")).join(" "))
    world.old(LinkOffer.confirm(crypto, world.offer, now))
    expect(world.offer._tag).toBe("Comparing")
    expect(causeOf(LinkOffer.confirm(crypto, world.offer, now))).toBe("link.state")
    world.new(LinkJoin.confirm(crypto, world.join, now))
    expect(world.settle().offer._tag).toBe("Verified")
    const turnedRound = new World(fleet).settle()
    turnedRound.new(LinkJoin.confirm(crypto, turnedRound.join, now))
    expect(turnedRound.settle().offer._tag).toBe("Comparing")
    turnedRound.old(LinkOffer.confirm(crypto, turnedRound.offer, now))
    expect(turnedRound.offer._tag).toBe("Verified")
  })
})

describe("Linking: somebody stands between", () => {
  /** Old with the attacker as joiner, and new with the attacker as old, each side with the given frames. */
  const between = (able: typeof everything) => {
    const mallory = keysOf("mallory")
    const toward = new World(able, able, { keys: mallory, theirs: joinCoins("mallory") }).settle()
    const victim = new World(able, able, { coins: offerCoins("mallory"), theirs: joinCoins() }).settle()
    return { toward, victim }
  }

  it("has another code: old does not take new's, nor new the attacker's payload [link.code.2]", () => {
    const { toward, victim } = between(everything)
    expect(causeOf(toward.scan(victim.joinEvent("ShowCode").code))).toBe("link.code")
    // The attacker did not see the victim's screen.
    const blind = new World(everything, everything, { coins: offerCoins("mallory") }).settle()
    const code = LinkChallenge.encodeCode(crypto, channelOf(blind.offer).transcript, draw("guess", 16))
    blind.old(blind.scan(code))
    blind.grant()
    expect(toNew(blind, blind.toNew[0]!)).toBe("auth.tag")
  })

  it("has one guess at the PIN for each attempt, at either end [link.pin.2] [link.attempt.1]", () => {
    const { toward, victim } = between(pinOnly)
    // The PIN that old shows, typed on new, whose other end is the attacker with a guess of its own.
    const { pin } = toward.offerEvent("ShowPin")
    expect(victim.offerEvent("ShowPin").pin).not.toBe(pin)
    victim.type(pin)
    victim.deliverOld()
    expect(victim.offerEvent("WrongPin").left).toBe(2)
    // What new sent to the attacker proves nothing to old.
    const proof = victim.join
    expect(proof._tag).toBe("Proved")
    toward.type("000000" === pin ? "000001" : "000000")
    toward.deliverOld()
    expect(toward.offerEvent("WrongPin").left).toBe(2)
  })

  it("shows other digits [link.digits.1] [link.commit.1]", () => {
    const { toward, victim } = between(fleet)
    expect(toward.offerEvent("CompareDigits").digits).not.toBe(victim.joinEvent("CompareDigits").digits)
  })

  it("cannot carry frames from one slot to another [link.transcript.1]", () => {
    const { toward, victim } = between(pinOnly)
    const share = fromOld(toward, { kind: 2, attempt: 1, share: draw("s") })
    expect(toNew(victim, share)).toBe("auth.tag")
    victim.type("123456")
    expect(toOld(toward, victim.toOld[0]!)).toBe("auth.tag")
  })
})

describe("Linking: payload", () => {
  const agreed = { account, oldDevice: old.device, device: joiner.device, agreement: joiner.agreement }
  const check = (payload: LinkPayload.Payload, for_ = agreed): string =>
    causeOf(LinkPayload.check(crypto, for_, LinkPayload.encode(payload)))
  const member = payloadFor(joiner)

  it("is laid out as specified [link.payload.1]", () => {
    const fields = [
      1,
      2,
      "alice",
      "relay.example",
      "ABCD-EFGH-IJKL-MNOP-QRST",
      member.certificate,
      member.manifest,
      member.alias,
      member.rendezvousSeed,
      new Uint8Array(0),
      new Map()
    ]
    expect(LinkPayload.encode(member)).toEqual(Canonical.encode(fields))
    const with1 = Canonical.encode(fields.with(10, new Map([[1, 5]])))
    expect(causeOf(LinkPayload.check(crypto, agreed, with1))).toBe("ok")
    const with2 = Canonical.encode(fields.with(10, new Map([[2, 5]])))
    expect(causeOf(LinkPayload.check(crypto, agreed, with2))).toBe("decode.unknown-critical")
    expect(causeOf(LinkPayload.check(crypto, agreed, new Uint8Array(61_441)))).toBe("decode.size")
  })

  it("says which part of the history is given, in an extension [link.history.1]", () => {
    const whole = (history: Canonical.Value) =>
      Canonical.encode([
        1,
        2,
        "alice",
        "relay.example",
        "ABCD-EFGH-IJKL-MNOP-QRST",
        member.certificate,
        member.manifest,
        member.alias,
        member.rendezvousSeed,
        new Uint8Array(0),
        new Map([[3, history]])
      ])
    const conversation = draw("conversation", 16)
    const cases: ReadonlyArray<readonly [LinkPayload.Payload["history"], Canonical.Value]> = [
      [{ choice: 1 }, [1]],
      [{ choice: 2, since: 1_700_000_000_000 }, [2, 1_700_000_000_000]],
      [{ choice: 3, last: 100 }, [3, 100]],
      [{ choice: 4, conversations: [conversation], since: 0 }, [4, [conversation], 0]]
    ]
    for (const [history, items] of cases) {
      const bytes = LinkPayload.encode({ ...member, history })
      expect(bytes).toEqual(whole(items))
      const checked = LinkPayload.check(crypto, agreed, bytes)
      expect(Result.isSuccess(checked) && checked.success.history).toEqual(history)
    }
    for (const bad of [5, [], [5], [2], [3, 0], [4, [], 0], [4, [new Uint8Array(15)], 0]]) {
      expect(causeOf(LinkPayload.check(crypto, agreed, whole(bad)))).toMatch(/^decode\./)
    }
    const many = (count: number) =>
      whole([4, Array.from({ length: count }, (_, i) => draw(`conversation ${i}`, 16)), 0])
    expect(causeOf(LinkPayload.check(crypto, agreed, many(227)))).toBe("ok")
    expect(causeOf(LinkPayload.check(crypto, agreed, many(228)))).toBe("decode.size")
  })

  it("is refused when it says something else than what was agreed [link.payload.2] [link.payload.3]", () => {
    expect(check(member)).toBe("ok")
    const admin = payloadFor(joiner, Device.roles.admin)
    expect(check(admin)).toBe("ok")
    expect(check({ ...admin, handover: new Uint8Array(0) })).toBe("link.payload")
    expect(check({ ...member, handover: draw("handover", 110) })).toBe("link.payload")
    expect(check({ ...member, role: 3 })).toBe("link.payload")
    const stranger = keysOf("stranger")
    expect(check(payloadFor(stranger))).toBe("link.payload")
    expect(check({ ...member, certificate: payloadFor(stranger).certificate })).toBe("link.payload")
    expect(check({ ...member, manifest: payloadFor(stranger).manifest })).toBe("link.payload")
    expect(check(payloadFor({ ...joiner, agreement: stranger.agreement }))).toBe("link.payload")
    expect(check({ ...member, certificate: admin.certificate })).toBe("link.payload")
    expect(check(member, { ...agreed, oldDevice: stranger.device })).toBe("link.payload")
    expect(check(member, { ...agreed, oldDevice: joiner.device })).toBe("link.payload")
    expect(check(member, { ...agreed, account: stranger.device })).toBe("auth.account")
    const broken = member.certificate.slice()
    broken[100]! ^= 1
    expect(check({ ...member, certificate: broken })).toBe("auth.certificate")
  })

  it("is not sent when new would refuse it, and leaves the state as it was [link.payload.3] [link.frame.2]", () => {
    const world = new World().succeed()
    const before = world.offer
    expect(causeOf(LinkOffer.grant(crypto, world.offer, payloadFor(keysOf("x")), now))).toBe("link.payload")
    expect(world.offer).toBe(before)
    world.grant()
    expect(causeOf(LinkOffer.grant(crypto, world.offer, payloadFor(joiner), now))).toBe("link.state")
  })

  it("of another linking, or for another device, does not open [link.payload.4]", () => {
    const [world, second] = [new World(), new World(everything, everything, { theirs: joinCoins("else") })]
    world.succeed().grant()
    second.succeed().grant()
    const [frame, foreign] = [world.toNew[0]!, second.toNew[0]!]
    expect(toNew(world, foreign)).toBe("auth.tag")
    expect(toNew(world, frame)).toBe("ok")
    world.settle()
    expect(toNew(world, frame)).toBe("auth.tag")
  })
})
