import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { storeContract } from "@tacit/core/testing"
import * as Sqlite from "@tacit/storage/sqlite"
import { afterAll, describe, expect, it } from "vitest"

const folder = mkdtempSync(join(tmpdir(), "tacit-store-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let places = 0

storeContract(
  "sqlite",
  () => {
    const path = join(folder, `${places++}`, "store")
    return { layer: Sqlite.layer({ path }), takeOver: Sqlite.layer({ path, takeOver: true }) }
  },
  { describe, it, expect }
)
