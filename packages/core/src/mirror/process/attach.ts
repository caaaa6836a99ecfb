import { type Device, type DeviceMmu, MirrorError } from '../../driver/index.js';
import type { SpaceState } from '../../space/index.js';
import type { AttachOptions, CheckedOptions } from '../options.js';
import { ProcessMirror } from './process-mirror.js';
import { ProcessPool } from './process-pool.js';

interface PoolEntry {
  readonly pool: ProcessPool;
  readonly options: AttachOptions;
}

const pools = new WeakMap<Device, PoolEntry>();

/** Options on which all mirrors of a device agree. Others of {@link AttachOptions} are about page tables that core fills. */
const SHARED_OPTIONS = ['policies', 'eviction', 'timeoutMs'] as const;

/**
 * Mirrors a space, whose live regions are the process's own memory, on a device that mirrors the process.
 * @throws MirrorError `UNSUPPORTED` for a device whose page table core would have to fill, `INVALID_ARGUMENT`, `DEVICE_LOST`, `CLOSED`
 */
export async function attachToProcess(
  space: SpaceState,
  device: Device,
  options: AttachOptions,
  checked: CheckedOptions,
): Promise<ProcessMirror> {
  const { name } = device.info;
  const mmu = await device.createMmu({ addressBits: device.limits.addressBits, faultPageSize: space.pageSize });
  let pool: ProcessPool;
  try {
    // While it was made, the space may have been closed, or the device attached by somebody else.
    space.checkOpen();
    checkKind(mmu, name);
    for (const mirror of space.mirrors) {
      if (mirror instanceof ProcessMirror && mirror.device === device)
        throw new MirrorError('INVALID_ARGUMENT', `${name} is attached to this space already`, { device: name });
    }
    // Only now: whoever attaches the device meanwhile has made the pool.
    pool = poolOf(space, device, options, checked);
  } catch (error) {
    await mmu.close();
    throw error;
  }
  const mirror = new ProcessMirror(device, pool, space, mmu, options, checked);
  space.mirrors.add(mirror);
  try {
    await mirror.begin();
  } catch (error) {
    await mirror.detach().catch(() => undefined);
    throw error;
  }
  return mirror;
}

function checkKind({ kind }: DeviceMmu, name: string): void {
  if (kind === 'mirroring') return;
  throw new MirrorError(
    'UNSUPPORTED',
    `the pages of this space are the process's own, and core does not move them; ${name} needs that: give the space nativeMemory() or managed memory`,
    { device: name },
  );
}

function poolOf(space: SpaceState, device: Device, options: AttachOptions, checked: CheckedOptions): ProcessPool {
  const entry = pools.get(device);
  if (entry === undefined || entry.pool.movers.size === 0) {
    const pool = new ProcessPool(device, space.pageSize, checked);
    pools.set(device, { pool, options });
    return pool;
  }
  if (SHARED_OPTIONS.every((key) => options[key] === undefined || options[key] === entry.options[key]))
    return entry.pool;
  const { name } = device.info;
  const text = `${name} is attached with other options (${SHARED_OPTIONS.join(', ')}); attach alike, or detach its other mirrors first`;
  throw new MirrorError('INVALID_ARGUMENT', text, { device: name });
}
