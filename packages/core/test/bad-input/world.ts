import {
  type AddressSpace,
  createSpace,
  type Held,
  type HostMemory,
  managedMemory,
  type Mirror,
  type Region,
  type ValidatedDevice,
} from '@mirrorspace/core';
import { openDevice, PAGE, pattern, TestSource } from '../space/helpers.js';

/** Objects in every state that a call may meet. */
export interface World {
  readonly host: HostMemory;
  readonly space: AddressSpace;
  readonly device: ValidatedDevice;
  readonly mirror: Mirror;
  /** Four pages: untouched, on the host, on both, owned by the device. */
  readonly region: Region;
  /** Two pages of a file right behind `region`, shared, with a dirty page. */
  readonly file: Region;
  readonly source: TestSource;
  readonly held: Held;
  readonly closedSpace: AddressSpace;
  readonly closedRegion: Region;
  readonly released: Held;
  readonly detached: Mirror;
  /** A mirror with two frames. */
  readonly small: Mirror;
  /** A mirror of another space on the same device. */
  readonly foreign: Mirror;
  readonly closedDevice: ValidatedDevice;
  /** An open device that nothing is attached to. */
  readonly spare: ValidatedDevice;
  /** What calls must leave as it is, but for contents. */
  snapshot(): Promise<unknown>;
  /** Contents of both regions; reading them moves pages. */
  contents(): Promise<unknown>;
  close(): Promise<void>;
}

export const BASE = 0x4000_0000;

export async function createWorld(): Promise<World> {
  const host = managedMemory();
  const space = await createSpace({ host });
  const device = await openDevice(64);
  const mirror = await space.attach(device, { prefetch: 'none' });
  const region = space.map({ bytes: 4 * PAGE, address: BASE, fixed: true, name: 'region' });
  const source = new TestSource(pattern(2 * PAGE, 4));
  const file = space.map({
    bytes: 2 * PAGE,
    address: BASE + 4 * PAGE,
    fixed: true,
    source,
    share: 'shared',
    name: 'file',
  });
  await space.write(BASE + PAGE, pattern(2 * PAGE));
  await mirror.read(BASE + 2 * PAGE, PAGE);
  await mirror.fill(BASE + 3 * PAGE, PAGE, 9);
  await space.write(file.address, pattern(8, 5));

  const closedSpace = await createSpace();
  const closedRegion = space.map({ bytes: PAGE });
  const kept = space.map({ bytes: PAGE, name: 'kept' });
  const held = await kept.acquire('read');
  const released = await kept.acquire('read');
  released.release();
  await closedRegion.unmap();
  const other = await createSpace({ host });
  const foreign = await other.attach(device);
  const tiny = await openDevice(2);
  const small = await space.attach(tiny);
  const gone = await openDevice(4);
  const detached = await space.attach(gone);
  await detached.detach();
  await closedSpace.close();
  await gone.close();
  const spare = await openDevice(4);

  const regions = () =>
    space.regions().map(({ start, end, access, shared, name, advice, closed }) => ({
      start,
      end,
      access,
      shared,
      name,
      advice,
      closed,
      residency: [...mirror.residency(start, end - start)],
    }));
  return {
    host,
    space,
    device,
    mirror,
    region,
    file,
    source,
    held,
    closedSpace,
    closedRegion,
    released,
    detached,
    small,
    foreign,
    closedDevice: gone,
    spare,
    async snapshot() {
      await Promise.resolve();
      return {
        regions: regions(),
        metadata: space.metadataBytes,
        frames: host.used,
        notifiers: space.notifiers.size,
        sequence: space.notifiers.sequence,
        stats: { ...mirror.stats },
        depths: device.queues.map((queue) => queue.depth),
        files: [source.reads.length, source.writes.length],
        held: held.released,
        listening: space.trace.active,
        violations: device.violations.length,
      };
    },
    contents: async () => [
      await space.read(BASE, 4 * PAGE),
      await space.read(file.address, 2 * PAGE),
      source.bytes.slice(),
    ],
    async close() {
      held.release();
      await space.close();
      await other.close();
      await device.close();
      await tiny.close();
      await spare.close();
    },
  };
}
