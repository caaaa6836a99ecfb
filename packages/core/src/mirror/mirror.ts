import type { Device, Fence, JsProgram, Program } from '../driver/index.js';
import type { RangeOptions, SpaceMirror, SpaceState } from '../space/index.js';
import type { HarvestOptions, HarvestResult } from './harvest.js';
import type { LaunchOptions } from './launch.js';
import type { MirrorLostInfo } from './loss-record.js';
import type { AttachOptions, PrefetchOptions } from './options.js';
import type { PageRecordingOptions } from './page-recorder.js';
import type { PageRecording } from './page-recording.js';
import type { MirrorStats } from './stats.js';

/**
 * One space on one device: the device uses the space's addresses, and pages move as they are needed. Of a device whose driver mirrors the process's
 * own page table the same holds, but for what it does not offer: that is refused with `UNSUPPORTED`.
 */
export abstract class Mirror implements SpaceMirror {
  /** The device. */
  abstract readonly device: Device;
  /** How it was attached. */
  abstract readonly options: AttachOptions;

  /** What happened since it was attached. Live; copy it to keep it. */
  abstract readonly stats: Readonly<MirrorStats>;

  /** Resolves, never rejects, when the device is gone, with what existed only there (R10). */
  abstract readonly lost: Promise<MirrorLostInfo>;

  /** Whether its device was lost while it was attached. @internal */
  abstract readonly isLost: boolean;

  /** Bytes of metadata for the device's frames, shared by all mirrors on it. */
  abstract readonly metadataBytes: number;

  /**
   * Runs a program over a grid of work units, each exactly once. Synchronous: what the CPU wrote before is seen by it.
   * @throws TypeError, RangeError; MirrorError `UNSUPPORTED`, `CLOSED`
   */
  abstract launch(program: Program | JsProgram, options?: LaunchOptions): Fence;

  /** Reads bytes through the device. Rejects with the error of the access; no data comes with an error. */
  abstract read(address: number, bytes: number): Promise<Uint8Array>;

  /** Writes bytes through the device. */
  abstract write(address: number, from: Uint8Array): Promise<void>;

  /** Sets bytes to `value` (0 to 255) through the device. */
  abstract fill(address: number, bytes: number, value: number): Promise<void>;

  /** Adds to the aligned 32-bit word at an address modulo 2^32 through the device; resolves to the previous value. */
  abstract atomicAdd(address: number, value: number): Promise<number>;

  /** Brings pages of a range to the device ahead of faults, as far as there is room. Resolves to pages brought. */
  abstract prefetch(start: number, bytes: number, options?: PrefetchOptions): Promise<number>;

  /** Moves pages of a range to the device (which then owns them) or to the host, best effort. Resolves to pages moved. */
  abstract migrate(start: number, bytes: number, to: 'device' | 'host', options?: RangeOptions): Promise<number>;

  /** Makes the device the one owner of a range's pages, until the CPU or another device touches them. Resolves to pages it owns. */
  abstract exclusive(start: number, bytes: number): Promise<number>;

  /**
   * Where the pages of a range are: a byte of `RESIDENT_*` bits a page; 0 for a page nobody has touched. Of a device that mirrors the process and does
   * not say where pages are (`snapshots`), it is what core asked for last, with `RESIDENT_ASSUMED`.
   */
  abstract residency(start: number, bytes: number): Uint8Array;

  /**
   * Reads and clears the device's accessed and dirty bits of a range; the eviction policy and the pages' flags learn of them.
   * With `writeBack`, what is dirty of shared file regions then reaches the sources.
   * @throws TypeError, RangeError; MirrorError `ADDRESS_NOT_MAPPED`, `DEVICE_LOST`, `DEVICE_TIMEOUT`, `IO`, `CLOSED`
   */
  abstract harvest(start: number, bytes: number, options?: HarvestOptions): Promise<HarvestResult>;

  /**
   * Says that pages of a range are in use: they count as accessed just now, for the device's eviction and for reclaim of host
   * memory, so that others leave first. For drivers and users that know what accessed bits do not tell. Synchronous, no command is
   * sent. Returns how many of the pages the device holds. Source: the helper to mark pages accessed of the 2014 RFC.
   * @throws TypeError, RangeError; MirrorError `ADDRESS_NOT_MAPPED`, `DEVICE_LOST`, `CLOSED`
   */
  abstract markAccessed(start: number, bytes: number): number;

  /**
   * Records from now on which pages are accessed in which order, as a page trace (`MSTRACE1`), until it is stopped or the mirror is detached; one recording at a
   * time. Launches are numbered from 0 on.
   * @throws TypeError, RangeError; MirrorError `UNSUPPORTED`, `INVALID_ARGUMENT` while another one is active, `CLOSED`
   */
  abstract record(options?: PageRecordingOptions): PageRecording;

  /** Carries pending invalidations to the device; resolves when they are true there. */
  abstract flush(): Promise<void>;

  /** As `flush`, but does not wait in a user queue that the policy chose; for the service of faults. */
  abstract flushNow(): Promise<void>;

  /** Brings a page range ahead of faults, best effort; for advice. */
  abstract bring(start: number, end: number): Promise<void>;

  /** Keeps the pages of a page range on the device; for advice. @throws MirrorError `OUT_OF_DEVICE_MEMORY` when they do not all fit */
  abstract pin(start: number, end: number): Promise<void>;

  /** Brings what there is of a pinned range and keeps it there, as far as it fits; what comes later is pinned then. @internal */
  abstract bringPinned(start: number, end: number): Promise<void>;

  /** Lets pinned pages go again; for advice. */
  abstract unpin(start: number, end: number): void;

  /** Tells a device that serves its faults by itself what advice says of a page range by now; without effect on others, for which core obeys it. @internal */
  abstract advised(start: number, end: number): Promise<void>;

  /**
   * Ends the mirror: accesses that wait for pages fail with `CLOSED`, what the device owns comes home. The device stays open.
   * Concurrent calls share one detaching.
   */
  abstract detach(): Promise<void>;

  /** @throws TypeError where it mirrors another space; MirrorError `CLOSED` once it is detached. @internal */
  abstract checkAttachedTo(space: SpaceState): void;

  /** As {@link detach}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.detach();
  }
}
