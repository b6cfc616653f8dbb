/**
 * Counters, gauges and histograms of a relay, and their Prometheus text.
 *
 * Spec: docs/spec/14-relay.md rule relay.http.1.
 * Labels come from closed lists in the source: frame names, error codes. Nothing here names a user, device or mailbox.
 */

export interface Counter {
  /** Adds 1, or `by`, to the series of `label`. */
  readonly add: (label?: string, by?: number) => void
  readonly get: (label?: string) => number
}

export interface Histogram {
  readonly observe: (value: number) => void
}

export interface Registry {
  /** `label` is the name of the one label, if the counter has any. */
  readonly counter: (name: string, help: string, label?: string) => Counter
  /** Read when asked for. */
  readonly gauge: (name: string, help: string, read: () => number) => void
  /** `bounds` ascend; one more bucket takes the rest. */
  readonly histogram: (name: string, help: string, bounds: ReadonlyArray<number>) => Histogram
  /** Prometheus text exposition format 0.0.4. */
  readonly text: () => string
}

const header = (name: string, help: string, type: string): string => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`

export const makeRegistry = (): Registry => {
  const parts: Array<() => string> = []
  return {
    counter: (name, help, label) => {
      const series = new Map<string, number>()
      if (label === undefined) series.set("", 0)
      parts.push(() => {
        let text = header(name, help, "counter")
        for (const [value, count] of series)
          text += `${name}${label === undefined ? "" : `{${label}="${value}"}`} ${count}\n`
        return text
      })
      return {
        add: (value = "", by = 1) => void series.set(value, (series.get(value) ?? 0) + by),
        get: (value = "") => series.get(value) ?? 0
      }
    },
    gauge: (name, help, read) => {
      parts.push(() => `${header(name, help, "gauge")}${name} ${read()}\n`)
    },
    histogram: (name, help, bounds) => {
      const counts = bounds.map(() => 0)
      let sum = 0
      let count = 0
      parts.push(() => {
        let text = header(name, help, "histogram")
        let below = 0
        for (let i = 0; i < bounds.length; i++) {
          below += counts[i]!
          text += `${name}_bucket{le="${bounds[i]!}"} ${below}\n`
        }
        return `${text}${name}_bucket{le="+Inf"} ${count}\n${name}_sum ${sum}\n${name}_count ${count}\n`
      })
      return {
        observe: (value) => {
          sum += value
          count++
          const at = bounds.findIndex((bound) => value <= bound)
          if (at >= 0) counts[at]!++
        }
      }
    },
    text: () => parts.map((part) => part()).join("")
  }
}

/** The relay's own metrics. */
export type RelayMetrics = ReturnType<typeof makeRelayMetrics>

export const makeRelayMetrics = (registry: Registry) => ({
  frames: registry.counter("tacit_relay_frames_total", "Frames handled, by type.", "type"),
  refusals: registry.counter("tacit_relay_refusals_total", "Refusals sent, by code.", "code"),
  accepted: registry.counter("tacit_relay_envelopes_accepted_total", "Envelopes stored."),
  repeated: registry.counter(
    "tacit_relay_envelopes_repeated_total",
    "Submissions of an envelope that was stored already."
  ),
  delivered: registry.counter("tacit_relay_envelopes_delivered_total", "Envelopes pushed, repetitions included."),
  acknowledged: registry.counter("tacit_relay_envelopes_acknowledged_total", "Envelopes acknowledged."),
  expired: registry.counter(
    "tacit_relay_envelopes_expired_total",
    "Envelopes deleted because nobody fetched them in time."
  ),
  acceptedBytes: registry.counter("tacit_relay_envelope_bytes_total", "Bytes of envelopes stored."),
  connections: registry.counter("tacit_relay_connections_total", "WebSocket connections opened."),
  closed: registry.counter("tacit_relay_closed_total", "Connections the relay closed, by reason.", "reason"),
  removed: registry.counter(
    "tacit_relay_removed_total",
    "Accounts and single devices the administrator removed, as far as this process noticed.",
    "type"
  ),
  commitSeconds: registry.histogram(
    "tacit_relay_commit_seconds",
    "Time of one group commit, fsync included.",
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]
  ),
  commitItems: registry.histogram(
    "tacit_relay_commit_items",
    "Work items in one group commit.",
    [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
  )
})
