/**
 * F10: whom a device addresses, and what it makes of what others go by.
 *
 * Spec: docs/spec/22-own-devices.md.
 * Vectors: vectors/devices.
 */
import { Addressing, Manifest, ReplayWindow, Settings } from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import { ok, reject, type Actors, type Answer } from "./outcome.ts"
import { hex, unhex, type Input, type Json, type JsonObject } from "./values.ts"

interface Own {
  readonly self: Uint8Array
  readonly account: string
}

const texts = (ids: ReadonlyArray<Uint8Array>): Json => ids.map(hex)
const bytesOf = (list: ReadonlyArray<Json>): ReadonlyArray<Uint8Array> =>
  list.map((item) => unhex(typeof item === "string" ? item : "?"))

/** `[{ text: name }, stamp, device]`, and the value of one that has any. */
const settingOf = (json: Json): Settings.Settings[number] => {
  if (!Array.isArray(json)) throw new Error("no setting")
  const [named, stamp, device, value] = json as ReadonlyArray<Json>
  const { text: name } = named as JsonObject
  if (typeof name !== "string" || typeof stamp !== "number" || typeof device !== "string") throw new Error("no setting")
  return { name, stamp, device: unhex(device), value: typeof value === "string" ? unhex(value) : undefined }
}

const settingsJson = (settings: Settings.Settings): Json =>
  settings.map(({ device, name, stamp, value }) => [
    { text: name },
    stamp,
    hex(device),
    ...(value === undefined ? [] : [hex(value)])
  ])

