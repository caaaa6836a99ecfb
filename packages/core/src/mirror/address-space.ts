import { type Device, type DeviceMmu, MirrorError } from '../driver/index.js';
import { createSpaceState, forkInto, Space, type SpaceOptions, type SpaceState } from '../space/index.js';
import { DevicePool } from './device-pool.js';
import { ManagedMirror } from './managed-mirror.js';
import { Mirror } from './mirror.js';
import { attachToProcess } from './process/attach.js';
import { MirrorState } from './mirror-state.js';
import { type AttachOptions, checkAttachOptions, type CheckedOptions, LEARNING, UNTOLD } from './options.js';
import { checkLostOption, replaceMirror, type Replacement, type ReplaceOptions } from './replace.js';

/** A space of addresses that the CPU and any number of devices use alike. */
export class AddressSpace extends Space {
  /**
   * Mirrors the space on a device: from now on the device can use its addresses.
   * @throws TypeError, RangeError; MirrorError `UNSUPPORTED` (page size, address bits, a mirroring MMU without native host memory, a managed one of a device without `read-only-maps`), `INVALID_ARGUMENT`, `DEVICE_LOST`, `CLOSED`
   */
  async attach(device: Device, options: AttachOptions = {}): Promise<Mirror> {
    const { state } = this;
    state.checkOpen();
    if (typeof device !== 'object' || device === null || !Array.isArray(device.queues))
      throw new TypeError('attach takes an open device');
    const isProcess = state.store.host.live?.mirrored === true;
    const hears = !isProcess && device.features.has('accessed-bits');
    const checked = checkAttachOptions(options, hears ? LEARNING : UNTOLD);
    checkDevice(state, device);
    if (isProcess) return attachToProcess(state, device, options, checked);
    const pool = poolOf(state, device, options, checked);
    pool.attaching++;
    try {
      return await this.attachTo(pool, device, options, checked);
    } finally {
      pool.attaching--;
    }
  }

  /**
   * Moves a mirror to another device: the space is mirrored there from now on, by the options that the mirror was attached with unless
   * `options` say otherwise, and advice that names the mirror names the new one. What a device that works has comes home first. Of one
   * that was lost everything goes on from the host's copies; what existed nowhere else is listed, with what became of it (R10).
   * Launches that failed with the old device are not run again. The old device stays as it is: close it.
   * @throws TypeError, RangeError; MirrorError as {@link attach}; `OUT_OF_DEVICE_MEMORY` where more is pinned than the new device holds,
   *   `CLOSED` for a detached mirror (nothing is changed then); `DEVICE_TIMEOUT` when the old device does not give its pages back, or
   *   what a notifier throws while something is discarded; the new device is not attached then
   */
  async replace(mirror: Mirror, device: Device, options: ReplaceOptions = {}): Promise<Replacement> {
    const { state } = this;
    state.checkOpen();
    if (!(mirror instanceof Mirror)) throw new TypeError('replace takes a mirror of the space');
    if (typeof options !== 'object' || options === null) throw new TypeError('replace options must be an object');
    const { lost, ...attachOptions } = options;
    const choice = checkLostOption(lost);
    const attach = () => this.attach(device, { ...mirror.options, ...attachOptions });
    return replaceMirror(state, mirror, attach, choice);
  }

  private async attachTo(
    pool: DevicePool,
    device: Device,
    options: AttachOptions,
    checked: CheckedOptions,
  ): Promise<Mirror> {
    const { state } = this;
    const mmu = await device.createMmu({
      addressBits: Math.min(Math.log2(state.limit), device.limits.addressBits),
      faultPageSize: state.pageSize,
    });
    try {
      // While the table was made, the space may have been closed, or the device attached by somebody else.
      state.checkOpen();
      checkDevice(state, device);
      checkManaged(device, mmu);
    } catch (error) {
      await mmu.close();
      throw error;
    }
    const residency = pool.residencyOf(state.store);
    const mirrorState = new MirrorState(
      state,
      mmu,
      residency,
      checked.prefetch(state.pageSize),
      checked.placement,
      checked.thrashing(),
    );
    const mirror = new ManagedMirror(device, pool, mirrorState, options);
    pool.add(mirrorState);
    state.mirrors.add(mirror);
    return mirror;
  }

