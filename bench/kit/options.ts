export interface BenchOptions {
  /** Rounds per variant; the median counts. */
  readonly rounds: number;
  /** Length of one measurement of sending. */
  readonly seconds: number;
  /** A part of a setting's name: only these are measured. */
  readonly only?: string;
  /** Only this variant of sending is measured: for profiles. */
  readonly variant?: string;
  /** Smaller amounts: shows that everything works, and roughly where it stands. */
  readonly quick: boolean;
  /** Flags of Node for the product's worker, for example `--cpu-prof`. */
  readonly flags: readonly string[];
  /** Receives progress. */
  readonly say: (line: string) => void;
}
