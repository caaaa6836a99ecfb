import type { MessagePort } from 'node:worker_threads';
import { CANCEL_CLOSED } from '@mirrorspace/core/driver';
import { HEAD, LANE, MMU, STATUS } from '../words.js';
import { COMMAND, OP } from '../mail.js';
import type { Shared } from '../shared.js';
import { Copies } from './copies.js';
import { Commands } from './commands.js';
import { Doorbell } from './doorbell.js';
import { EngineLane, WAITING } from './engine-lane.js';
import { PageTables, TablesFull } from './page-table.js';
import { Slots } from './slots.js';

const SLEEP_MS = 1000;
/** How often units that run are looked at. */
const WATCH_MS = 50;
/** No chunk of a launch is left to take. */
const NO_MORE = 2 ** 30;

/** The engine's thread: takes commands from the lanes, the highest rank first, equals in turn, and runs one at a time. */
export class Engine {
  readonly #shared: Shared;
  readonly #tables: PageTables;
  readonly #commands: Commands;
  readonly #slots: Slots;
  readonly #copies: Copies;
  readonly #doorbell: Doorbell;
  readonly #lanes: EngineLane[];
  readonly #tell: () => void;
  #last = 0;

  /**
   * @param port brings shared buffers of the host
   * @param tell there is news for the host
   */
  constructor(shared: Shared, port: MessagePort, tell: () => void) {
    this.#copies = new Copies(shared, port);
    this.#doorbell = new Doorbell(shared.words);
    this.#shared = shared;
    this.#tell = tell;
    this.#tables = new PageTables(shared);
    this.#commands = new Commands(shared, this.#tables);
    this.#slots = new Slots(shared);
    this.#lanes = shared.shape.ranks.map((rank, id) => new EngineLane(id, rank));
  }