export const actors: Actors = (crypto) => {
  let own: Own | undefined
  const held = new Map<string, Manifest.Manifest>()
  const windows = new Map<string, ReplayWindow.ReplayWindow>()
  const told = new Map<string, Addressing.Told>()
  let settings: Settings.Settings = []

  const running = (): Own & { readonly manifest: Manifest.Manifest } => {
    const manifest = own === undefined ? undefined : held.get(own.account)
    if (own === undefined || manifest === undefined) throw new Error("the device was not started")
    return { ...own, manifest }
  }
  const update = (account: Uint8Array, answer: ReadonlyArray<Json>) =>
    Manifest.update(crypto, account, held.get(hex(account)), bytesOf(answer))

  const start = (input: Input): Answer => {
    const account = input.bytes("account")
    const peer = input.bytes("peer")
    const mine = update(account, input.list("own"))
    if (Result.isFailure(mine)) return reject(mine.failure.cause)
    const theirs = update(peer, input.list("answer"))
    if (Result.isFailure(theirs)) return reject(theirs.failure.cause)
    own = { self: input.bytes("device"), account: hex(account) }
    held.set(hex(account), mine.success)
    held.set(hex(peer), theirs.success)
    return ok({ own: mine.success.version, peer: theirs.success.version })
  }

  const learn = (input: Input): Answer => {
    const account = input.bytes("account")
    const before = held.get(hex(account))
    if (before === undefined) throw new Error("nobody it knows")
    const after = update(account, input.list("answer"))
    if (Result.isFailure(after)) return reject(after.failure.cause)
    held.set(hex(account), after.success)
    const { added, removed } = Manifest.difference(before, after.success)
    return ok({ version: after.success.version, added: texts(added), removed: texts(removed) })
  }

  const send = (input: Input): Answer => {
    const { manifest, self } = running()
    const peer = held.get(hex(input.bytes("account")))
    if (peer === undefined) throw new Error("nobody it knows")
    // Rule manifest.removed.1.
    if (Manifest.deviceOf(manifest, self) === undefined) return reject("policy.revoked-device")
    return ok({
      message: texts(Addressing.readers(peer, self)),
      copies: texts(Addressing.readers(manifest, self)),
      lists: [manifest.version, peer.version]
    })
  }

  const receive = (input: Input): Answer => {
    const { account: mine, manifest, self } = running()
    const [account, device] = [hex(input.bytes("account")), input.bytes("device")]
    const theirs = held.get(account)
    if (theirs === undefined) throw new Error("nobody it knows")
    if (Manifest.isRevoked(theirs, device)) return reject("policy.revoked-device")
    const [version, peer] = input.list("lists")
    const lists =
      typeof version === "number" && typeof peer === "number" ? ({ own: version, peer } as const) : undefined
    const number = input.number("number")
    const name = hex(device)
    let shown = true
    let gap: Json = []
    if (number > 0) {
      const judged = ReplayWindow.accept(windows.get(name) ?? ReplayWindow.empty, number)
      if (Result.isFailure(judged)) return reject(judged.failure.cause)
      const outcome = judged.success
      shown = outcome._tag === "Accepted"
      if (outcome._tag === "Stale") return reject("fresh.stale")
      const isCopied = lists !== undefined && Addressing.isUnknownTo(manifest, self, lists.peer)
      if (outcome._tag === "Duplicate" && !isCopied) return reject("fresh.duplicate")
      if (outcome._tag === "Accepted" && outcome.gap !== undefined) gap = [outcome.gap.from, outcome.gap.to]
      windows.set(name, outcome.next)
    }
    const now = input.number("now")
    const answers = lists !== undefined && Addressing.isTold(lists.peer, manifest.version, told.get(name), now)
    if (answers) told.set(name, { version: manifest.version, at: now })
    const isCopied = shown && number > 0 && lists !== undefined && account !== mine
    return ok({
      shown,
      gap,
      fetchSender: lists !== undefined && lists.own > theirs.version,
      fetchOwn: lists !== undefined && account !== mine && lists.peer > manifest.version,
      answers,
      copies: isCopied ? texts(Addressing.addedSince(manifest, self, lists.peer)) : []
    })
  }

  const copied = (input: Input): Answer => {
    const { account: mine, manifest } = running()
    if (hex(input.bytes("account")) !== mine) return reject("policy.not-own")
    if (Manifest.isRevoked(manifest, input.bytes("via"))) return reject("policy.revoked-device")
    const number = input.number("number")
    const name = hex(input.bytes("device"))
    const judged = ReplayWindow.accept(windows.get(name) ?? ReplayWindow.empty, number, Math.max(0, number - 1))
    if (Result.isFailure(judged)) return reject(judged.failure.cause)
    if (judged.success._tag === "Accepted") windows.set(name, judged.success.next)
    return ok({ shown: judged.success._tag === "Accepted" })
  }

  const wrote = (input: Input): Answer => {
    const { self } = running()
    const [value] = bytesOf(input.list("value"))
    const next = Settings.write(settings, input.text("name"), value, input.number("now"), self)
    settings = next ?? settings
    return ok({ full: next === undefined, settings: settingsJson(settings) })
  }

  const heard = (input: Input): Answer => {
    const word = input.list("settings").map(settingOf)
    settings = Settings.merge(settings, word)
    return ok({ settings: settingsJson(settings), answers: !Settings.covers(word, settings) })
  }

  return {
    snapshot: () => [
      own === undefined ? [] : [hex(own.self), own.account],
      [...held].map(([account, { bytes }]) => [account, hex(bytes)]),
      [...windows].map(([device, window]) => [device, hex(ReplayWindow.encode(window))]),
      [...told].map(([device, { at, version }]) => [device, version, at]),
      settingsJson(settings)
    ],
    step: (name, input) => {
      switch (name) {
        case "devices.start":
          return start(input)
        case "devices.learn":
          return learn(input)
        case "devices.send":
          return send(input)
        case "devices.receive":
          return receive(input)
        case "devices.copied":
          return copied(input)
        case "devices.wrote":
          return wrote(input)
        case "devices.heard":
          return heard(input)
        default:
          throw new Error(`no step ${name}`)
      }
    }
  }
}
