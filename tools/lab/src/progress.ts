import { Presets, SingleBar } from 'cli-progress';

/** Says how far something has come. */
export interface Progress {
  update(done: number): void;
  stop(): void;
}

/** A bar on stderr, where that is a terminal; nothing elsewhere. */
export function progressBar(total: number, name: string): Progress {
  const bar = new SingleBar(
    {
      format: `${name} {bar} {percentage}% {eta_formatted}`,
      stream: process.stderr,
      clearOnComplete: true,
      etaBuffer: 50,
    },
    Presets.shades_grey,
  );
  bar.start(total, 0);
  return bar;
}
