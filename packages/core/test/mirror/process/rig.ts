import { afterEach, expect } from 'vitest';
import {
  type AddressSpace,
  type AttachOptions,
  createSpace,
  type DeviceFeature,
  type Mirror,
  RESIDENT_DEVICE,
  validate,
} from '../../../src/index.js';
import { FakeDevice, FakeProcess, PAGE } from './fake.js';

/** Spaces of a test: closed after it. */
export const spaces: AddressSpace[] = [];
afterEach(async () => {
  for (const space of spaces.splice(0)) await space.close();
});

/** A space over a simulated process, with a mirror on a device that follows it, and a region of 16 pages. */
export async function world(
  frames = 8,
  options: AttachOptions = { prefetch: 'none' },
  features: DeviceFeature[] = ['snapshots'],
) {
  const process = new FakeProcess();
  const device = new FakeDevice(process, frames, 'fake:0', 'mirroring', features);
  const space = await createSpace({ host: process.memory() });
  spaces.push(space);
  const mirror = await space.attach(validate(device), options);
  const region = space.map({ bytes: 16 * PAGE });
  const { address, bytes } = region;
  const there = (of: Mirror = mirror) =>
    Array.from(of.residency(address, bytes).entries())
      .filter(([, bits]) => (bits & RESIDENT_DEVICE) !== 0)
      .map(([page]) => page);
  const at = (page: number) => address + page * PAGE;
  return { process, device, space, mirror, region, there, at };
}

/** Lets microtasks run, so that something ends between any two steps of something else. */
export async function turnsOf(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve();
}

/** Lets all that is under way come to a halt. */
export const immediate = () => new Promise((resolve) => setImmediate(resolve));

/** An error with a code. */
export const error = (code: string) => expect.objectContaining({ code }) as Error;
