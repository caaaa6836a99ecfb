import {
  type HostMemory,
  type LiveMemory,
  type LiveRange,
  managedMemory,
  type ManagedMemoryOptions,
  MirrorError,
} from '@mirrorspace/core';

/** Bytes of a page of the process. */
export const PROCESS_PAGE = 4096;
/** Places of live pages have numbers from here on, and their frames from the other. */
const FIRST_PLACE = 2 ** 30;
const FIRST_LIVE = 2 ** 16;
const MOST_LIVE = 2 ** 24;
/** Where live ranges begin in the process. */
const BASE = 2 ** 40;

/** What devices know of themselves by: who has a page. */
export type PageOwner = object;

/** Memory that the process has mapped, page by page: where its bytes are, and which device has them. */
interface ProcessRange {
  readonly first: number;
  readonly count: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * The process that devices of this backend mirror. Its live ranges are ArrayBuffers at addresses of its own; what a device has is there, too, as memory
 * is that the CPU reaches, so plain loads and stores move nothing.
 */
export class SimulatedProcess {
  private readonly ranges: ProcessRange[] = [];
  private readonly owners = new Map<number, PageOwner>();

  /** Whose memory a page is in; `undefined`: the host's. */
  ownerOf(page: number): PageOwner | undefined {
    return this.owners.get(page);
  }

  /** Puts a page in somebody's memory, or home. */
  give(page: number, owner: PageOwner | undefined): void {
    if (owner === undefined) this.owners.delete(page);
    else this.owners.set(page, owner);
  }

  /** Pages that an owner has. */
  countOf(owner: PageOwner): number {
    let count = 0;
    for (const other of this.owners.values()) if (other === owner) count++;
    return count;
  }

  /** Takes home what an owner has. */
  release(owner: PageOwner): void {
    for (const [page, other] of this.owners) if (other === owner) this.owners.delete(page);
  }

  /**
   * The parts of a range of its addresses, in order.
   * @throws MirrorError `ADDRESS_NOT_MAPPED` where it has nothing; nothing was given then
   */
  parts(device: string, address: number, bytes: number): Uint8Array[] {
    const parts: Uint8Array[] = [];
    for (let at = address; at < address + bytes;) {
      const range = this.ranges.find(({ first, count }) => at >= addressOf(first) && at < addressOf(first + count));
      if (range === undefined)
        throw new MirrorError('ADDRESS_NOT_MAPPED', `${device}: the process has nothing at 0x${at.toString(16)}`, {
          device,
          address: at,
        });
      const offset = at - addressOf(range.first);
      const length = Math.min(range.bytes.length - offset, address + bytes - at);
      parts.push(range.bytes.subarray(offset, offset + length));
      at += length;
    }
    return parts;
  }

  /** Host memory whose live ranges are this process's. @throws TypeError, RangeError as `managedMemory` */
  memory(options: Pick<ManagedMemoryOptions, 'limit'> = {}): HostMemory {
    // Frames that only holds reach have the numbers below those of live ones: core keeps arrays by number.
    const limit = Math.min(options.limit ?? Infinity, FIRST_LIVE * PROCESS_PAGE);
    const held = managedMemory({ limit, pageSize: PROCESS_PAGE });
    const live = this.live();
    const rangeOf = (frame: number) => this.rangeOf(frame - FIRST_LIVE);
    const offsetIn = ({ first }: ProcessRange, frame: number) => (frame - FIRST_LIVE - first) * PROCESS_PAGE;
    const isLive = (frame: number) => frame >= FIRST_LIVE;
    return {
      kind: 'native',
      pageSize: PROCESS_PAGE,
      limit: held.limit,
      tracker: held.tracker,
      get used() {
        return held.used;
      },
      get metadataBytes() {
        return held.metadataBytes;
      },
      allocate: (count) => held.allocate(count),
      free: (frame) => (isLive(frame) ? live.free(Uint32Array.of(frame), 1) : held.free(frame)),
      zero: (frame) => (isLive(frame) ? undefined : held.zero(frame)),
      commit: (first, count) => (isLive(first) ? undefined : held.commit(first, count)),
      view(first, count) {
        if (!isLive(first)) return held.view(first, count);
        const range = rangeOf(first);
        const at = offsetIn(range, first);
        return at + count * PROCESS_PAGE <= range.bytes.length
          ? range.bytes.subarray(at, at + count * PROCESS_PAGE)
          : undefined;
      },
      bufferOf: (frame) => (isLive(frame) ? rangeOf(frame).bytes : held.bufferOf(frame)),
      offsetOf: (frame) => (isLive(frame) ? offsetIn(rangeOf(frame), frame) : held.offsetOf(frame)),
      live,
    };
  }

  private live(): LiveMemory {
    return {
      stops: false,
      mirrored: true,
      onFault: undefined,
      open: (count) => this.open(count),
      take: (place) => place - FIRST_PLACE + FIRST_LIVE,
      free: (frames, count) => {
        for (let i = 0; i < count; i++) this.forget(frames[i]! - FIRST_LIVE);
      },
      withhold: () => {
        throw new MirrorError('UNSUPPORTED', 'pages of the process itself are withheld by nobody');
      },
      restore: () => undefined,
      collect: () => 0,
    };
  }

  private open(count: number): LiveRange {
    const first = this.gap(count);
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = new Uint8Array(count * PROCESS_PAGE);
    } catch (cause) {
      throw new MirrorError('OUT_OF_HOST_MEMORY', `the engine has no ${count * PROCESS_PAGE} bytes left`, { cause });
    }
    const range = { first, count, bytes };
    this.ranges.push(range);
    this.ranges.sort((a, b) => a.first - b.first);
    let open = true;
    return {
      first: FIRST_PLACE + first,
      count,
      address: addressOf(first),
      buffer(offset, length, shared) {
        if (!open) throw new MirrorError('CLOSED', 'the range was closed; map another one');
        if (shared || offset !== 0 || length !== bytes.length)
          throw new MirrorError(
            'UNSUPPORTED',
            'JavaScript has no buffers over a part of others: take the buffer of the whole region, not shared, and a view of it',
          );
        return bytes.buffer;
      },
      close: () => {
        if (!open) return;
        open = false;
        this.ranges.splice(this.ranges.indexOf(range), 1);
        for (let page = 0; page < count; page++) this.owners.delete(addressOf(first + page) / PROCESS_PAGE);
        structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
      },
    };
  }

  /** A page is nobody's any more: zeros, and at home. */
  private forget(at: number): void {
    const { first, bytes } = this.rangeOf(at);
    bytes.fill(0, (at - first) * PROCESS_PAGE, (at + 1 - first) * PROCESS_PAGE);
    this.owners.delete(addressOf(at) / PROCESS_PAGE);
  }

  private rangeOf(at: number): ProcessRange {
    return this.ranges.find(({ first, count }) => at >= first && at < first + count)!;
  }

  /** The first of `count` free pages side by side. Between two ranges one stays free, and blocks of 64 are one range's alone. */
  private gap(count: number): number {
    let first = 0;
    for (const range of this.ranges) {
      if (range.first - first > count) break;
      first = Math.ceil((range.first + range.count + 1) / 64) * 64;
    }
    if (first + count <= MOST_LIVE) return first;
    throw new MirrorError('OUT_OF_HOST_MEMORY', `${count} live pages do not fit beside the others; unmap some`);
  }
}

/** Where the process has a live page. */
function addressOf(page: number): number {
  return BASE + page * PROCESS_PAGE;
}
