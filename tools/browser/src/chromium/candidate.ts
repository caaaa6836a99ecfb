/** A browser to try. */
export interface Candidate {
  /** Its executable. */
  readonly path: string;
  /** Where it comes from, for messages. */
  readonly origin: string;
  /** What it needs in its environment. */
  readonly env?: Readonly<Record<string, string>>;
}
