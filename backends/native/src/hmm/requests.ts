import { MirrorError, SNAPSHOT_LOCAL, SNAPSHOT_READ, SNAPSHOT_WRITE } from '@mirrorspace/core/driver';
import type { Mapping } from '../addon/mapping.js';
import { HMM, HMM_PAGE, type HmmRequest, isCoherent, snapshotFlags } from './abi.js';
import { type Chunk, chunksOf, PAGES_AT_ONCE, Scratch } from './chunks.js';
import { refusalOf, storeRefused, unmapped } from './failure.js';
import type { DeviceNode } from './node-file.js';
import { copyWithin } from './own-memory.js';

/** Requests whose effect is told by a snapshot, and whose refusals are therefore no errors: some pages did not move. */
const PARTLY = new Set(['ENOENT', 'EBUSY']);

/** Requests of all nodes run one after the other, piece by piece, so that nothing is moved to a device while another piece is accessed: see `access`. */
let last: Promise<unknown> = Promise.resolve();

function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const done = last.then(work);
  last = done.catch(() => undefined);
  return done;
}

/** Whether a snapshot says that a page is in the device's memory, where only the device reaches it. */
function isPrivate(told: number): boolean {
  return (snapshotFlags(told) & SNAPSHOT_LOCAL) !== 0 && !isCoherent(told);
}

/**
 * A page table of the device, which mirrors this process's: what is asked by the one open file of its node. Addresses are those of the process, and
 * multiples of the page size. All requests run off the event loop, but for snapshots that are asked for at once.
 */
export class HmmFile {
  private readonly file: ReturnType<DeviceNode['open']>;
  private readonly scratch = new Scratch();
  private closed: Promise<void> | undefined;

  /** @throws MirrorError `UNSUPPORTED`, `IO` with the system's error as cause */
  constructor(
    readonly device: string,
    node: DeviceNode,
    /** Why the device makes no more requests, once it does not: its fences have failed then, and what they were to change is others'. */
    private readonly gone: () => MirrorError | undefined = () => undefined,
  ) {
    try {
      this.file = node.open();
    } catch (error) {
      throw refusalOf(device, error);
    }
  }

  /** Reads whole pages: `take` gets them piece by piece. */
  async read(address: number, pages: number, take: (bytes: Uint8Array, page: number) => void): Promise<void> {
    await this.each(address, pages, async (chunk, scratch, bytes) => {
      await this.access('read', chunk, scratch, bytes, () => undefined);
      this.checkLive();
      take(bytes.subarray(0, chunk.pages * HMM_PAGE), chunk.first);
    });
  }

  /** Writes whole pages: `give` fills them in piece by piece, more than once perhaps. */
  async write(address: number, pages: number, give: (bytes: Uint8Array, page: number) => void): Promise<void> {
    await this.each(address, pages, (chunk, scratch, bytes) =>
      this.access('write', chunk, scratch, bytes, () => give(bytes.subarray(0, chunk.pages * HMM_PAGE), chunk.first)),
    );
  }

  /** Stores bytes within one page, and nothing beside them; a page that was in memory that only the device reaches is there again. */
  async store(address: number, from: Uint8Array): Promise<void> {
    const lead = address % HMM_PAGE;
    await this.each(address - lead, 1, async (chunk, scratch, bytes) => {
      await this.ask('snapshot', chunk, scratch);
      const told = bytes[0]!;
      this.checkLive();
      bytes.set(from);
      try {
        await copyWithin(chunk.mapping, chunk.offset + lead, scratch, from.length);
      } catch (error) {
        if (chunk.mapping.closed) throw unmapped(this.device, chunk.address, error);
        throw storeRefused(this.device, error, address, (snapshotFlags(told) & SNAPSHOT_READ) !== 0);
      }
      if (isPrivate(told)) await this.ask('toDevice', chunk, scratch, PARTLY);
    });
  }

  /** Moves pages, best effort; resolves to how many moved, by what snapshots say. */
  async migrate(address: number, pages: number, to: 'device' | 'host'): Promise<number> {
    let moved = 0;
    await this.each(address, pages, async (chunk, scratch, bytes) => {
      const before = await this.localIn(chunk, scratch, bytes);
      await this.ask(to === 'device' ? 'toDevice' : 'toSystem', chunk, scratch, PARTLY);
      const now = await this.localIn(chunk, scratch, bytes);
      moved += to === 'device' ? now - before : before - now;
    });
    return Math.max(0, moved);
  }

