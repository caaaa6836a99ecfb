import { accessBytes, accessFault, type Command, type Fence, MirrorError } from '@mirrorspace/core/driver';
import type { MmuOptions, PlainAccess, SubmissionQueue } from '@mirrorspace/core/driver';
import type { Descriptor } from '../addon/descriptor.js';
import { DriverDevice } from '../device/driver-device.js';
import type { DrmRequests } from './file.js';
import { FRAME, Frames } from './frames.js';
import { DrmMmu } from './mmu.js';
import { Stalls } from './stalls.js';
import { Timeline } from './timeline.js';

/** User queues beside the paging queue. */
const USER_QUEUES = 2;

/** What decides how a device is opened. */
export interface DrmSetup {
  /** Its name among open devices. */
  readonly name: string;
  /** The open node. */
  readonly file: DrmRequests;
  /** The device node. */
  readonly path: string;
  /** Bytes of frames. */
  readonly memory: number;
  /** Gives the name back. */
  readonly release: () => void;
}

/**
 * A DRM device: its memory is a dumb buffer, each of its queues has a timeline of the kernel. What the hardware has not (a page table, a way to
 * make it access memory that all drivers share) the driver does in this process.
 */
export class DrmDevice extends DriverDevice<DrmMmu> {
  private readonly file: DrmRequests;
  private readonly frames: Frames;
  private readonly timelines: readonly Timeline[];
  private readonly others = new Set<Timeline>();
  private readonly stalls: Stalls;

  /** @throws MirrorError with the system's error as cause */
  constructor({ name, file, path, memory, release }: DrmSetup) {
    super({
      info: { name, backend: 'drm', description: `DRM device ${path}, driver ${file.driver()}` },
      limits: {
        pageSizes: [FRAME],
        memory,
        addressBits: 47,
        faultBuffer: 64,
        pagesPerCommand: 65_536,
        commandsPerSubmit: 1024,
        residentUnits: 1,
        preemptionUs: 0,
      },
      features: ['queues', 'replayable-faults', 'read-only-maps', 'accessed-bits', 'dirty-bits'],
      lanes: { userQueues: USER_QUEUES, settling: (queue, value) => this.reach(queue, value) },
      release,
    });
    this.file = file;
    this.stalls = new Stalls(name, this.faults);
    this.timelines = this.queues.map(() => new Timeline(file));
    this.frames = new Frames(file, memory / FRAME);
  }

  /** The device's frames as a file (dma-buf): frame `f` is its bytes from `f * 4096` on. For other devices and drivers. @throws MirrorError */
  shareMemory(): Descriptor {
    return this.frames.share();
  }

  /**
   * The timeline of a queue as a file: its points are the values of the queue's fences, and are reached before the fences settle, also those
   * that fail. @throws MirrorError, RangeError
   */
  shareTimeline(queue: number): Descriptor {
    const timeline = this.timelines[queue];
    if (timeline === undefined) throw new RangeError(`${this.info.name} has no queue ${String(queue)}`);
    return timeline.share();
  }

  /** The timeline of another device or driver: `at(point)` is a fence that submissions come after. It ends with this device. @throws MirrorError */
  importTimeline(shared: Descriptor): { at(point: number): Fence; close(): void } {
    const timeline = new Timeline(this.file, shared);
    this.others.add(timeline);
    return {
      at: (point) => timeline.at(point),
      close: () => {
        this.others.delete(timeline);
        timeline.close();
      },
    };
  }

  protected override makeMmu(id: number, { addressBits }: MmuOptions): DrmMmu {
    return new DrmMmu(id, addressBits, (mmu) => {
      if (this.forget(mmu.id)) this.stalls.fail(this.mmus.closed(mmu.id), mmu.id);
    });
  }

  protected override async execute(command: Command, queue: SubmissionQueue): Promise<void> {
    switch (command.kind) {
      case 'map':
      case 'unmap':
      case 'protect':
      case 'harvest':
        return this.mmus.get(command.mmu).change(command);
      case 'copyIn':
      case 'copyOut':
        return this.frames.copy(command);
      case 'read':
      case 'write':
      case 'fill':
        return this.access(command, queue);
      case 'replayFaults':
        return this.stalls.replay(command.mmu);
      case 'cancelFaults':
        return this.stalls.cancel(command);
      case 'flushTlb': // Nothing caches translations.
      case 'discard': // A buffer cannot give a part of its memory back.
        return;
      default:
        throw this.unsupported(command.kind);
    }
  }

  protected override stopped(error: MirrorError): void {
    this.stalls.fail(error);
    this.frames.stop(error);
  }

  protected override freed(): void {
    for (const timeline of [...this.timelines, ...this.others]) timeline.close();
    this.frames.close();
    this.file.close();
  }

  /** Does an access page by page; what was done before a page that is missing stays done. */
  private async access(command: PlainAccess, queue: SubmissionQueue): Promise<void> {
    const bytes = accessBytes(command);
    const read = new Uint8Array(command.kind === 'read' ? bytes : 0);
    await this.frames.ready(command.kind === 'read' ? 'read' : 'write');
    for (let done = 0; done < bytes;) {
      const address = command.address + done;
      const page = Math.floor(address / FRAME);
      const frame = this.mmus.get(command.mmu).translate(page, command.kind !== 'read');
      if (frame === undefined) {
        await this.stalls.wait(command.mmu, page, accessFault(command), queue);
        continue;
      }
      const offset = address - page * FRAME;
      const part = this.frames.of(frame).subarray(offset, offset + bytes - done);
      if (command.kind === 'read') read.set(part, done);
      else if (command.kind === 'write') part.set(command.from.subarray(done, done + part.length));
      else if (command.kind === 'fill') part.fill(command.value);
      done += part.length;
    }
    if (command.kind === 'read') command.into.set(read);
    this.faults.retired++;
  }

  /** Reaches a point of a queue's timeline: a driver that refuses that has gone, and its fences fail. */
  private reach(queue: SubmissionQueue, value: number): MirrorError | undefined {
    try {
      this.timelines[queue.id]!.signal(value);
      return undefined;
    } catch (error) {
      const cause = error instanceof MirrorError ? error.cause : error;
      const message = `${this.info.name} is gone: ${error instanceof Error ? error.message : String(error)}`;
      void this.lose(message, cause);
      return new MirrorError('DEVICE_LOST', message, { device: this.info.name, cause });
    }
  }
}
