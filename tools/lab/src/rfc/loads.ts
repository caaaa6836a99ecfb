import type { AddressSpace, Device, Fence, HostFrames, Mirror } from '@mirrorspace/core';
import { idle, PAGE, userQueues } from './device.js';

/** What the device is busy with when an update comes. */
export const LOADS = {
  nothing: 'nothing else',
  launches: '100 launches in the first user queue',
  'other launches': '100 launches in the second user queue',
  copies: '100 copies in the first paging queue',
  'other copies': '100 copies in the second paging queue',
  both: '100 launches in the first user queue, 100 copies in the first paging queue',
  'own updates': 'the mirror’s own copies of 25,600 pages',
} as const;

export type Load = keyof typeof LOADS;

/** Launches, or copies, of a load. */
const COUNT = 100;
/** Pages that one copy moves: a MiB, which takes 105 µs. */
const PAGES = 256;

/** A device that is loaded, and the mirror and space through which that is done. */
export interface Loaded {
  readonly mirror: Mirror;
  readonly space: AddressSpace;
  readonly device: Device;
}

/** Puts a load on a device; resolves when it is there, to a function that waits for its end and gives the simulated time of it. */
export async function load({ device, space, mirror }: Loaded, which: Load): Promise<() => Promise<number>> {
  const [first, second] = userQueues(device);
  const paging = device.queues.filter((queue) => queue.paging);
  const launches = (queue: number): Fence =>
    Array.from({ length: COUNT }, () => mirror.launch(idle, { queue })).at(-1)!;
  const copies = (at: number): Fence => {
    const command = copyOfFrames();
    return Array.from({ length: COUNT }, () => paging[at]!.submit([command])).at(-1)!;
  };
  const ends: Promise<unknown>[] = [];
  if (which === 'launches' || which === 'both') ends.push(launches(first).wait());
  if (which === 'other launches') ends.push(launches(second).wait());
  if (which === 'copies' || which === 'both') ends.push(copies(0).wait());
  if (which === 'other copies') ends.push(copies(1).wait());
  if (which === 'own updates') {
    const region = space.map({ bytes: COUNT * PAGES * PAGE });
    await space.write(region.address, new Uint8Array(region.bytes).fill(1));
    ends.push(mirror.prefetch(region.address, region.bytes));
    while (device.queues.every(({ depth }) => depth === 0)) await Promise.resolve();
  }
  const ended = Promise.all(ends).then(() => device.now());
  return () => ended;
}

/** Copies frames of the device out, as somebody might who has business of his own there; nobody looks at the bytes. */
function copyOfFrames() {
  const bytes = new Uint8Array(PAGES * PAGE);
  const host: HostFrames = { pageSize: PAGE, bufferOf: () => bytes, offsetOf: (frame) => frame * PAGE };
  const frames = Uint32Array.from({ length: PAGES }, (_, i) => i);
  return { kind: 'copyOut', pageSize: PAGE, count: PAGES, host, hostFrames: frames, frames } as const;
}
