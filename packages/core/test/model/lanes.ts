import fc from 'fast-check';
import { abandon, checkContents, finish, inTime } from './finish.js';
import { laneOperation, type Operation, perform, showOperation } from './operation.js';
import { PlainSpace } from './plain.js';
import { Race, raceOperation, type RaceOperation } from './race.js';
import type { Scene } from './scene.js';
import { ARENA, World, type WorldConfig } from './world.js';

/** What one lane does, in this order; lanes run at the same time. */
export type Lane = readonly (Operation | RaceOperation)[];

/** Pages of a lane's own. */
const LANE_PAGES = 8;

/** Up to four lanes of a few operations each. */
export const anyLanes: fc.Arbitrary<Lane[]> = fc.array(
  fc.array(fc.oneof({ weight: 3, arbitrary: laneOperation }, { weight: 1, arbitrary: raceOperation }), {
    maxLength: 12,
    size: 'max',
  }),
  { minLength: 2, maxLength: 4, size: 'max' },
);

/**
 * Runs lanes side by side on one space and its devices, in the order that the scheduler says: it is asked before each
 * operation and before whatever happens on a device. Lanes have pages of their own, so each is exact; what they share is
 * a counter and the words of a race.
 */
export async function runLanes(config: WorldConfig, scheduler: fc.Scheduler, lanes: readonly Lane[]): Promise<void> {
  const world = await World.open(config, () => scheduler.schedule(Promise.resolve(), 'device'));
  try {
    await inTime(world, () => scheduler.waitFor(run(world, scheduler, lanes)));
  } finally {
    await abandon(world);
  }
}

async function run(world: World, scheduler: fc.Scheduler, lanes: readonly Lane[]): Promise<void> {
  const [whole] = world.members;
  for (let device = 1; device < world.devices.length; device++) await world.attach(whole!, device);
  const race = await Race.create(whole!, ARENA - 4 * world.config.pageSize);
  const scenes = lanes.map((_lane, number) => sceneOf(world, number));
  await Promise.all(lanes.map((lane, number) => runLane(scheduler, scenes[number]!, race, lane, number)));
  const { plain } = whole!;
  for (const { members } of scenes) plain.regions.push(...members[0]!.plain.regions);
  plain.regions.sort((a, b) => a.start - b.start);
  await race.check(whole!);
  await checkContents(world, whole!);
  await finish(world);
}

function sceneOf(world: World, number: number): Scene {
  const { space, mirrors } = world.members[0]!;
  const { pageSize } = world.config;
  return {
    world,
    members: [{ space, mirrors, plain: new PlainSpace(pageSize) }],
    start: ARENA + number * LANE_PAGES * pageSize,
    pages: LANE_PAGES,
    files: [world.addFile(2 * pageSize, true), world.addFile(3 * pageSize, true)],
    alone: false,
  };
}

async function runLane(scheduler: fc.Scheduler, scene: Scene, race: Race, lane: Lane, number: number): Promise<void> {
  for (const op of lane) {
    await scheduler.schedule(Promise.resolve(), `lane ${number}`);
    try {
      if (op.kind === 'race') await race.perform(scene, op);
      else await perform(scene, op);
    } catch (error) {
      throw new Error(`lane ${number}: ${op.kind === 'race' ? JSON.stringify(op) : showOperation(op)}`, {
        cause: error,
      });
    }
  }
}
