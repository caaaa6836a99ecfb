import type { Case } from '../case.js';
import { REPORT_VERSION, type Report, type Result } from '../report/index.js';
import { TIME_LIMIT_MS } from '../run.js';
import type { RunnerMessage } from './messages.js';
import { casesAt } from './runner.js';

/** What runs cases: another process, a page, a worker. */
export interface Runner {
  /** Ends it at once, whatever it is doing. Called once, when it has ended by itself, too. */
  kill(): void | Promise<void>;
}

/** How cases are guarded. */
export interface GuardOptions {
  /** Addresses of the cases to run, in this order. */
  readonly addresses: readonly string[];
  /** Starts a runner, which calls {@link runForGuard} with these addresses, and passes on what it sends. */
  readonly start: (addresses: readonly string[], heard: (message: RunnerMessage) => void) => Runner | Promise<Runner>;
  /** Milliseconds without a message after which a runner is killed, > 0. Default 60,000: longer than a case takes that can be interrupted. */
  readonly silenceMs?: number;
  /** Runners that may be lost before the rest of the cases is given up, ≥ 1. Default 8. */
  readonly mostLost?: number;
  /** The cases that addresses mean. Default: all of the suite. */
  readonly cases?: readonly Case[];
  /** Called after every case. */
  readonly onResult?: (result: Result, done: number, total: number) => void;
}

/** Milliseconds that a runner may take to start. */
const START_MS = 60_000;

/** How a runner ended, and in which case. */
interface Ending {
  /** Why it was lost; `undefined` when it ran all its cases. */
  readonly lost: string | undefined;
}

/**
 * Runs cases in runners that may hang or die: one that does costs the case it was in, which fails, and the others go on in a new
 * runner. Rejects when a runner is lost, or refuses, before its first case.
 * @throws RangeError for an unknown address
 */
export async function guardCases(options: GuardOptions): Promise<Report> {
  const run = new GuardedRun(options);
  const { mostLost = 8 } = options;
  for (let lost = 0; run.left.length > 0; lost++) {
    if (lost === mostLost) {
      run.giveUp(`not run: ${lost} runners were lost before`);
      break;
    }
    await run.attempt();
  }
  return run.report();
}

class GuardedRun {
  readonly #options: GuardOptions;
  readonly #cases: ReadonlyMap<string, Case>;
  readonly #results = new Map<string, Result>();
  #head = { backend: '', device: '' };

  constructor(options: GuardOptions) {
    this.#options = options;
    const cases = casesAt(options.addresses, options.cases);
    this.#cases = new Map(cases.map((tested) => [tested.address, tested]));
  }

  /** Cases without a result. */
  get left(): string[] {
    return [...this.#cases.keys()].filter((address) => !this.#results.has(address));
  }

  report(): Report {
    return { version: REPORT_VERSION, ...this.#head, results: [...this.#results.values()] };
  }

  giveUp(why: string): void {
    for (const address of this.left) this.#fail(address, why);
  }

  /** Runs what is left in one runner, until it has run all of it or is lost. */
  async attempt(): Promise<void> {
    const { left } = this;
    let last: string | undefined;
    const { lost } = await this.#listen(left, (message) => {
      switch (message.kind) {
        case 'open':
          this.#head = { backend: message.backend, device: message.device };
          break;
        case 'begin':
          last = message.address;
          break;
        case 'result':
          this.#keep(message.result);
          break;
        case 'stray':
          if (last !== undefined) this.#fail(last, `error that nobody awaited: ${message.message}`);
          break;
        default: // They end the runner.
      }
    });
    if (lost === undefined && this.left.length > 0) throw new Error(`the runner left out ${this.left[0]}`);
    if (lost === undefined) return;
    if (last === undefined) throw new Error(`the runner did not come to its first case: ${lost}`);
    this.#fail(last, lost);
  }

  #listen(addresses: readonly string[], take: (message: RunnerMessage) => void): Promise<Ending> {
    const { silenceMs = 3 * TIME_LIMIT_MS, start } = this.#options;
    return new Promise<Ending>((resolve, reject) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      let over = false;
      const wait = (ms = silenceMs): void => {
        if (over) return;
        clearTimeout(timer);
        timer = setTimeout(() => end(() => resolve({ lost: `killed, after ${ms} ms without a sign of life` })), ms);
      };
      const heard = (message: RunnerMessage): void => {
        if (over) return;
        wait();
        take(message);
        if (message.kind === 'end') end(() => resolve({ lost: undefined }));
        if (message.kind === 'gone') end(() => resolve({ lost: `it ended the runner: ${message.reason}` }));
        if (message.kind === 'refused') end(() => reject(new Error(message.message)));
      };
      let runner: Runner | undefined;
      const end = (settle: () => void): void => {
        if (over) return;
        over = true;
        clearTimeout(timer);
        // One that starts too late is killed then.
        Promise.resolve(runner?.kill()).then(settle, reject);
      };
      wait(Math.max(silenceMs, START_MS));
      Promise.resolve()
        .then(() => start(addresses, heard))
        .then(
          (started) => {
            runner = started;
            wait();
            if (over) void runner.kill();
          },
          (error: Error) => end(() => reject(error)),
        );
    });
  }

  #keep(result: Result): void {
    const { address } = result;
    // A failure that became known while it ran stays.
    if (this.#results.has(address)) return;
    this.#results.set(address, result);
    this.#tell(result);
  }

  #fail(address: string, why: string): void {
    const tested = this.#cases.get(address);
    if (tested === undefined) return;
    const known = this.#results.get(address);
    const message = known?.status === 'fail' && known.message !== undefined ? `${known.message}\n  ${why}` : why;
    const { area, tags } = tested;
    this.#results.set(address, { address, area, tags, status: 'fail', timeMs: known?.timeMs ?? 0, message });
    if (known === undefined) this.#tell(this.#results.get(address)!);
  }

  #tell(result: Result): void {
    this.#options.onResult?.(result, this.#results.size, this.#cases.size);
  }
}
