export { Conflict, LeaseLost, Store, type StoredRecord, StoreError, type Write } from "./ports/Store.ts"
export * as StoreRules from "./ports/StoreRules.ts"