  /** Where pages are: `SNAPSHOT_*` flags a page; what the driver itself says, where `raw`. */
  async snapshot(address: number, flags: Uint8Array, raw = false): Promise<void> {
    await this.each(address, flags.length, async (chunk, scratch, bytes) => {
      await this.ask('snapshot', chunk, scratch);
      for (let i = 0; i < chunk.pages; i++) flags[chunk.first + i] = raw ? bytes[i]! : snapshotFlags(bytes[i]!);
    });
  }

  /** The same at once, without leaving the event loop. */
  look(address: number, flags: Uint8Array): void {
    this.checkOpen();
    const scratch = this.scratch.take();
    try {
      const bytes = new Uint8Array(scratch.arrayBuffer(0, PAGES_AT_ONCE));
      for (const chunk of chunksOf(this.device, address, flags.length)) {
        const pointees = { addr: [chunk.mapping, chunk.offset], ptr: [scratch, 0] } as const;
        this.file.call(HMM.snapshot, { npages: chunk.pages }, pointees);
        for (let i = 0; i < chunk.pages; i++) flags[chunk.first + i] = snapshotFlags(bytes[i]!);
      }
    } catch (error) {
      throw refusalOf(this.device, error, address);
    } finally {
      this.scratch.rest(scratch);
    }
  }

  /** Takes pages for the device alone; resolves to how many it has so, by asking for each. */
  async exclusive(address: number, pages: number): Promise<number> {
    let taken = 0;
    await this.each(address, pages, async (chunk, scratch) => {
      await this.ask('exclusive', chunk, scratch, PARTLY);
      for (let i = 0; i < chunk.pages; i++) if (await this.isExclusive(pageOf(chunk, i), scratch)) taken++;
    });
    return taken;
  }

  /** Which pages are the device's alone: 1 or 0 a page. */
  async checkExclusive(address: number, pages: number): Promise<Uint8Array> {
    const result = new Uint8Array(pages);
    await this.each(address, pages, async (chunk, scratch) => {
      for (let i = 0; i < chunk.pages; i++)
        result[chunk.first + i] = (await this.isExclusive(pageOf(chunk, i), scratch)) ? 1 : 0;
    });
    return result;
  }

  /** Gives back all of the device's memory, whoever's pages are in it: they go to system memory. */
  async release(): Promise<void> {
    this.checkLive();
    try {
      await inTurn(() => this.file.start(HMM.release, { npages: 1 }));
    } catch (error) {
      throw refusalOf(this.device, error);
    }
  }

  /** Makes no more requests; resolves when those under way have ended. */
  close(): Promise<void> {
    return (this.closed ??= inTurn(async () => this.scratch.close()));
  }

  /** @throws MirrorError where nothing may be done for commands any more */
  checkLive(): void {
    const gone = this.gone();
    if (gone !== undefined) throw gone;
    this.checkOpen();
  }

  private checkOpen(): void {
    if (this.closed !== undefined)
      throw new MirrorError('CLOSED', `the page table of ${this.device} was closed`, { device: this.device });
  }

  /** The driver has no other answer to whether a page is exclusive than a refusal. */
  private async isExclusive(chunk: Chunk, scratch: Mapping): Promise<boolean> {
    return (await this.ask('checkExclusive', chunk, scratch, new Set(['EPERM']))) !== undefined;
  }

