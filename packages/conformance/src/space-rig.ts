import {
  memorySwap,
  validate,
  type AddressSpace,
  type AttachOptions,
  type MapOptions,
  type Mirror,
  type ReclaimOptions,
} from '@mirrorspace/core';
import type { Program } from '@mirrorspace/core/driver';
import type { Env } from './env.js';
import { bytesEqual, equal } from './check.js';
import { pattern } from './frames.js';
import { PageSpan } from './page-span.js';
import { startNeighbour } from './neighbour.js';
import { programOf, type Units } from './units.js';
import type { LowerLimits, WatchedDevice } from './watch.js';

/** Bit of `Mirror.residency`: the host has the content. */
export const ON_HOST = 1;
/** Bit of `Mirror.residency`: the device has the content. */
export const ON_DEVICE = 2;
/** Bit of `Mirror.residency`: the device may write. */
export const WRITABLE = 4;
/** Bit of `Mirror.residency`: the content is in the swap store. */
export const SWAPPED = 8;

/** Pages that the swap store of a rig has room for. */
const SWAP_PAGES = 128;

/** How the host memory of a rig is reclaimed: into a swap store in memory. */
export interface RigReclaim extends Pick<ReclaimOptions, 'lists' | 'order'> {
  /** Budget in pages. Default none. */
  readonly pages?: number;
}

const SMALL_FRAMES = 8;
const SMALL: LowerLimits = { faultBuffer: 4, pagesPerCommand: 4, commandsPerSubmit: 16 };

/** How a space and its device are set up. */
export interface SpaceRigOptions extends AttachOptions {
  /** Pages of device memory at most. Default: all that the device has, or 8 in the variant `small`. */
  readonly frames?: number;
  /** Pages may leave host memory. Default: they stay. */
  readonly reclaim?: RigReclaim;
}

/** What {@link SpaceRig.map} takes beside the options of `AddressSpace.map`. */
export interface SpanOptions extends Omit<MapOptions, 'bytes'> {
  /** Pages to map, at least 1. */
  readonly pages: number;
}

/**
 * A space with a mirror on a device of the backend under test, set up as the case's variant says, and core's validation
 * between them. Cases use what {@link map} gives and need not know the variant; what it must not have changed is checked
 * when the case ends.
 */
export class SpaceRig {
  private readonly areas: PageSpan[] = [];
  private lowered: LowerLimits = {};
  private options: AttachOptions = {};
  private pagesLeave = false;

  private constructor(
    /** The case it serves. */
    readonly env: Env,
    /** The space under test. */
    readonly space: AddressSpace,
    /** The device under test. */
    readonly device: WatchedDevice,
    /** The space on the device. */
    readonly mirror: Mirror,
  ) {}

  /** A program in a language of the device. */
  program(units: Units): Program {
    return programOf(this.device.features, units);
  }

  /** Bytes a page. */
  get pageSize(): number {
    return this.space.pageSize;
  }

  /** Opens a space, a device and a mirror between them; all are closed after the case. */
  static async open(env: Env, { frames, reclaim, ...rest }: SpaceRigOptions = {}): Promise<SpaceRig> {
    const { pageSize, variant } = env;
    const small = variant === 'small';
    const count = Math.min(frames ?? Infinity, small ? SMALL_FRAMES : Infinity);
    const lowered = { ...(small && SMALL), ...(Number.isFinite(count) && { memory: count * pageSize }) };
    const options: AttachOptions = { prefetch: 'none', timeoutMs: env.waitMs, ...rest };
    const device = await env.open(lowered, validate);
    const space = await env.createSpace(device, reclaim && reclaimOptions(reclaim, pageSize));
    const mirror = await space.attach(device, options);
    const rig = new SpaceRig(env, space, device, mirror);
    rig.lowered = lowered;
    rig.options = options;
    rig.pagesLeave = reclaim !== undefined;
    const neighbour = variant === 'second' ? await startNeighbour(env, device, options) : undefined;
    const pair = variant === 'pair' ? await rig.attachAnother() : undefined;
    env.defer(async () => {
      await neighbour?.finish();
      if (!space.closed) await rig.verify(pair);
      await mirror.detach();
      await space.close();
    });
    return rig;
  }

  /** Opens another device with the same limits. */
  openAnother(): Promise<WatchedDevice> {
    return this.env.open(this.lowered, validate);
  }

  /** Opens another device and attaches it to the space; with the same limits. */
  async attachAnother(): Promise<Mirror> {
    const device = await this.openAnother();
    const mirror = await this.space.attach(device, this.options);
    this.env.defer(() => mirror.detach());
    return mirror;
  }

  /**
   * Maps pages: a region of their own, or in the variant `subrange` the middle of a larger one. Where host memory has live regions, it is live
   * unless `options` say what rules that out; and unless pages are reclaimed, which live ones are not.
   */
  async map({ pages, access, ...more }: SpanOptions): Promise<PageSpan> {
    const bytes = pages * this.pageSize;
    const options = this.pagesLeave ? { live: false, ...more } : more;
    const area =
      this.env.variant === 'subrange' && options.source === undefined && options.fixed !== true
        ? await this.mapInside(bytes, options)
        : new PageSpan(this, this.space.map({ ...options, bytes }).address, pages);
    if (access !== undefined) await this.space.protect(area.address, bytes, access);
    this.areas.push(area);
    return area;
  }

  private async mapInside(bytes: number, options: Omit<MapOptions, 'bytes'>): Promise<PageSpan> {
    const { pageSize, space, env } = this;
    const outer = space.map({ ...options, bytes: bytes + 2 * pageSize });
    const guards = [outer.address, outer.address + pageSize + bytes];
    for (const guard of guards) await space.write(guard, pattern(guard / pageSize, pageSize));
    env.defer(async () => {
      if (space.closed) return;
      for (const guard of guards) {
        bytesEqual(
          await space.read(guard, pageSize),
          pattern(guard / pageSize, pageSize),
          'the page beside the range under test',
        );
      }
    });
    return new PageSpan(this, outer.address + pageSize, bytes / pageSize);
  }

  /** Checks that the other device of a pair sees what the CPU sees. */
  private async verify(pair: Mirror | undefined): Promise<void> {
    if (!pair) return;
    for (const area of this.areas) {
      for (let page = 0; page < area.pages; page++) {
        const region = this.space.regionAt(area.at(page));
        if (!region || region.access === 'none') continue;
        const cpu = await this.space.read(area.at(page), 64).catch(() => undefined);
        if (cpu)
          bytesEqual(await pair.read(area.at(page), 64), cpu, `page ${page} as the other device of the pair sees it`);
      }
    }
    equal(this.space.closed, false, 'the space is still open');
  }
}

function reclaimOptions({ pages, ...rest }: RigReclaim, pageSize: number): ReclaimOptions {
  const budget = pages === undefined ? {} : { budget: pages * pageSize };
  return { swap: memorySwap(SWAP_PAGES * pageSize), ...budget, ...rest };
}
