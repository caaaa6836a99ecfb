import { type CommandQueue, createSpace, type Device, type Fence, type ValidatedDevice } from '@mirrorspace/core';
import { TYPICAL_LATENCY } from '@mirrorspace/memory';
import { describe, expect, it } from 'vitest';
import { createRig, openDevice, PAGE, type RigOptions } from '../space/helpers.js';

const OLD = 3;
const NEW = 9;

/** Lets as many promises in a row settle. */
async function microtasks(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve();
}

/** Lets a device where time passes get as many steps further. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

interface Moment {
  /** Whether the device has written the page before the first harvest. */
  readonly written: boolean;
  /** What is let happen between the first harvest and the store, and between the store and the second harvest. */
  readonly gaps: readonly [number, number];
  readonly wait: (count: number) => Promise<void>;
  /** Begun with the store: takes the right to write and gives it back. */
  readonly protect: boolean;
  /** Whether the page leaves as soon as the first harvest is in, or by eviction when all is quiet. */
  readonly leaves: 'first' | 'evicted';
}

/** A store between two harvests. What the CPU finds afterwards, or undefined where the store was refused. */
async function storeBetweenHarvests(options: RigOptions, moment: Moment): Promise<number | undefined> {
  await using rig = await createRig({ frames: 4, ...options });
  const { space, mirror } = rig;
  const { address } = space.map({ bytes: 8 * PAGE });
  await mirror.prefetch(address, PAGE, { access: 'write' });
  if (moment.written) await mirror.write(address, Uint8Array.of(OLD));
  const first = mirror.harvest(address, PAGE);
  // No wait at all is a moment of its own: what is begun in one turn.
  if (moment.gaps[0] > 0) await moment.wait(moment.gaps[0]);
  const stored = mirror.write(address, Uint8Array.of(NEW)).then(
    () => true,
    () => false,
  );
  const protecting = moment.protect
    ? space.protect(address, PAGE, 'read').then(() => space.protect(address, PAGE, 'read-write'))
    : undefined;
  if (moment.gaps[1] > 0) await moment.wait(moment.gaps[1]);
  const second = mirror.harvest(address, PAGE);
  await first;
  const found = moment.leaves === 'first' && (await stored) ? (await space.read(address, 1))[0] : undefined;
  const took = await stored;
  await Promise.all([second, protecting]);
  if (!took) return undefined;
  if (found !== undefined) return found;
  for (let page = 1; page < 8; page++) await mirror.write(address + page * PAGE, Uint8Array.of(1));
  return (await space.read(address, 1))[0];
}

const GAPS = [0, 1, 2, 3, 4, 6, 8, 11];

describe.each([
  ['nothing takes time', {}, microtasks],
  ['everything takes time', { device: { latency: TYPICAL_LATENCY } }, microtasks],
  ['everything takes time, step by step', { device: { latency: TYPICAL_LATENCY } }, turns],
] as const)('a store between two harvests is not lost, where %s', (_name, options, wait) => {
  it.each([
    ['and the page is evicted', false, 'evicted'],
    ['and the page comes home in between', false, 'first'],
    ['and the right to write is taken, and the page evicted', true, 'evicted'],
    ['and the right to write is taken, and the page comes home in between', true, 'first'],
  ] as const)('%s', async (_what, protect, leaves) => {
    const lost: string[] = [];
    for (const written of [false, true]) {
      for (const before of GAPS) {
        for (const after of GAPS) {
          const moment: Moment = { written, gaps: [before, after], wait, protect, leaves };
          const found = await storeBetweenHarvests(options, moment);
          if (found !== undefined && found !== NEW) lost.push(`${String(written)} ${before} ${after}: ${found}`);
        }
      }
    }
    expect(lost).toEqual([]);
  });
});

/** A device that runs its second harvest only when the store has been made: as one whose queues do not take turns might. */
function storesFirst(device: ValidatedDevice): Device {
  const stores: Fence[] = [];
  let harvests = 0;
  const queues = device.queues.map((queue) => {
    const submit: CommandQueue['submit'] = (commands, options) => {
      const kinds = commands.map(({ kind }) => kind);
      const second = kinds.includes('harvest') && ++harvests === 2;
      const fence = queue.submit(commands, second ? { after: [...(options?.after ?? []), ...stores] } : options);
      if (kinds.includes('write')) stores.push(fence);
      return fence;
    };
    return new Proxy(queue, {
      get: (target, name) => (name === 'submit' ? submit : (Reflect.get(target, name, target) as unknown)),
    });
  });
  return new Proxy(device, {
    get: (target, name) => (name === 'queues' ? queues : (Reflect.get(target, name, target) as unknown)),
  });
}

it('a store is not lost where its page comes home behind a second harvest, and before that is in', async () => {
  const device = await openDevice(4, {
    latency: TYPICAL_LATENCY,
    faults: [{ do: 'delay', at: { kind: 'harvest', nth: 2 }, us: 50 }],
  });
  await using space = await createSpace();
  const mirror = await space.attach(storesFirst(device), { eviction: 'lru', prefetch: 'none' });
  const { address } = space.map({ bytes: PAGE });
  await space.write(address, Uint8Array.of(OLD));
  await mirror.prefetch(address, PAGE, { access: 'write' });
  const first = mirror.harvest(address, PAGE);
  await microtasks(4);
  const stored = mirror.write(address, Uint8Array.of(NEW));
  const second = mirror.harvest(address, PAGE);
  await Promise.all([first, stored]);
  expect((await space.read(address, 1))[0]).toBe(NEW);
  expect((await second).dirty).toBe(1);
  await space.close();
  await device.close();
  expect(device.violations).toEqual([]);
});
