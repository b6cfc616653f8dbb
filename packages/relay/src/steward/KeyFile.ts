/**
 * The steward's lasting key: beside the database, for its owner's eyes.
 *
 * Spec: docs/spec/18-mqtt.md §18.3 (rule mqtt.card.2).
 * It proves to clients that they speak to the same steward as before. It opens no message.
 */
import { randomBytes } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"

/** The secret key of 32 bytes that belongs to a database; made when there is none. A database in memory has a new one each time. */
export const keyOf = (database: string): Uint8Array => {
  if (database === ":memory:") return new Uint8Array(randomBytes(32))
  const file = `${database}.key`
  try {
    writeFileSync(file, randomBytes(32).toString("hex"), { flag: "wx", mode: 0o600 })
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "EEXIST")) throw cause
  }
  const key = Buffer.from(readFileSync(file, "utf8").trim(), "hex")
  if (key.length !== 32) throw new Error("the key file of the steward is damaged")
  return new Uint8Array(key)
}
