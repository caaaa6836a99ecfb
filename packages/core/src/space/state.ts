import { IdList, alignDown, alignUp, hex, pageShift, rangeOf } from '../address/index.js';
import { MirrorError } from '../driver/index.js';
import { NotifierList } from '../notifier/index.js';
import type { Tracer } from '../trace/index.js';
import type { HostState } from './host-state.js';
import type { PageStore } from './page-store.js';
import type { Region, RegionAccess } from './region.js';
import { RegionMap } from './region-map.js';
import type { MemoryObject } from './memory-object.js';

/** What a space knows of a mirror. Implemented by the mirror layer. */
export interface SpaceMirror {
  /** Carries pending invalidations to the device; resolves when they are true there. */
  flush(): Promise<void>;
  /** As `flush`, but does not take a turn behind anybody's work: somebody else waits for it. */
  flushNow(): Promise<void>;
  /** Brings pages to the device ahead of faults, best effort. */
  bring(start: number, end: number): Promise<void>;
  /** Brings the pages of a range and keeps them there. @throws MirrorError `OUT_OF_DEVICE_MEMORY` */
  pin(start: number, end: number): Promise<void>;
  /** Lets pinned pages go again. */
  unpin(start: number, end: number): void;
  /** Tells a device that serves its faults by itself what advice says of a range by now. */
  advised(start: number, end: number): Promise<void>;
  /** Ends the mirror; data comes home first. */
  detach(): Promise<void>;
}

/** Everything a space is made of; the operations on it are the functions of this folder. Internal to core. */
export class SpaceState {
  readonly id: number;
  readonly host: HostState;
  readonly store: PageStore;
  /** Key of page 0 of this space in the store's table. */
  readonly base: number;
  readonly pageSize: number;
  readonly shift: number;
  /** End of the addresses that may be mapped. */
  readonly limit: number;
  readonly regions = new RegionMap();
  readonly notifiers = new NotifierList();
  readonly mirrors = new Set<SpaceMirror>();
  readonly trace: Tracer;
  /** Milliseconds without progress after which a wait of the CPU ends. */
  readonly timeoutMs: number;
  /** Where the next search for free addresses begins: freed ranges rest until the space went round (R9). */
  cursor: number;
  closed = false;
  /** Objects without a region whose dirty pages could not be written back, or are being written back by themselves. */
  readonly unsaved = new Set<MemoryObject>();
  /** Slots found by the operation under way; synchronous use only. */
  readonly scratch = new IdList();
  /** Slots found by a notifier callback: apart from `scratch`, since it runs inside an operation. */
  readonly marks = new IdList();

  constructor(id: number, host: HostState, addressBits: number, trace: Tracer, timeoutMs: number) {
    this.id = id;
    this.host = host;
    this.store = host.store;
    this.base = this.store.spaces.open(this);
    host.spaces.set(this.base, this);
    this.pageSize = this.store.host.pageSize;
    this.shift = pageShift(this.pageSize);
    this.limit = 2 ** addressBits;
    this.trace = trace;
    this.timeoutMs = timeoutMs;
    this.cursor = firstAddress(this.pageSize);
  }

  /** @throws MirrorError `CLOSED` */
  checkOpen(): void {
    if (this.closed) throw new MirrorError('CLOSED', 'the space is closed; create another one');
  }

  /** Page number of an address. */
  pageOf(address: number): number {
    return Math.floor(address / this.pageSize);
  }

  /** A checked byte range, widened to whole pages. @throws TypeError, RangeError */
  pageRange(start: number, bytes: number): { start: number; end: number } {
    const range = rangeOf(start, bytes);
    if (range.end > this.limit) {
      throw new RangeError(`${bytes} bytes at ${hex(start)} leave the space, which ends at ${hex(this.limit)}`);
    }
    return { start: alignDown(range.start, this.pageSize), end: alignUp(range.end, this.pageSize) };
  }

  /**
   * Checks that regions with sufficient rights cover a page range.
   * @throws MirrorError `ADDRESS_NOT_MAPPED` or `ACCESS_DENIED` naming the first address that is not
   */
  checkAccess(start: number, end: number, write: boolean): void {
    for (let at = start; at < end;) {
      const region = this.regions.at(at);
      if (region === undefined) throw notMapped(at);
      if (!allows(region.access, write)) throw denied(at, region, write);
      at = region.end;
    }
  }

  /** @throws MirrorError `ADDRESS_NOT_MAPPED` naming the first hole of a page range */
  checkMapped(start: number, end: number): void {
    for (let at = start; at < end;) {
      const region = this.regions.at(at);
      if (region === undefined) throw notMapped(at);
      at = region.end;
    }
  }

  /** Whether an untouched page at an address reads as zeros. */
  isAnonymous(address: number): boolean {
    return this.regions.at(address)?.object === undefined;
  }

  /** Carries pending invalidations to every device; resolves when they are true there. */
  async flush(): Promise<void> {
    if (this.mirrors.size > 0) await Promise.all(Array.from(this.mirrors, (mirror) => mirror.flush()));
  }

  /** As `flush`, for those whom a device's work waits for. */
  async flushNow(): Promise<void> {
    await Promise.all(Array.from(this.mirrors, (mirror) => mirror.flushNow()));
  }
}

/** Lowest address that is given out without a demand: zero pointers never hit. */
export function firstAddress(pageSize: number): number {
  return Math.max(0x10000, pageSize);
}

/** Whether rights allow an access. */
export function allows(access: RegionAccess, write: boolean): boolean {
  return access === 'read-write' || (access === 'read' && !write);
}

/** The error for an address that no region covers. */
function notMapped(address: number): MirrorError {
  return new MirrorError('ADDRESS_NOT_MAPPED', `nothing is mapped at ${hex(address)}; map a region there first`, {
    address,
  });
}

/** The error for an access that a region forbids. */
function denied(address: number, region: Region, write: boolean): MirrorError {
  return new MirrorError(
    'ACCESS_DENIED',
    `${write ? 'writing' : 'reading'} ${hex(address)} is denied: region "${region.name}" allows ${region.access === 'none' ? 'no access' : 'reading only'}; change it with space.protect`,
    { address },
  );
}
