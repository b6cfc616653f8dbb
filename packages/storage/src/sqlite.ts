/**
 * `@tacit/storage/sqlite`: the embedded store, one file, nothing to install.
 *
 * ```ts
 * import * as Sqlite from "@tacit/storage/sqlite"
 * const store = Sqlite.layer({ path: "./alice.store" })
 * ```
 */
export { config, layer, layerConfig, make, type SqliteOptions, type SqliteStore } from "./sqlite/SqliteStore.ts"
export { StoreUnusable } from "./StoreUnusable.ts"