  /** Runs until the device is closed. */
  run(): void {
    const { words } = this.#shared;
    while (Atomics.load(words, HEAD.closed) === 0) {
      const seen = Atomics.load(words, HEAD.doorbell);
      if (Atomics.load(words, HEAD.hangs) === 0)
        for (let lane = this.#pick(); lane !== undefined; lane = this.#pick()) this.#step(lane);
      if (this.#doorbell.ringsSoon(seen)) continue;
      const busy = this.#lanes.some(({ waiting }) => waiting === WAITING.units || waiting === WAITING.acknowledgements);
      Atomics.wait(words, HEAD.doorbell, seen, busy ? WATCH_MS : SLEEP_MS);
      if (busy && this.#slots.watch(performance.now())) this.#tell();
    }
  }

  #pick(): EngineLane | undefined {
    let best: EngineLane | undefined;
    const lanes = this.#lanes;
    for (let i = 1; i <= lanes.length; i++) {
      const lane = lanes[(this.#last + i) % lanes.length]!;
      if ((best === undefined || lane.rank > best.rank) && this.#isReady(lane)) best = lane;
    }
    if (best !== undefined) this.#last = best.id;
    return best;
  }

  #isReady(lane: EngineLane): boolean {
    const at = this.#shared.layout.lane(lane.id);
    if (lane.at === 0) {
      if (this.#shared.load(at, LANE.sent) === lane.ended) return false;
      lane.at = this.#shared.layout.mail(lane.id);
      lane.index = 0;
      return true;
    }
    switch (lane.waiting) {
      case WAITING.nothing:
        return true;
      case WAITING.acknowledgements:
        return this.#slots.acknowledged(lane.mmu, lane.epoch);
      case WAITING.units:
        if (this.#slots.haveEnded(lane.id)) return true;
        this.#endUnits(lane, at);
        return false;
      default:
        return this.#isClosed(lane.mmu);
    }
  }

  #isClosed(mmu: number): boolean {
    return this.#shared.load(this.#shared.layout.mmu(mmu), MMU.closed) !== 0;
  }

  /** Once a launch failed, or its MMU was closed, no unit begins, and none stays stalled. */
  #endUnits(lane: EngineLane, at: number): void {
    const { words } = this.#shared;
    if (this.#isClosed(lane.mmu)) Atomics.compareExchange(words, (at >>> 2) + LANE.failed, 0, STATUS.closed);
    if (this.#shared.load(at, LANE.failed) === STATUS.done) return;
    this.#shared.store(at, LANE.next, NO_MORE);
    this.#slots.releaseUnits(lane.id, Infinity, 1 + CANCEL_CLOSED);
  }

  /** Goes on with a lane: one command, or the end of one that had to wait. */
  #step(lane: EngineLane): void {
    const at = this.#shared.layout.lane(lane.id);
    switch (lane.waiting) {
      case WAITING.acknowledgements:
        this.#tables.free(lane.detached);
        return this.#next(lane);
      case WAITING.units: {
        const status = this.#shared.load(at, LANE.failed);
        if (status === STATUS.done) this.#next(lane);
        else this.#end(lane, status);
        return;
      }
      case WAITING.replay:
        this.#slots.resume(lane.id);
        return this.#end(lane, STATUS.closed);
      default:
        try {
          this.#execute(lane);
        } catch (error) {
          if (!(error instanceof TablesFull)) throw error;
          this.#end(lane, STATUS.full);
        }
    }
  }

  #execute(lane: EngineLane): void {
    const { words } = this.#shared;
    const at = lane.at >>> 2;
    const op = words[at + COMMAND.op]!;
    lane.mmu = words[at + COMMAND.mmu]!;
    switch (op) {
      case OP.end:
        return this.#end(lane, STATUS.done);
      case OP.map:
        if (this.#commands.map(lane.at)) return this.#next(lane);
        return this.#end(lane, STATUS.overlap, this.#commands.address);
      case OP.unmap:
      case OP.protect:
        this.#commands.change(lane.at, op);
        return this.#next(lane);
      case OP.harvest:
        // A translation that a unit still uses would set no bit again.
        this.#commands.change(lane.at, op);
        return this.#shoot(lane, []);
      case OP.flushTlb:
        return this.#shoot(lane, this.#tables.detach(lane.mmu));
      case OP.replayFaults:
        this.#replay(lane.mmu, words[at + COMMAND.extra]! || Infinity);
        return this.#next(lane);
      case OP.cancelFaults:
        this.#slots.listed(lane.at, (slot, address, reason) => this.#cancel(slot, address, reason));
        return this.#next(lane);
      case OP.launch:
        if (this.#isClosed(lane.mmu)) return this.#end(lane, STATUS.closed);
        this.#slots.start(lane.id, lane.mmu);
        lane.waiting = WAITING.units;
        return;
      case OP.copyIn:
      case OP.copyOut:
        this.#copies.run(lane.at, op);
        return this.#next(lane);
      case OP.openMmu:
        this.#commands.open(lane.mmu);
        return this.#next(lane);
      case OP.closeMmu:
        this.#tables.close(lane.mmu);
        return this.#next(lane);
      default:
        return this.#access(lane, op);
    }
  }

  /** Has every unit that runs on the MMU give up the translations that it has. */
  #shoot(lane: EngineLane, detached: readonly number[]): void {
    lane.epoch = this.#shared.add(this.#shared.layout.mmu(lane.mmu), MMU.epoch, 1) + 1;
    this.#slots.request(lane.mmu);
    lane.detached = detached;
    lane.waiting = WAITING.acknowledgements;
  }

  #access(lane: EngineLane, op: number): void {
    const at = lane.at >>> 2;
    const { words } = this.#shared;
    if (this.#isClosed(lane.mmu)) return this.#end(lane, STATUS.closed);
    lane.done = this.#commands.access(lane.at, op, lane.done);
    if (lane.done < words[at + COMMAND.count]!) {
      lane.waiting = WAITING.replay;
      this.#slots.stall(lane.id, lane.mmu, this.#commands.address, this.#commands.fault);
      return this.#tell();
    }
    lane.done = 0;
    // The last part of it.
    if (words[at + COMMAND.size] === 1) Atomics.add(words, HEAD.retired, 1);
    this.#next(lane);
  }

  #replay(mmu: number, window: number): void {
    for (const lane of this.#lanes) {
      if (lane.at === 0 || lane.mmu !== mmu) continue;
      if (lane.waiting === WAITING.units) this.#slots.releaseUnits(lane.id, window, 0);
      if (lane.waiting !== WAITING.replay) continue;
      this.#slots.resume(lane.id);
      lane.waiting = WAITING.nothing;
    }
  }

  #cancel(slot: number, address: number, reason: number): void {
    const lane = this.#lanes[slot];
    if (lane === undefined) return this.#slots.release(slot, 1 + reason);
    this.#slots.resume(slot);
    this.#end(lane, STATUS.cancelled, address, reason);
  }

  #next(lane: EngineLane): void {
    lane.at += this.#shared.words[(lane.at >>> 2) + COMMAND.bytes]!;
    lane.index++;
    lane.waiting = WAITING.nothing;
  }

  #end(lane: EngineLane, status: number, address?: number, detail?: number): void {
    const at = this.#shared.layout.lane(lane.id);
    if (address !== undefined) this.#shared.setNumber(at, LANE.address, address);
    if (detail !== undefined) this.#shared.store(at, LANE.detail, detail);
    this.#shared.store(at, LANE.failedAt, lane.index);
    this.#shared.store(at, LANE.status, status);
    lane.at = 0;
    lane.done = 0;
    lane.waiting = WAITING.nothing;
    this.#shared.store(at, LANE.done, ++lane.ended);
    this.#tell();
  }
}
