import { createSpace, type AddressSpace, type ReclaimOptions } from '@mirrorspace/core';
import { type Device, nextTurn } from '@mirrorspace/core/driver';
import type { Claims, TestedBackend } from './backend.js';
import { CheckError } from './check.js';
import { createRng } from './frames.js';
import type { Params, Variant } from './setup.js';
import { closeClean, WatchedDevice, type LowerLimits } from './watch.js';

/** What an {@link Env} is made from. */
export interface EnvOptions {
  /** The backend under test. */
  readonly backend: TestedBackend;
  /** Given to `backend.open` for every device. */
  readonly backendOptions?: unknown;
  /** What its devices claim. */
  readonly claims: Claims;
  /** The case's parameters. */
  readonly params: Params;
  /** How the case is set up. */
  readonly variant: Variant;
  /** Bytes a page: the page size that the case asks for, or the smallest that the device has. */
  readonly pageSize: number;
  /** Seeds what is random in the case. */
  readonly seed: number;
  /** Milliseconds that one wait inside the case may take. */
  readonly waitMs: number;
}

const QUIET_TURNS = 6;

/** What a case gets: devices that are closed after it, a seed, its parameters, and bounded waits. Fresh for every case. */
export class Env {
  /** The backend under test. */
  readonly backend: TestedBackend;
  /** What its devices claim. */
  readonly claims: Claims;
  /** The case's parameters. */
  readonly params: Params;
  /** How the case is set up. */
  readonly variant: Variant;
  /** Bytes a page: the page size that the case asks for, or the smallest that the device has. */
  readonly pageSize: number;
  /** Seeds what is random in the case. */
  readonly seed: number;
  /** Milliseconds that one wait inside the case may take. */
  readonly waitMs: number;
  /** Numbers in [0, 1) that depend on the seed alone. */
  readonly rng: () => number;
  private readonly backendOptions: unknown;
  private readonly devices: WatchedDevice[] = [];
  private readonly cleanups: (() => void | Promise<void>)[] = [];
  private readonly expectations = new Set<string>();
  private readonly inners = new WeakMap<Device, Device>();
  private step = 'starting';

  constructor(options: EnvOptions) {
    this.backend = options.backend;
    this.backendOptions = options.backendOptions;
    this.claims = options.claims;
    this.params = options.params;
    this.variant = options.variant;
    this.pageSize = options.pageSize;
    this.seed = options.seed;
    this.waitMs = options.waitMs;
    this.rng = createRng(options.seed);
  }

  /** A whole number in [0, below). */
  pick(below: number): number {
    return Math.floor(this.rng() * below);
  }

  /**
   * Opens a device of the backend under test, with limits lowered where asked for; it is closed after the case. With `wrap`
   * commands pass through another device on their way.
   */
  async open(lower: LowerLimits = {}, wrap: (inner: Device) => Device = (inner) => inner): Promise<WatchedDevice> {
    const inner = await this.backend.open(this.backendOptions);
    const device = new WatchedDevice(wrap(inner), lower);
    this.devices.push(device);
    this.inners.set(device, inner);
    const { features } = this.claims;
    if (
      features.size !== inner.features.size ||
      [...features].some((name) => !new Set<string>(inner.features).has(name))
    ) {
      throw new CheckError(
        'the device claims other features than the first one that was opened: claims must not change',
      );
    }
    return device;
  }

  /** Makes a space with pages of the case's size, on the host memory that is under test, at addresses that the device has. */
  createSpace(device: Device, reclaim?: ReclaimOptions): Promise<AddressSpace> {
    const { pageSize } = this;
    const { companion, host } = this.claims;
    const addressBits = Math.min(47, device.limits.addressBits);
    const options = { pageSize, addressBits, ...(reclaim && { reclaim }) };
    if (companion.space !== undefined) return companion.space(options);
    return createSpace({ ...options, ...(host && { host: host({ pageSize }) }) });
  }

  /** Makes a device fail by itself; for cases that need `inject:lose`. */
  lose(device: Device): void {
    this.claims.companion.lose?.(this.inners.get(device) ?? device);
  }

  /** Stops a device's progress; for cases that need `inject:hang`. */
  hang(device: Device): void {
    this.claims.companion.hang?.(this.inners.get(device) ?? device);
  }

  /** Says what the case does now: shown when it runs out of time. */
  at(step: string): void {
    this.step = step;
  }

  /** Runs after the case, last registered first, before devices are closed. */
  defer(cleanup: () => void | Promise<void>): void {
    this.cleanups.push(cleanup);
  }

  /** Remembers a promise that must have settled when the case ends; a rejection stays with the caller. */
  expect<T>(what: string, promise: Promise<T>): Promise<T> {
    this.expectations.add(what);
    const settled = (): void => void this.expectations.delete(what);
    promise.then(settled, settled);
    return promise;
  }

  /** Lets everything else run once. */
  turn(): Promise<void> {
    return nextTurn();
  }

  /** Waits until `condition` holds. @throws CheckError when it does not within the case's wait limit. */
  async until(condition: () => boolean, what: string): Promise<void> {
    this.at(`waiting until ${what}`);
    const end = Date.now() + this.waitMs;
    while (!condition()) {
      if (Date.now() > end) throw new CheckError(`waited ${this.waitMs} ms until ${what}, in vain; ${this.describe()}`);
      await nextTurn();
    }
  }

  /** Waits until nothing has changed on the device for some turns: to see that something does *not* happen. */
  async quiet(device: Device): Promise<void> {
    const sample = (): string => {
      const { retired, stalled, pending, dropped } = device.faults;
      return [retired, stalled, pending, dropped, ...device.queues.map((queue) => queue.depth)].join();
    };
    let last = sample();
    for (let calm = 0; calm < QUIET_TURNS; calm++) {
      await nextTurn();
      const now = sample();
      if (now !== last) calm = 0;
      last = now;
    }
  }

  /** Where the case stands, for messages. */
  describe(): string {
    const waits = [...this.expectations].map((what) => `outstanding: ${what}`);
    return [`last step: ${this.step}`, ...waits, ...this.devices.map((device) => device.describe())].join('; ');
  }

  /** Ends the case: cleanups, then the leak checks. @throws CheckError for what the case or the device left behind. */
  async finish(): Promise<void> {
    const problems: unknown[] = [];
    const attempt = async (act: () => void | Promise<void>): Promise<void> => {
      try {
        await act();
      } catch (error) {
        problems.push(error);
      }
    };
    for (const cleanup of this.cleanups.reverse()) await attempt(cleanup);
    for (const device of this.devices) await attempt(() => closeClean(device));
    await nextTurn();
    if (problems.length > 0) throw problems[0];
    if (this.expectations.size > 0) {
      throw new CheckError(`outstanding after the device was closed: ${[...this.expectations].join(', ')}`);
    }
  }
}
