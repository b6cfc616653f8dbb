export * as MemoryNetwork from "./testing/MemoryNetwork.ts"
export * as MemoryStore from "./testing/MemoryStore.ts"
export {
  storeContract,
  type StoreContractOptions,
  type StorePlace,
  type TestRunner
} from "./testing/StoreContract.ts"
export { arbitrary, bitFlips, canonicalValue } from "./testing/Arbitrary.ts"
export * as FixtureAccount from "./testing/FixtureAccount.ts"
export { custodyContract, type CustodyContractOptions, type CustodyPlace } from "./testing/CustodyContract.ts"
export { directoryContract } from "./testing/DirectoryContract.ts"
export {
  type Faults,
  type MakePlace,
  type RelayContractOptions,
  type RelayPlace
} from "./testing/RelayPlace.ts"
export { transportContract } from "./testing/TransportContract.ts"
export * as SeededEntropy from "./testing/SeededEntropy.ts"