  /**
   * A copy of the space: private regions copy on write, shared ones stay shared. What devices own comes home first.
   * Mirrors are not copied: attach devices to the child as it needs them.
   */
  async fork(): Promise<AddressSpace> {
    this.state.checkOpen();
    const child = new AddressSpace(
      createSpaceState({
        host: this.state.store.host,
        addressBits: Math.log2(this.state.limit),
        trace: this.state.trace,
        timeoutMs: this.state.timeoutMs,
      }),
    );
    try {
      await forkInto(this.state, child.state, child);
    } catch (error) {
      await child.close();
      throw error;
    }
    return child;
  }
}

/**
 * Creates a space.
 * @throws TypeError, RangeError (as rejection) for malformed options
 */
export async function createSpace(options: SpaceOptions = {}): Promise<AddressSpace> {
  if (typeof options !== 'object' || options === null) throw new TypeError('createSpace takes an object of options');
  return new AddressSpace(createSpaceState(options));
}

interface PoolEntry {
  readonly pool: DevicePool;
  readonly options: AttachOptions;
}

const pools = new WeakMap<Device, PoolEntry>();

/** Options on which all mirrors of a device agree. */
const SHARED_OPTIONS = [
  'policies',
  'eviction',
  'flush',
  'updateQueue',
  'preemption',
  'batch',
  'aging',
  'sampling',
  'timeoutMs',
] as const;

/** The pool of a device: one for all its mirrors, so they must agree on how its memory is managed. */
function poolOf(space: SpaceState, device: Device, options: AttachOptions, checked: CheckedOptions): DevicePool {
  const entry = pools.get(device);
  if (entry !== undefined && entry.pool.inUse) {
    const { pool } = entry;
    const differs = SHARED_OPTIONS.some((name) => options[name] !== undefined && options[name] !== entry.options[name]);
    if (pool.state.pageSize !== space.pageSize)
      throw disagree(device, `serves pages of ${pool.state.pageSize} bytes, the space has ${space.pageSize}`);
    if (differs) throw disagree(device, `is attached with other options (${SHARED_OPTIONS.join(', ')})`);
    return pool;
  }
  const pool = new DevicePool(device, { pageSize: space.pageSize, ...checked });
  pools.set(device, { pool, options });
  return pool;
}

function checkManaged({ info: { name }, features }: Device, { kind }: DeviceMmu): void {
  let why: string;
  if (kind !== 'managed') why = "mirrors the process's own page table; give the space native host memory";
  else if (features.has('read-only-maps')) return;
  else why = "does not claim 'read-only-maps': it could write what the CPU owns, and nobody would know";
  throw new MirrorError('UNSUPPORTED', `${name} ${why}`, { device: name });
}

function disagree(device: Device, why: string): MirrorError {
  return new MirrorError(
    'INVALID_ARGUMENT',
    `${device.info.name} ${why}; attach alike, or detach its other mirrors first`,
    { device: device.info.name },
  );
}

function checkDevice(space: SpaceState, device: Device): void {
  const { name } = device.info;
  if (!device.limits.pageSizes.includes(space.pageSize)) {
    throw new MirrorError(
      'UNSUPPORTED',
      `${name} has no pages of ${space.pageSize} bytes; it has ${device.limits.pageSizes.join(', ')}`,
      { device: name },
    );
  }
  for (const mirror of space.mirrors) {
    if (mirror instanceof Mirror && mirror.device === device)
      throw new MirrorError('INVALID_ARGUMENT', `${name} is attached to this space already`, { device: name });
  }
}
