import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { HEAD, LANE, SLOT, STATE, STATUS } from './words.js';
import type { Modules } from './modules.js';
import type { Compiled } from './programs.js';
import type { Shared } from './shared.js';
import { Thread, type ThreadListener } from './threads.js';

interface Unit {
  readonly thread: Thread;
  readonly programs: MessagePort;
  readonly known: Set<number>;
}

/** The compute units of a device, by slot: started when a launch first needs them, and again after one did not end. */
export class Units {
  readonly #shared: Shared;
  readonly #modules: Modules;
  readonly #listener: ThreadListener;
  readonly #units = new Map<number, Unit>();
  readonly #ending = new Set<Promise<void>>();
  #overdue = 0;

  constructor(shared: Shared, modules: Modules, listener: ThreadListener) {
    this.#shared = shared;
    this.#modules = modules;
    this.#listener = listener;
  }

  /** Makes sure that `count` units of a lane run and know a program. */
  prepare(lane: number, count: number, { number, module }: Compiled): void {
    const { layout } = this.#shared;
    for (let unit = 0; unit < count; unit++) {
      const slot = layout.unitSlot(lane, unit);
      let known = this.#units.get(slot);
      if (known === undefined) this.#units.set(slot, (known = this.#start(lane, slot)));
      if (known.known.has(number)) continue;
      known.known.add(number);
      known.programs.postMessage({ program: number, module });
    }
  }

  /** Ends the threads of units that did not end in time; their launches fail. */
  endOverdue(): void {
    const { layout, shape, words } = this.#shared;
    const overdue = Atomics.load(words, HEAD.overdue);
    if (overdue === this.#overdue) return;
    this.#overdue = overdue;
    for (let slot = shape.lanes; slot < layout.slots; slot++) {
      const at = layout.slot(slot);
      const unit = this.#units.get(slot);
      if (unit === undefined || this.#shared.load(at, SLOT.overdue) === 0) continue;
      this.#units.delete(slot);
      const ended = this.#end(slot, unit).finally(() => this.#ending.delete(ended));
      this.#ending.add(ended);
    }
  }

  /** Resolves when all threads have left the device, which was closed. */
  async leave(): Promise<void> {
    const threads = [...this.#units.values()];
    this.#units.clear();
    await Promise.all([...this.#ending, ...threads.map(({ thread }) => thread.leave())]);
    for (const { programs } of threads) programs.close();
  }

  #start(lane: number, slot: number): Unit {
    const { shape, control, frames, layout } = this.#shared;
    const { port1, port2 } = new MessageChannel();
    port1.unref();
    this.#shared.store(layout.slot(slot), SLOT.state, STATE.idle);
    const unit = { slot, lane, ...this.#modules };
    const thread = Thread.start({ shape, control, frames, port: port2, unit }, this.#listener);
    return { thread, programs: port1, known: new Set() };
  }

  async #end(slot: number, { thread, programs }: Unit): Promise<void> {
    const { layout, shape, words } = this.#shared;
    await thread.end();
    programs.close();
    const at = layout.slot(slot);
    const lane = layout.lane(layout.laneOf(slot));
    this.#shared.store(at, SLOT.overdue, 0);
    const state = this.#shared.load(at, SLOT.state);
    if (state === STATE.faulted) Atomics.sub(words, HEAD.stalled, 1);
    if (state !== STATE.idle && Atomics.compareExchange(words, (lane >>> 2) + LANE.failed, 0, STATUS.program) === 0) {
      const message = new TextEncoder().encode(
        `a work unit neither ended nor accessed a missing page for ${shape.unitMs} ms`,
      );
      words[layout.message(slot) >>> 2] = message.length;
      this.#shared.bytes.set(message, layout.message(slot) + 4);
      this.#shared.store(lane, LANE.detail, slot);
    }
    this.#shared.store(at, SLOT.state, STATE.none);
    this.#shared.ring();
  }
}
