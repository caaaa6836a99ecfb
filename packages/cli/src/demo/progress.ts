import { SingleBar } from 'cli-progress';

/** Where a command writes. */
export interface Io {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/** Tells the user how far a run is. */
export interface Progress {
  /** A new step begins, of `total` equal parts. */
  step(name: string, total: number): void;
  /** `done` parts of the step are behind us. */
  advance(done: number): void;
  /** Nothing more will come. */
  stop(): void;
}

/** A bar on a terminal, a line a step elsewhere. */
export function showProgress(stream: Io['stderr']): Progress {
  return stream.isTTY === true ? new BarProgress(stream) : new LineProgress(stream);
}

class BarProgress implements Progress {
  private readonly bar: SingleBar;

  constructor(stream: Io['stderr']) {
    const format = '  {bar} {percentage} %  {step}';
    const look = { barCompleteChar: '█', barIncompleteChar: '░', barsize: 32 };
    this.bar = new SingleBar({ stream, format, ...look, hideCursor: true, clearOnComplete: true, gracefulExit: true });
  }

  step(name: string, total: number): void {
    this.bar.start(total, 0, { step: name });
    this.bar.updateETA();
  }

  advance(done: number): void {
    this.bar.update(done);
  }

  stop(): void {
    this.bar.stop();
  }
}

class LineProgress implements Progress {
  private readonly stream: NodeJS.WritableStream;

  constructor(stream: NodeJS.WritableStream) {
    this.stream = stream;
  }

  step(name: string): void {
    this.stream.write(`${name}\n`);
  }

  advance(): void {}

  stop(): void {}
}