  /**
   * Makes an access of a range. In Linux 6.12 the driver, when it has to look for a page of a range, looks for all that follow, and takes what is in
   * the device's private memory for system memory: the kernel ends. So pages there are accessed each by itself, for the CPU may take any of them
   * home meanwhile, and only where the device's own table has them. It has not after a fork or a change of rights; nor has it a page behind any that
   * the kernel invalidates, as it does where another device's come home to be accessed: so what is elsewhere is accessed before, and the table looked at then.
   *
   * @param give - Fills the scratch memory; moving pages uses it, too.
   */
  private async access(
    request: 'read' | 'write',
    chunk: Chunk,
    scratch: Mapping,
    bytes: Uint8Array,
    give: () => void,
  ): Promise<void> {
    await this.ask('snapshot', chunk, scratch);
    const told = bytes.slice(0, chunk.pages);
    const runs = [...runsOf(told)];
    give();
    for (const { from, to, there } of runs) if (!there) await this.ask(request, part(chunk, from, to - from), scratch);
    for (const { from, to, there } of runs) {
      if (!there) continue;
      // What was read before must stay: what moves leaves its own content in the scratch memory, which for reads is the same.
      await this.settle(
        part(chunk, from, to - from),
        scratch,
        request === 'write' ? told.subarray(from, to) : undefined,
      );
      give();
      for (let page = from; page < to; page++) await this.ask(request, pageOf(chunk, page), scratch);
    }
  }

  /**
   * Sees to it that the device's table has private pages, which it has where it is to move them there: that moves nothing, and is refused where it
   * lacks one. With `written`, what a snapshot says of them, they are to be written: one that may only be read there has to become another one in system memory first.
   */
  private async settle(run: Chunk, scratch: Mapping, written?: Uint8Array): Promise<void> {
    const moves = written?.some((flags) => (snapshotFlags(flags) & SNAPSHOT_WRITE) === 0) === true;
    if (!moves && (await this.ask('toDevice', run, scratch, PARTLY)) === undefined) return;
    await this.ask('toSystem', run, scratch);
    if (!moves) await this.ask('toDevice', run, scratch, PARTLY);
  }

  private async localIn(chunk: Chunk, scratch: Mapping, bytes: Uint8Array): Promise<number> {
    await this.ask('snapshot', chunk, scratch);
    let local = 0;
    for (let i = 0; i < chunk.pages; i++) if ((snapshotFlags(bytes[i]!) & SNAPSHOT_LOCAL) !== 0) local++;
    return local;
  }

  /** Makes a request; resolves to the code of a refusal that is none, for what is asked. */
  private async ask(
    request: HmmRequest,
    chunk: Chunk,
    scratch: Mapping,
    expected?: ReadonlySet<string>,
  ): Promise<string | undefined> {
    this.checkLive();
    if (chunk.mapping.closed) throw unmapped(this.device, chunk.address);
    const pointees = { addr: [chunk.mapping, chunk.offset], ptr: [scratch, chunk.at * HMM_PAGE] } as const;
    try {
      await this.file.start(HMM[request], { npages: chunk.pages }, pointees);
      return undefined;
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== undefined && expected?.has(code)) return code;
      if (chunk.mapping.closed) throw unmapped(this.device, chunk.address, error);
      throw refusalOf(this.device, error, chunk.address);
    }
  }

  /** Calls `use` for each piece of a range that one request can do. */
  private async each(
    address: number,
    pages: number,
    use: (chunk: Chunk, scratch: Mapping, bytes: Uint8Array) => Promise<void>,
  ): Promise<void> {
    const scratch = this.scratch.take();
    try {
      const bytes = new Uint8Array(scratch.arrayBuffer(0, scratch.length));
      for (const chunk of chunksOf(this.device, address, pages)) await inTurn(() => use(chunk, scratch, bytes));
    } finally {
      this.scratch.rest(scratch);
    }
  }
}

/** Runs of pages that are all in private memory of the device, or none of them, by what a snapshot says. */
function* runsOf(told: Uint8Array): Generator<{ from: number; to: number; there: boolean }> {
  for (let from = 0; from < told.length;) {
    const there = isPrivate(told[from]!);
    let to = from + 1;
    while (to < told.length && isPrivate(told[to]!) === there) to++;
    yield { from, to, there };
    from = to;
  }
}

/** Some pages of a chunk. */
function part(chunk: Chunk, page: number, pages: number): Chunk {
  const skipped = page * HMM_PAGE;
  return { ...chunk, offset: chunk.offset + skipped, address: chunk.address + skipped, pages, at: page };
}

/** One page of a chunk. */
function pageOf(chunk: Chunk, page: number): Chunk {
  return part(chunk, page, 1);
}
