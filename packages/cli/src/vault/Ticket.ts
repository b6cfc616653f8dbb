/**
 * What `tacit vault unlock` leaves for the commands after it: the stretched secret, in the user's runtime directory, for a while.
 *
 * Spec: docs/spec/12-vault.md §12.2.
 * The runtime directory is memory of the system that is gone when the user logs out. Whoever can read the user's files meanwhile
 * can use it, as with an agent of keys; `tacit vault lock` removes it.
 */
import { createHash } from "node:crypto"
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import type { Profile } from "../Profile.ts"

type Env = Readonly<Record<string, string | undefined>>

/** Where it would be; `undefined` when the system has no runtime directory. */
const pathOf = (profile: Profile, env: Env): string | undefined => {
  const base = env.XDG_RUNTIME_DIR
  if (base === undefined || !base.startsWith("/")) return undefined
  const name = createHash("sha256").update(resolve(profile.store)).digest("hex").slice(0, 32)
  return join(base, "tacit", `${name}.unlocked`)
}

/** Whether tickets can be kept here. */
export const isPossible = (profile: Profile, env: Env): boolean => pathOf(profile, env) !== undefined

/** Leaves a ticket that counts until a time, in ms. Replaces an older one in one step. */
export const write = (profile: Profile, env: Env, stretched: Uint8Array, until: number): void => {
  const path = pathOf(profile, env)!
  mkdirSync(join(path, ".."), { recursive: true, mode: 0o700 })
  const content = JSON.stringify({ version: 1, until, stretched: Buffer.from(stretched).toString("hex") })
  writeFileSync(`${path}.new`, content, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

/** Until when a ticket counts; `undefined` without one. */
export const until = (profile: Profile, env: Env): number | undefined => load(profile, env)?.until

/** The stretched secret, if there is a ticket that still counts. One that does not is removed. */
export const read = (profile: Profile, env: Env): Uint8Array | undefined => load(profile, env)?.stretched

const load = (profile: Profile, env: Env) => {
  const path = pathOf(profile, env)
  if (path === undefined) return undefined
  try {
    // One that others could have written or read is none.
    const { mode, uid } = statSync(path)
    if ((mode & 0o077) !== 0 || uid !== process.getuid?.()) return undefined
    const { until, stretched } = JSON.parse(readFileSync(path, "utf8")) as { until?: unknown; stretched?: unknown }
    if (typeof until !== "number" || typeof stretched !== "string" || !/^[0-9a-f]{64}$/.test(stretched))
      return undefined
    if (until > Date.now()) return { until, stretched: new Uint8Array(Buffer.from(stretched, "hex")) }
    remove(profile, env)
  } catch {
    // No ticket, or none that can be read.
  }
  return undefined
}

/** Overwrites and removes a ticket. True when there was one. */
export const remove = (profile: Profile, env: Env): boolean => {
  const path = pathOf(profile, env)
  if (path === undefined) return false
  try {
    writeFileSync(path, Buffer.alloc(statSync(path).size))
    rmSync(path)
    return true
  } catch {
    return false
  }
}
