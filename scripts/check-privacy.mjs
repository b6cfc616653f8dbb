// No file of the project tells of the machine it was made on: no absolute local path, no download address in a lock.
//
// Looks into every text file of the repository. Does not look for secrets.
import { lstatSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { isMain, listFiles, report, root } from "./lib/repo.mjs"

// Put together from parts, so that this file passes its own check.
const homes = ["home", "root", "work", "Users"].map((name) => `/${name}/`).join("|")
const unix = new RegExp(`(?<![\\w.~/:@*-])(?:${homes})`)
const windows = /(?<![A-Za-z0-9])[A-Z]:\\{1,2}[A-Za-z][\w .-]*\\/
const fileUrl = /\bfile:\/\/\/[A-Za-z]/
const resolved = /"resolved":\s*"[a-z+]+:/

const isLock = (path) => /(^|\/)(package-lock|npm-shrinkwrap)\.json$/.test(path)

/** Problems of one text. */
export const checkText = (path, text) =>
  text.split("\n").flatMap((line, index) => {
    const at = `${path}:${index + 1}`
    const found = []
    if (unix.test(line) || windows.test(line) || fileUrl.test(line)) found.push(`${at}: an absolute local path`)
    if (isLock(path) && resolved.test(line)) found.push(`${at}: the lock file records a download address`)
    return found
  })

/** Problems of the tree at `base`. */
export const check = (base) => {
  const files = listFiles(base).filter((path) => lstatSync(join(base, path)).isFile())
  const problems = files.flatMap((path) => {
    const bytes = readFileSync(join(base, path))
    return bytes.subarray(0, 8192).includes(0) ? [] : checkText(path, bytes.toString("utf8"))
  })
  return { files: files.length, problems }
}

if (isMain(import.meta)) {
  const { files, problems } = check(root)
  report("check-privacy", problems, `${files} files tell nothing of a machine`)
}
