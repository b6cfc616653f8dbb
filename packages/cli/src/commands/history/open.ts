/**
 * Opening the account of a profile that keeps its history.
 */
import type { PromiseClient } from "@tacit/bots"
import { HistoryOff } from "@tacit/core"
import { openAccount, registeredProfile } from "../../Account.ts"
import type { Context } from "../../Command.ts"

/** Fails with `HistoryOff` before anything is opened. */
export const openHistory = async (context: Context): Promise<PromiseClient> => {
  if (registeredProfile(context).history === undefined) throw new HistoryOff()
  return openAccount(context)
}
