import { CANCEL_CODES, checkMmuOptions, CommandLoop, FaultRing, MirrorError, MmuTable } from '@mirrorspace/core/driver';
import { FAULT_READ, FAULT_WRITE } from '@mirrorspace/core/driver';
import type { CancelFaultsCommand, Command, Device, DeviceFeature, DeviceMmu } from '@mirrorspace/core/driver';
import type { MmuOptions, SubmissionQueue } from '@mirrorspace/core/driver';
import { type AccessCommand, runAccess } from './access.js';
import { copyFrames } from './frames.js';
import { changeEntries, PAGE_SIZE, type PageTable } from './page-table.js';

const FEATURES: readonly DeviceFeature[] = ['replayable-faults', 'read-only-maps', 'accessed-bits', 'dirty-bits'];

/** An access under way: what is left of it, and the page it is stalled on until a replay. */
interface Access {
  readonly mmu: number;
  readonly run: Generator<number, undefined>;
  page: number | undefined;
}

/** One array of bytes behind page tables, with a paging queue and a user queue. */
export class PlainDevice implements Device {
  readonly info: Device['info'];
  readonly limits: Device['limits'];
  readonly features = new Set(FEATURES);
  readonly faults = new FaultRing(16);
  readonly queues: CommandLoop['queues'];
  readonly lost: Device['lost'];
  readonly #mmus: MmuTable<DeviceMmu & { readonly table: PageTable }>;
  readonly #loop: CommandLoop;
  readonly #start = performance.now();
  #memory: Uint8Array;
  /** At the head of the user queue. */
  #access: Access | undefined;
  #resolveLost!: (info: Awaited<Device['lost']>) => void;

  constructor(name: string, memory: number) {
    this.info = { name, backend: 'plain', description: `plain page device, ${memory} bytes` };
    const most = { pagesPerCommand: 1024, commandsPerSubmit: 64, residentUnits: 1, preemptionUs: 0 };
    this.limits = { pageSizes: [PAGE_SIZE], memory, addressBits: 47, faultBuffer: this.faults.capacity, ...most };
    this.lost = new Promise((resolve) => (this.#resolveLost = resolve));
    this.#memory = new Uint8Array(memory);
    this.#mmus = new MmuTable(name);
    this.#loop = new CommandLoop(this, this.#mmus, (command, queue) => this.#execute(command, queue));
    this.queues = this.#loop.queues;
  }

  now(): number {
    return (performance.now() - this.#start) * 1000;
  }

  async createMmu(options: MmuOptions): Promise<DeviceMmu> {
    const checked = checkMmuOptions(options, this);
    if (this.#loop.gone !== undefined) throw this.#loop.gone;
    return this.#mmus.open((id) => {
      return { id, kind: 'managed', ...checked, table: new Map(), close: async () => this.#closeMmu(id) };
    });
  }

  async close(): Promise<void> {
    if (this.#loop.gone !== undefined) return;
    const message = `${this.info.name} was closed.`;
    this.#loop.stop(new MirrorError('CLOSED', message, { device: this.info.name }));
    this.#memory = new Uint8Array(0);
    this.#resolveLost({ reason: 'closed', message });
  }

  #execute(command: Command, queue: SubmissionQueue): 'stalled' | void {
    switch (command.kind) {
      case 'map':
      case 'unmap':
      case 'protect':
      case 'harvest':
        return changeEntries(this.#mmus.get(command.mmu).table, command);
      case 'copyIn':
      case 'copyOut':
        return copyFrames(this.#memory, command);
      case 'read':
      case 'write':
      case 'fill':
        return this.#advance(command, queue);
      case 'replayFaults':
        return this.#replay(command.mmu);
      case 'cancelFaults':
        return this.#cancel(command);
      default: // flushTlb, but no translation is cached; discard, but no storage can be given back.
    }
  }

  /** Goes on with an access until it ends or faults. */
  #advance(command: AccessCommand, queue: SubmissionQueue): 'stalled' | void {
    const { mmu } = command;
    const run = this.#access?.run ?? runAccess(command, this.#mmus.get(mmu).table, this.#memory);
    this.#access = undefined;
    const page = run.next().value;
    if (page === undefined) {
      this.faults.retired++;
      return;
    }
    this.#access = { mmu, run, page };
    this.faults.report(mmu, page, command.kind === 'read' ? FAULT_READ : FAULT_WRITE, queue.id);
    return 'stalled';
  }

  #replay(mmu: number): void {
    if (this.#access?.mmu !== mmu) return;
    this.#access.page = undefined;
    this.#loop.resume(this.queues[1]);
  }

  #cancel({ mmu, pages, count, reasons }: CancelFaultsCommand): void {
    const page = this.#access?.mmu === mmu ? this.#access.page : undefined;
    const at = page === undefined ? -1 : pages.subarray(0, count).indexOf(page);
    if (page === undefined || at < 0) return;
    const code = CANCEL_CODES[reasons[at]!] ?? 'IO';
    const address = page * PAGE_SIZE;
    const message = `${this.info.name} may not access the page at 0x${address.toString(16)}: ${code}.`;
    this.#fail(new MirrorError(code, message, { device: this.info.name, address }));
  }

  #closeMmu(id: number): void {
    if (!this.#mmus.delete(id)) return;
    this.faults.purge(id);
    if (this.#access?.mmu === id) this.#fail(this.#mmus.closed(id));
  }

  /** Fails the access that is stalled. */
  #fail(error: MirrorError): void {
    this.#access = undefined;
    this.#loop.fail(this.queues[1], error);
  }
}
