import fc from 'fast-check';
import {
  evictionPolicies,
  type EvictionName,
  type FlushName,
  flushPolicies,
  type PlacementName,
  placementPolicies,
  type PolicySetName,
  policySets,
  type PrefetchName,
  prefetchPolicies,
} from '../../src/policy/index.js';
import { abandon, checkContents, checkContract, finish, inTime } from './finish.js';
import { noteShown } from './loss-operations.js';
import { checkRegions } from './map-operations.js';
import { anyOperation, type Operation, perform, showOperation } from './operation.js';
import { type Scene, wholeScene } from './scene.js';
import { World, type WorldConfig } from './world.js';

/** One operation as a command of fast-check. The model is in the scene, beside what is real: any operation is possible any time. */
class Step implements fc.AsyncCommand<object, Scene> {
  private readonly op: Operation;

  constructor(op: Operation) {
    this.op = op;
  }

  check(): boolean {
    return true;
  }

  run(_model: object, scene: Scene): Promise<void> {
    return step(scene, this.op);
  }

  toString(): string {
    return showOperation(this.op);
  }
}

/** Commands of one run. */
export function steps(maxCommands: number): fc.Arbitrary<Iterable<fc.AsyncCommand<object, Scene>>> {
  return fc.commands([anyOperation.map((op) => new Step(op))], { maxCommands, size: 'max' });
}

/** Runs operations one after the other, each compared with the model, and then compares all that is left. */
export async function runSequential(
  config: WorldConfig,
  commands: Iterable<fc.AsyncCommand<object, Scene>>,
): Promise<void> {
  const world = await World.open(config);
  try {
    await inTime(world, async () => {
      await fc.asyncModelRun(() => ({ model: {}, real: wholeScene(world) }), commands);
      for (const member of world.members) await checkContents(world, member);
      await finish(world);
    });
  } finally {
    await abandon(world);
  }
}

/** As {@link runSequential}, for operations that are written down. */
export async function replay(config: Partial<WorldConfig>, operations: readonly Operation[]): Promise<void> {
  await runSequential(
    { ...PLAIN_CONFIG, ...config },
    operations.map((op) => new Step(op)),
  );
}

async function step(scene: Scene, op: Operation): Promise<void> {
  noteShown(scene);
  await perform(scene, op);
  noteShown(scene);
  scene.world.settleFiles();
  for (const member of scene.members) checkRegions(member);
  checkContract(scene.world);
}

/** The simplest world. */
const PLAIN_CONFIG: WorldConfig = {
  pageSize: 4096,
  frames: [4],
  faultBuffer: 4,
  batch: 256,
  residentUnits: 256,
  tlbEntries: 16,
  pagesPerCommand: 1024,
  commandsPerSubmit: 1024,
  eviction: 'lru',
  aging: 0,
  prefetch: 'none',
  sampling: 0,
  placement: 'on-touch',
  flush: 'flush-point',
  thrashing: 'none',
  policies: undefined,
  updateQueue: 'paging',
  preemption: 'never',
  pagingQueues: 1,
  latencySeed: undefined,
  dirtyBits: true,
  deep: false,
  slowFiles: false,
  budget: undefined,
  swapPages: 1024,
  lists: 'device',
};

/** Worlds of all kinds, of one page size, with or without time. */
export function worlds(pageSize: WorldConfig['pageSize'], timed: boolean, deep: boolean): fc.Arbitrary<WorldConfig> {
  return fc.record({
    pageSize: fc.constant(pageSize),
    frames: fc.array(fc.integer({ min: 4, max: 16 }), { minLength: 1, maxLength: 2 }),
    faultBuffer: fc.constantFrom(1, 2, 3, 8),
    batch: fc.constantFrom(1, 2, 256),
    residentUnits: fc.constantFrom(1, 2, 8, 256),
    tlbEntries: fc.constantFrom(1, 2, 16),
    pagesPerCommand: fc.constantFrom(2, 1024),
    commandsPerSubmit: fc.constantFrom(2, 1024),
    eviction: fc.constantFrom(...(Object.keys(evictionPolicies) as EvictionName[])),
    aging: fc.constantFrom(0, 0, 0.25, 1),
    prefetch: fc.constantFrom(...(Object.keys(prefetchPolicies) as PrefetchName[])),
    sampling: fc.constantFrom(0, 0, 0.5, 2),
    placement: fc.constantFrom(...(Object.keys(placementPolicies) as PlacementName[])),
    flush: fc.constantFrom(...(Object.keys(flushPolicies) as FlushName[])),
    thrashing: fc.constantFrom('none', 'uvm'),
    policies: fc.constantFrom(undefined, undefined, ...(Object.keys(policySets) as PolicySetName[])),
    updateQueue: fc.constantFrom('paging', 'user', 'least-loaded', 'highest-priority'),
    preemption: fc.constantFrom('never', 'always', 'weigh'),
    pagingQueues: fc.constantFrom(1, 2),
    latencySeed: timed ? fc.nat({ max: 2 ** 31 - 1 }) : fc.constant(undefined),
    dirtyBits: fc.constantFrom(true, true, false),
    deep: fc.constant(deep),
    slowFiles: fc.boolean(),
    budget: fc.constantFrom(undefined, 2, 6, 12),
    swapPages: fc.constantFrom(2, 1024, 1024),
    lists: fc.constantFrom('device', 'global'),
  });
}
