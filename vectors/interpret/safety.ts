/**
 * F18: safety numbers.
 *
 * Spec: docs/spec/17-safety.md.
 * Vectors: vectors/safety.
 */
import { SafetyNumber, type CryptoProvider } from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import { ok, reject, type Answer, type Operation } from "./outcome.ts"
import { hex, unhex, type Input } from "./values.ts"

const party = (input: Input, account: string, devices: string): SafetyNumber.Party => ({
  account: input.bytes(account),
  devices: input.list(devices).map((item) => {
    const [device, agreement, role] = item as readonly [string, string, number]
    return { device: unhex(device), agreement: unhex(agreement), role }
  })
})

const numberOf = (
  crypto: CryptoProvider,
  input: Input
): Result.Result<SafetyNumber.SafetyNumber, SafetyNumber.Disagreement> =>
  SafetyNumber.make(crypto, party(input, "account", "devices"), party(input, "peerAccount", "peerDevices"))

const answer = (compared: Result.Result<void, SafetyNumber.Disagreement>): Answer =>
  Result.isSuccess(compared) ? ok({}) : reject(compared.failure.cause)

export const operations: { readonly [op: string]: Operation } = {
  "safety.number": (crypto, input) => {
    const number = numberOf(crypto, input)
    if (Result.isFailure(number)) return reject(number.failure.cause)
    const code = SafetyNumber.encode(number.success)
    return ok({ digits: SafetyNumber.digits(number.success), code: hex(code) })
  },
  "safety.digits": (_, input) => {
    const shown = SafetyNumber.decode(input.bytes("code"))
    return Result.isFailure(shown) ? reject(shown.failure.cause) : ok({ digits: SafetyNumber.digits(shown.success) })
  },
  "safety.scan": (crypto, input) =>
    answer(Result.flatMap(numberOf(crypto, input), (number) => SafetyNumber.compareCode(number, input.bytes("code")))),
  "safety.typed": (crypto, input) =>
    answer(Result.flatMap(numberOf(crypto, input), (number) => SafetyNumber.compareDigits(number, input.text("text"))))
}
