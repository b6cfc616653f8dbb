/** Further devices of an account through real relays: over WebSocket, and through a broker. */
import { createBot, linkAccount, openClient, type PromiseClient, type PromiseLinkOffer } from "@tacit/bots"
import { startRelay, startSteward } from "@tacit/relay"
import { startBroker } from "@tacit/transport-mqtt/broker"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { receive } from "./Scene.ts"

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

interface Service {
  readonly url: string
  readonly invite: (user: string) => Promise<string>
  readonly close: () => Promise<void>
}

const services = {
  WebSocket: (folder: string): Promise<Service> => startRelay({ database: join(folder, "relay.db") }),
  MQTT: async (folder: string): Promise<Service> => {
    const broker = await startBroker()
    const database = join(folder, "steward.db")
    const steward = await startSteward({ database, broker: `mqtt://127.0.0.1:${broker.port}/links` })
    return {
      url: steward.url,
      invite: steward.invite,
      close: async () => {
        await steward.close()
        await broker.close()
      }
    }
  }
}

/** Answers on the old device as a person who looks at `see` would. */
const attend = async (offer: PromiseLinkOffer, see: { pin: string; code: string }): Promise<ReadonlyArray<string>> => {
  const seen: Array<string> = []
  for await (const state of offer.states()) {
    seen.push(state._tag)
    if (state._tag === "ShowPin") see.pin = state.pin
    if (state._tag === "CompareDigits") await offer.confirm()
    if (state._tag === "ScanCode") {
      while (see.code === "") await new Promise((resolve) => setTimeout(resolve, 5))
      await offer.scanned(see.code)
    }
  }
  return seen
}

for (const [kind, start] of Object.entries(services)) {
  describe(`further devices over ${kind}`, () => {
    const folder = mkdtempSync(join(tmpdir(), "tacit-link-"))
    let service: Service
    let alice: PromiseClient
    let bob: PromiseClient
    const place = (name: string) => ({ relay: service.url, path: join(folder, `${name}.db`) })
    const open = async (user: string) => openClient({ ...place(user), user, password: await service.invite(user) })

    beforeAll(async () => {
      service = await start(folder)
      ;[alice, bob] = [await open("alice"), await open("bob")]
    })
    afterAll(async () => {
      await Promise.all([alice.close(), bob.close()])
      await service.close()
      rmSync(folder, { recursive: true, force: true })
    })

    /** Links a device named `name`, by one challenge. */
    const linkBy = async (name: string, challenge: "code" | "pin" | "fingerprint") => {
      const offer = await alice.link.invite({ relay: service.url, challenges: [challenge] })
      const see = { pin: "", code: "" }
      const attended = attend(offer, see)
      const linked = await linkAccount({
        ...place(name),
        uri: offer.uri,
        challenges: [challenge],
        showCode: (code) => void (see.code = code),
        askPin: async () => {
          while (see.pin === "") await new Promise((resolve) => setTimeout(resolve, 5))
          return see.pin
        },
        confirmDigits: () => true
      })
      return { linked, offer, states: await attended }
    }

    for (const challenge of ["pin", "code", "fingerprint"] as const) {
      it(`a device linked by ${challenge} is ready to be written to when the call returns [link.decide.2]`, async () => {
        const { linked, offer, states } = await linkBy(challenge, challenge)
        expect(linked).toMatchObject({ user: "alice", role: "member", account: alice.self.account })
        expect(await offer.result()).toEqual({ device: linked.device, role: "member" })
        expect(states.at(-1)).toBe("Linked")
        const text = `for ${challenge}`
        await bob.send("alice", text)
        const device = await openClient({ ...place(challenge), user: "alice" })
        expect((await receive(device, 1)).map(({ body }) => body)).toEqual([{ type: "text", text }])
        await device.close()
        expect(await linkAccount({ ...place(challenge), uri: offer.uri, askPin: () => "" }).catch(tagOf)).toBe(
          "AlreadyRegistered"
        )
      })
    }

    it("a hook that rejects cancels, and the old device is told [link.abort.1]", async () => {
      const offer = await alice.link.invite({ relay: service.url, challenges: ["pin"] })
      const result = offer.result().catch((error: unknown) => error)
      const linking = linkAccount({
        ...place("unwilling"),
        uri: offer.uri,
        askPin: () => Promise.reject(new Error("no"))
      })
      await expect(linking).rejects.toMatchObject({ _tag: "LinkEnded", reason: "cancelled", by: "self" })
      expect(await result).toMatchObject({ _tag: "LinkEnded", reason: "cancelled", by: "other" })
    })

    it("an aborted call rejects with the signal's reason, and the old device is told [link.abort.1]", async () => {
      const offer = await alice.link.invite({ relay: service.url, challenges: ["pin"] })
      const result = offer.result().catch((error: unknown) => error)
      const abort = new AbortController()
      const linking = linkAccount({
        ...place("aborted"),
        uri: offer.uri,
        signal: abort.signal,
        askPin: () => (abort.abort(new Error("enough")), new Promise<string>(() => undefined))
      })
      await expect(linking).rejects.toThrow("enough")
      expect(await result).toMatchObject({ _tag: "LinkEnded", reason: "cancelled", by: "other" })
    })

    it("an invitation ends at both when its time is over, and is refused afterwards [invitation.expiry.1]", async () => {
      const offer = await alice.link.invite({ relay: service.url, challenges: ["pin"], lifetimeMs: 3_000 })
      const result = offer.result().catch((error: unknown) => error)
      const joining = { ...place("late"), uri: offer.uri, askPin: () => new Promise<string>(() => undefined) }
      await expect(linkAccount(joining)).rejects.toMatchObject({ _tag: "LinkEnded", reason: "expired" })
      expect(await result).toMatchObject({ _tag: "LinkEnded", reason: "expired" })
      await expect(linkAccount(joining)).rejects.toMatchObject({ _tag: "LinkRefused", cause: "link.expired" })
    })

    it("three wrong PINs end it at both [link.attempt.1]", async () => {
      const offer = await alice.link.invite({ relay: service.url, challenges: ["pin"] })
      const result = offer.result().catch((error: unknown) => error)
      const lefts: Array<number> = []
      const linking = linkAccount({
        ...place("guessing"),
        uri: offer.uri,
        askPin: (left) => (lefts.push(left), "000 000")
      })
      await expect(linking).rejects.toMatchObject({ _tag: "LinkEnded", reason: "attempts", by: "other" })
      expect(await result).toMatchObject({ reason: "attempts", by: "self" })
      expect(lefts).toEqual([3, 2, 1])
    })

    it("a bot invites a further device of its account [link.payload.1]", async () => {
      const bot = createBot({ ...place("bot"), user: "helper", password: await service.invite("helper") })
      bot.on("text", (message) => message.reply("the first one"))
      await bot.start()
      const offer = await bot.invite({ relay: service.url, role: "replica", challenges: ["fingerprint"] })
      const attended = attend(offer, { pin: "", code: "" })
      const linked = await linkAccount({
        ...place("bot-2"),
        uri: offer.uri,
        challenges: ["fingerprint"],
        confirmDigits: () => true
      })
      expect((await attended).at(-1)).toBe("Linked")
      expect(linked).toMatchObject({ user: "helper", role: "replica" })
      await bot.stop()
    })
  })
}

const tagOf = (error: unknown): string => (error as { readonly _tag: string })._tag
