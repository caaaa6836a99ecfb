import { type Fence, MirrorError, TimelineFence } from '@mirrorspace/core/driver';
import type { Descriptor } from '../addon/descriptor.js';
import { addon } from '../addon/load.js';
import type { Mapping } from '../addon/mapping.js';
import { DRM, WAIT_FOR_SUBMIT } from './abi.js';
import type { DrmRequests } from './file.js';

/** Nanoseconds that one wait in the kernel takes at most: then it looks whether it is still to wait. */
const LOOK_NS = 250_000_000n;

/** A timeline of the kernel (a syncobj): points from 1 on, each of which is reached once, in order. */
export class Timeline {
  private readonly handle: number;
  /** Fences that wait, the lowest first. */
  private readonly waiting: TimelineFence[] = [];
  private watching = false;
  private closed = false;

  /**
   * @param shared - Of somebody else; a new one without it.
   * @throws MirrorError with the system's error as cause
   */
  constructor(
    private readonly file: DrmRequests,
    shared?: Descriptor,
  ) {
    const { value } =
      shared === undefined ? file.ask(DRM.createTimeline) : file.ask(DRM.importTimeline, {}, { fd: shared });
    this.handle = value.handle;
  }

  /** The last point that was reached, 0 before the first: the kernel is asked. */
  reached(): number {
    const points = new BigUint64Array(1);
    this.file.ask(DRM.query, { count_handles: 1 }, { handles: this.handles(), points: [points, 0] });
    return Number(points[0]);
  }

  /** Reaches a point, for everybody who waits for it anywhere. @throws MirrorError `IO` where the kernel says that it did not */
  signal(point: number): void {
    const points = BigUint64Array.of(BigInt(point));
    this.file.ask(DRM.signal, { count_handles: 1 }, { handles: this.handles(), points: [points, 0] });
    const reached = this.reached();
    if (reached >= point) return;
    const text = `${this.file.device}: DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL of ${point} left the timeline at ${reached}`;
    throw new MirrorError('IO', text, { device: this.file.device });
  }

  /** A fence that signals when a point is reached, by whomever: for `after` of a submission of any device. It waits in the kernel. */
  at(point: number): Fence {
    if (!Number.isSafeInteger(point) || point < 1) throw new RangeError(`a point is an integer from 1, got ${point}`);
    const fence = new TimelineFence(this.handle, point, this);
    if (this.closed) fence.fail(this.gone());
    else if (this.reached() >= point) fence.settle();
    else {
      const place = this.waiting.findIndex(({ value }) => value > point);
      this.waiting.splice(place < 0 ? this.waiting.length : place, 0, fence);
      if (!this.watching) void this.watch();
    }
    return fence;
  }

  /** It, for others, as a file. */
  share(): Descriptor {
    return this.file.ask(DRM.exportTimeline, { handle: this.handle }).descriptor!;
  }

  /** Lets go of it: fences that wait fail with `CLOSED`. Others keep it. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.fail(this.gone());
    this.file.drop(DRM.destroyTimeline, this.handle);
  }

  /** Progress, for those who wait: a timer asks, which nothing may be thrown at. Where the kernel does not say any more, they fail. */
  heartbeat(): number {
    if (this.closed) return -1;
    try {
      return this.reached();
    } catch (error) {
      this.fail(this.file.refused(error));
      return -1;
    }
  }

  describe(): string {
    return `the timeline is at ${this.heartbeat()} on ${this.file.device}`;
  }

  private async watch(): Promise<void> {
    this.watching = true;
    let memory: Mapping | undefined;
    try {
      memory = addon().Mapping.reserve(addon().pageSize);
      const buffer = memory.arrayBuffer(0, 16);
      const [handles, points] = [new Uint32Array(buffer, 0, 1), new BigUint64Array(buffer, 8, 1)];
      handles[0] = this.handle;
      const request = { count_handles: 1, flags: WAIT_FOR_SUBMIT };
      for (let next = this.waiting[0]; next !== undefined; next = this.waiting[0]) {
        points[0] = BigInt(next.value);
        const until = process.hrtime.bigint() + LOOK_NS;
        const came = await this.file
          .start(DRM.waitForPoint, { ...request, timeout_nsec: until }, { handles: [memory, 0], points: [memory, 8] })
          .then(
            () => next.value,
            (error: { code?: string }) => {
              if (error.code !== 'ETIME' && error.code !== 'EINTR') throw error;
              return 0;
            },
          );
        if (this.closed) return;
        // Where somebody added points out of order, the kernel says that none was reached, and still what it waited for.
        const reached = Math.max(came, this.reached());
        while (this.waiting.length > 0 && this.waiting[0]!.value <= reached) this.waiting.shift()!.settle();
      }
    } catch (error) {
      this.fail(this.file.refused(error));
    } finally {
      this.watching = false;
      memory?.unmap();
    }
  }

  private fail(error: MirrorError): void {
    for (const fence of this.waiting.splice(0)) fence.fail(error);
  }

  private gone(): MirrorError {
    return new MirrorError('CLOSED', `${this.file.device}: the timeline was closed`, { device: this.file.device });
  }

  private handles(): readonly [Uint32Array, number] {
    return [Uint32Array.of(this.handle), 0];
  }
}
