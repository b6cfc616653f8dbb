import type { Options } from "tsup"

/**
 * How every package is bundled. `clean` is off because `tsc -b` has put the types into `dist` already;
 * `removeNodeProtocol` is off because `node:sqlite` has no name without its prefix.
 */
export const base = (options: Partial<Options> = {}): Options => ({
  format: ["esm"],
  target: "es2023",
  platform: "neutral",
  outDir: "dist",
  clean: false,
  sourcemap: true,
  splitting: true,
  dts: false,
  silent: true,
  skipNodeModulesBundle: true,
  removeNodeProtocol: false,
  ...options
})
