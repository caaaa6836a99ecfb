import { configFrom } from './config.js';
import { checkGrowth, type Holdings, holdings, mib } from './growth.js';
import { Launcher } from './launch.js';
import { Random } from './random.js';
import { compareAll, takeStep, waitForAll } from './steps.js';
import { type BackendName, World } from './world.js';

/** What a run is to do. */
export interface SoakOptions {
  readonly backend: BackendName;
  readonly seed: number;
  /** Milliseconds to go on for. */
  readonly ms: number;
  /** Steps to stop after. Default: none. */
  readonly steps?: number;
  readonly say: (line: string) => void;
  /** Names every step. */
  readonly verbose: boolean;
}

/** What a run did. */
export interface SoakResult {
  readonly steps: number;
  readonly launches: number;
  readonly losses: number;
  /** Rounds of fault service. */
  readonly rounds: number;
  /** Bytes that went to the device. */
  readonly bytesIn: number;
  readonly before: Holdings;
  readonly after: Holdings;
}

/** Steps between two comparisons of everything. */
const EPOCH = 60;
/** Milliseconds without any progress after which a run is stuck. */
const STUCK_MS = 60_000;
/** Share of the time after which memory may not grow any more. */
const WARM_UP = 0.3;
const LAST = 12;

/** Runs random programs and everything else until the time is up. @throws Error with what differed, grew or got stuck */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { backend, seed, ms, say, verbose } = options;
  const random = new Random(seed);
  const config = configFrom(random);
  say(`soak --backend ${backend} --seed ${seed}: ${JSON.stringify(config)}`);
  const world = await World.open(backend, config);
  const launcher = new Launcher(random, world);
  const last: string[] = [];
  const begun = performance.now();
  const elapsed = () => performance.now() - begun;
  let steps = 0;
  let rounds = 0;
  let before: Holdings | undefined;
  let told = 0;
  try {
    const bound = options.steps ?? Infinity;
    while (elapsed() < ms && steps < bound) {
      const what = await moving(world, () => takeStep(world, random, launcher));
      last.push(what);
      if (last.length > LAST) last.shift();
      if (verbose) say(`${(elapsed() / 1000).toFixed(2)} s, ${steps}: ${what}`);
      steps++;
      if (steps % EPOCH !== 0) continue;
      await moving(world, () => waitForAll(world));
      rounds = world.mirror.stats.batches;
      await compareAll(world);
      if (before === undefined && elapsed() > WARM_UP * ms) before = await holdings(world);
      if (elapsed() < told + 5000) continue;
      told = elapsed();
      const { launches, losses } = world.before;
      const held = await holdings(world);
      say(
        `${(told / 1000).toFixed(0)} s: ${steps} steps, ${launches} launches, ${losses} losses, rss ${mib(held.rss)}, buffers ${mib(held.buffers)}, heap ${mib(held.heap)}, device ${mib(held.device)}, metadata ${mib(held.metadata)}`,
      );
    }
    await moving(world, () => waitForAll(world));
    await compareAll(world);
    const after = await holdings(world);
    before ??= after;
    checkGrowth(before, after);
    const { launches, losses, bytesIn } = world.before;
    await world.close();
    return { steps, launches, losses, rounds, bytesIn: bytesIn + world.mirror.stats.bytesIn, before, after };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`seed ${seed}, step ${steps}: ${why}\nbefore that:\n  ${last.join('\n  ')}`, { cause });
  }
}

/** Waits for a step as long as anything moves. */
async function moving<T>(world: World, act: () => Promise<T>): Promise<T> {
  const sample = () => {
    const { retired } = world.device.faults;
    const { pagesIn, pagesOut } = world.mirror.stats;
    return `${retired} ${pagesIn} ${pagesOut}`;
  };
  let seen = sample();
  let since = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const stuck = new Promise<never>((_resolve, reject) => {
    timer = setInterval(() => {
      if (sample() !== seen) since = performance.now();
      seen = sample();
      if (performance.now() - since > STUCK_MS)
        reject(new Error(`nothing moved for ${STUCK_MS} ms; ${world.device.faults.stalled} work units are stalled`));
    }, 1000);
  });
  try {
    return await Promise.race([act(), stuck]);
  } finally {
    clearInterval(timer);
  }
}
