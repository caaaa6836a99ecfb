import { type AddressSpace, createSpace, type Device, type Fence, memorySwap, type Mirror } from '@mirrorspace/core';
import { memory } from '@mirrorspace/memory';
import { native } from '@mirrorspace/native';
import { webgpu } from '@mirrorspace/webgpu';
import { type Config, PAGE } from './config.js';

/** Threads a queue of a device in this process. */
const MOST_UNITS = 6;

export type BackendName = 'webgpu' | 'memory' | 'native';

/** A range of words, and what they must be. */
export interface Area {
  readonly address: number;
  readonly words: Uint32Array;
  /** Launches under way that read it. */
  readers: number;
  /** Whether a launch under way writes it. */
  writing: boolean;
}

/** A launch under way. */
export interface Running {
  readonly fence: Fence;
  readonly what: string;
  /** Frees what it used. */
  readonly end: () => void;
}

/** A device that is too small, a space on it, and the model of its contents. */
export class World {
  readonly backend: BackendName;
  readonly config: Config;
  readonly space: AddressSpace;
  readonly areas: Area[];
  readonly running: Running[] = [];
  device: Device;
  mirror: Mirror;
  /** Bytes that went to devices that are closed by now. */
  readonly before = { bytesIn: 0, launches: 0, losses: 0 };

  private constructor(backend: BackendName, config: Config, space: AddressSpace, device: Device, mirror: Mirror) {
    this.backend = backend;
    this.config = config;
    this.space = space;
    this.device = device;
    this.mirror = mirror;
    this.areas = Array.from({ length: config.areas }, () => ({
      address: space.map({ bytes: 4 * config.size }).address,
      words: new Uint32Array(config.size),
      readers: 0,
      writing: false,
    }));
  }

  static async open(backend: BackendName, config: Config): Promise<World> {
    const device = await openDevice(backend, config);
    const { budget, size, areas, addressBits, eviction, prefetch, aging, batch } = config;
    // Room for everything, and for what a pass of reclaim has not given back yet.
    const swap = memorySwap(2 * areas * size * 4);
    const space = await createSpace({ addressBits, ...(budget > 0 && { reclaim: { budget: budget * PAGE, swap } }) });
    const mirror = await space.attach(device, { eviction, prefetch, aging, batch });
    return new World(backend, config, space, device, mirror);
  }

  /** Loses the device and goes on with another one; what only it had is zeros from then on. */
  async lose(): Promise<void> {
    this.before.bytesIn += this.mirror.stats.bytesIn;
    this.before.losses++;
    ({ webgpu, memory, native })[this.backend].conformance.lose(this.device);
    this.device = await openDevice(this.backend, this.config);
    const { mirror, lost } = await this.space.replace(this.mirror, this.device, { lost: 'discard' });
    this.mirror = mirror;
    for (const { start, end, state } of lost) {
      if (state !== 'discarded') throw new Error(`what was lost at 0x${start.toString(16)} is ${state}`);
      const area = this.areas.find(({ address, words }) => address <= start && end <= address + 4 * words.length);
      const areas = area === undefined ? this.areas : [area];
      for (const { address, words } of areas)
        words.fill(0, Math.max(0, (start - address) / 4), Math.max(0, (end - address) / 4));
    }
  }

  async close(): Promise<void> {
    await this.space.close();
    await this.device.close();
  }
}

function openDevice(backend: BackendName, config: Config): Promise<Device> {
  const { frames, addressBits, faultBuffer, residentUnits, largestBuffer } = config;
  const options = { memory: frames * PAGE, pageSizes: [PAGE], addressBits, faultBuffer, residentUnits };
  if (backend === 'native') return native.open({ ...options, units: Math.min(residentUnits, MOST_UNITS) });
  if (backend === 'memory') return memory.open({ ...options, poison: true });
  return webgpu.open({ ...options, largestBuffer });
}
