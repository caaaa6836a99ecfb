/** Where the pages of a range were, over time: `samples[t][p]` is what `Mirror.residency` said of page `p` at time `t`. */
export interface ResidencyHistory {
  readonly name: string;
  readonly start: number;
  readonly bytes: number;
  readonly samples: readonly Uint8Array[];
}

/** What can say where pages are; a `Mirror` can. */
export interface ResidencySource {
  residency(start: number, bytes: number): Uint8Array;
}

/** Notes the residency of some ranges whenever it is told to. */
export class ResidencyRecorder {
  readonly histories: readonly (ResidencyHistory & { readonly samples: Uint8Array[] })[];
  private readonly source: ResidencySource;

  constructor(source: ResidencySource, ranges: readonly { name: string; start: number; bytes: number }[]) {
    this.source = source;
    this.histories = ranges.map((range) => ({ ...range, samples: [] }));
  }

  sample(): void {
    for (const { start, bytes, samples } of this.histories) samples.push(this.source.residency(start, bytes).slice());
  }
}
