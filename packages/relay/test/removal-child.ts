/**
 * Removes a user beside a relay and is killed on the way. Arguments: database, user, and the number of the statement before which it ends
 * itself with SIGKILL. Prints `removed` when it came to the end.
 */
import * as Database from "../src/Database.ts"
import { makeRemovals } from "../src/Removals.ts"

const [database = "", user = "", last = "0"] = process.argv.slice(2)
const real = Database.open(database, { exclusive: false })
let left = Number(last)
const counted =
  <A extends ReadonlyArray<unknown>, R>(run: (...values: A) => R) =>
  (...values: A): R => {
    if (left-- === 0) process.kill(process.pid, "SIGKILL")
    return run(...values)
  }
const db: Database.Database = {
  ...real,
  sql: (text) => {
    const statement = real.sql(text)
    return { get: counted(statement.get), all: counted(statement.all), run: counted(statement.run) }
  }
}
const removals = makeRemovals(db)
real.transaction(() => {
  removals.remove(user, undefined, Date.now())
  if (left === 0) process.kill(process.pid, "SIGKILL")
})
real.close()
console.log(`removed after ${Number(last) - left} statements`)
