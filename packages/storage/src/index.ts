export { StoreUnusable } from "./StoreUnusable.ts"
