/**
 * The settings of an account: registers by name, brought together from what devices tell.
 *
 * Spec: docs/spec/22-own-devices.md §22.8.
 * Stores and tells nothing: client/Settings.ts does.
 */
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import type { Setting } from "../envelope/OwnDevice.ts"
import * as Register from "./Register.ts"

/** By name, ascending; at most 128. */
export type Settings = ReadonlyArray<Setting>

/** What a device knows that heard of both (rule own.register.2): `held` itself when the other one tells nothing new. */
export const merge = (held: Settings, heard: Settings): Settings => {
  const all = new Map(held.map((one) => [one.name, one]))
  let isNews = false
  for (const one of heard) {
    const before = all.get(one.name)
    if (before !== undefined && Register.compare(one, before) <= 0) continue
    all.set(one.name, one)
    isNews = true
  }
  if (!isNews) return held
  const kept = highest([...all.values()])
  return kept.length === held.length && kept.every((one) => held.includes(one)) ? held : kept.sort(byName)
}

/** Rule own.setting.1: of more than can be kept, the highest. */
const highest = (all: Array<Setting>): Array<Setting> =>
  all.length <= Limits.maxSettings ? all : all.sort((a, b) => rank(b, a)).slice(0, Limits.maxSettings)

const rank = (a: Setting, b: Setting): number => Register.compare(a, b) || byName(a, b)

const byName = (a: Setting, b: Setting): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)

/**
 * The settings after `device` (32 bytes) wrote one at `now`, ms, or, without a value, took one back: `settings` itself when that stands already,
 * nothing when there is no room (rule own.setting.4).
 */
export const write = (
  settings: Settings,
  name: string,
  value: Uint8Array | undefined,
  now: number,
  device: Uint8Array
): Settings | undefined => {
  const before = settings.find((one) => one.name === name)
  if (before?.value === undefined && value === undefined) return settings
  if (before?.value !== undefined && value !== undefined && Bytes.equal(before.value, value)) return settings
  let stamp = Register.stampOf(
    now,
    settings.reduce((most, one) => Math.max(most, one.stamp), 0)
  )
  const written: Array<Setting> = []
  const put = (one: string, what: Uint8Array | undefined): void => {
    written.push({ name: one, stamp, device, value: what })
    stamp = Math.min(Limits.maxStamp, stamp + 1)
  }
  if (before === undefined && settings.length >= Limits.maxSettings) {
    const ranked = [...settings].sort(rank)
    const vacant = ranked.findIndex((one) => one.value === undefined)
    if (vacant < 0) return undefined
    // What stands below the place that is given up would go in its stead.
    for (const one of ranked.slice(0, vacant)) put(one.name, one.value)
  }
  put(name, value)
  const next = merge(settings, written)
  // Where stamps cannot rise any more, what is written may stand below what is there.
  return next.some((one) => one.name === name && one.device === device && one.value === value) ? next : undefined
}

/** Whether `held` has everything that `heard` says, or better: nothing would change it. */
export const covers = (held: Settings, heard: Settings): boolean => merge(held, heard) === held

/** What is different for an application, which sees values alone. */
export const changes = (before: Settings, next: Settings): Settings => {
  const seen = new Map(before.map((one) => [one.name, one.value]))
  const gone = before.filter(({ name, value }) => value !== undefined && !next.some((one) => one.name === name))
  const changed = next.filter(({ name, value }) => {
    const old = seen.get(name)
    return old === undefined || value === undefined ? old !== value : !Bytes.equal(old, value)
  })
  return [...changed, ...gone.map((one) => ({ ...one, value: undefined }))].sort(byName)
}
