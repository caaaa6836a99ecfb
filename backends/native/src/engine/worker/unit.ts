import type { MessagePort } from 'node:worker_threads';
import { receiveMessageOnPort } from 'node:worker_threads';
import { HEAD, LANE, SLOT, STATE, STATUS } from '../words.js';
import { COMMAND_BYTES, LAUNCH } from '../mail.js';
import { IMPORTS } from '../imports.js';
import { BASE_EXPORT } from '../link/link.js';
import type { Shared } from '../shared.js';

const SLEEP_MS = 1000;
const NO_MORE = 2 ** 30;

/** What a compute unit's thread is told, beside the memories. */
export interface UnitJob {
  readonly slot: number;
  readonly lane: number;
  readonly core: WebAssembly.Module;
  readonly accessors: WebAssembly.Module;
}

/** A program, by the number that launches name. */
export interface ProgramMessage {
  readonly program: number;
  readonly module: WebAssembly.Module;
}

/** Thrown through the program when its access was cancelled, or the device closed. */
class Ended extends Error {}

type Run = (x: number, y: number, z: number) => void;

interface CoreExports {
  readonly begin: (mmu: number) => void;
  readonly slot: WebAssembly.Global<'i32'>;
  readonly cache: WebAssembly.Global<'i32'>;
  readonly args: WebAssembly.Global<'i32'>;
  readonly argCount: WebAssembly.Global<'i32'>;
}

interface WordExports {
  readonly begin: () => void;
  readonly base: WebAssembly.Global<'i32'>;
}

/** A compute unit: a thread that takes work units of its lane's launches, and waits where a page is missing. */
export class Unit {
  readonly #shared: Shared;
  readonly #job: UnitJob;
  readonly #port: MessagePort;
  readonly #tell: () => void;
  readonly #core: CoreExports;
  readonly #words: WordExports;
  readonly #imports: WebAssembly.Imports;
  readonly #slot: number;
  readonly #lane: number;
  readonly #programs = new Map<number, Run>();

  /**
   * @param port brings programs before the first launch of each
   * @param tell there is news for the host
   */
  constructor(shared: Shared, job: UnitJob, port: MessagePort, tell: () => void) {
    this.#port = port;
    this.#shared = shared;
    this.#job = job;
    this.#tell = tell;
    this.#slot = shared.layout.slot(job.slot);
    this.#lane = shared.layout.lane(job.lane);
    const core = new WebAssembly.Instance(job.core, {
      control: { memory: shared.control },
      host: { stall: (address: number, access: number) => this.#stall(address, access) },
    });
    this.#core = core.exports as WebAssembly.Exports & CoreExports;
    this.#core.slot.value = this.#slot;
    this.#core.cache.value = shared.layout.cache(job.slot);
    const frames = { memory: shared.frames };
    const words = new WebAssembly.Instance(job.accessors, { frames, core: core.exports });
    this.#words = words.exports as WebAssembly.Exports & WordExports;
    this.#words.base.value = shared.layout.tlb(job.slot);
    const offered: Readonly<Record<string, WebAssembly.ImportValue>> = { ...core.exports, ...words.exports, ...frames };
    this.#imports = { mirrorspace: Object.fromEntries([...IMPORTS].map((name) => [name, offered[name]!])) };
  }

  /** Serves launches until the device is closed. */
  run(): void {
    const { words } = this.#shared;
    const state = (this.#slot >>> 2) + SLOT.state;
    while (Atomics.load(words, HEAD.closed) === 0) {
      if (Atomics.load(words, state) === STATE.start) this.#launch();
      else Atomics.wait(words, state, STATE.idle, SLEEP_MS);
    }
  }

  #launch(): void {
    this.#beat();
    this.#shared.store(this.#slot, SLOT.state, STATE.run);
    try {
      this.#runUnits();
    } catch (error) {
      if (!(error instanceof Ended)) this.#fail(STATUS.program, 0, this.#job.slot, describe(error));
    }
    this.#shared.store(this.#slot, SLOT.state, STATE.idle);
    this.#shared.ring();
    // Others may be stalled, and now nothing else runs.
    this.#tell();
  }

  #runUnits(): void {
    const { layout, floats, words } = this.#shared;
    const mail = layout.mail(this.#job.lane) + COMMAND_BYTES;
    const first = mail >>> 3;
    const run = this.#program(floats[first + LAUNCH.program]!);
    this.#core.args.value = mail + 8 * LAUNCH.args;
    this.#core.argCount.value = words[(layout.mail(this.#job.lane) >>> 2) + 2]!;
    this.#core.begin(layout.mmu(this.#shared.load(this.#slot, SLOT.mmu)));
    this.#words.begin();
    const width = floats[first + LAUNCH.x]!;
    const height = floats[first + LAUNCH.y]!;
    const chunk = floats[first + LAUNCH.chunk]!;
    const total = width * height * floats[first + LAUNCH.z]!;
    const chunks = this.#shared.load(this.#lane, LANE.chunks);
    for (;;) {
      const taken = this.#shared.add(this.#lane, LANE.next, 1);
      if (taken >= chunks || taken < 0) return;
      const end = Math.min(total, (taken + 1) * chunk);
      for (let index = taken * chunk; index < end; index++) {
        const row = index < width ? 0 : Math.floor(index / width);
        const depth = row < height ? 0 : Math.floor(row / height);
        run(index - row * width, row - depth * height, depth);
        this.#beat();
        Atomics.add(words, HEAD.retired, 1);
      }
    }
  }

  #program(number: number): Run {
    const known = this.#programs.get(number);
    if (known !== undefined) return known;
    for (;;) {
      const received = receiveMessageOnPort(this.#port) as { message: ProgramMessage } | undefined;
      if (received === undefined) throw new Error('the program did not arrive');
      const { program, module } = received.message;
      const { exports } = new WebAssembly.Instance(module, this.#imports);
      const base = exports[BASE_EXPORT];
      if (base instanceof WebAssembly.Global) base.value = this.#words.base.value;
      this.#programs.set(program, exports['run'] as Run);
      if (program === number) return exports['run'] as Run;
    }
  }

  /** A page is missing: reports it, and waits for the replay. @throws Ended */
  #stall(address: number, access: number): void {
    const { layout, words } = this.#shared;
    const slot = this.#slot;
    const mmu = layout.mmu(this.#shared.load(slot, SLOT.mmu));
    if (address >= this.#shared.number(mmu, 2)) {
      this.#fail(STATUS.beyond, address, 0);
      throw new Ended();
    }
    this.#shared.setNumber(slot, SLOT.address, address);
    this.#shared.store(slot, SLOT.access, access);
    this.#shared.add(slot, SLOT.fault, 1);
    this.#shared.store(slot, SLOT.state, STATE.faulted);
    Atomics.add(words, HEAD.stalled, 1);
    this.#tell();
    // What is to be flushed waits for this slot no longer. A launch that failed meanwhile releases it.
    this.#shared.ring();
    while (this.#shared.load(slot, SLOT.state) === STATE.faulted)
      Atomics.wait(words, (slot >>> 2) + SLOT.state, STATE.faulted, SLEEP_MS);
    if (Atomics.load(words, HEAD.closed) !== 0) throw new Ended();
    this.#beat();
    this.#shared.store(slot, SLOT.state, STATE.run);
    const cancel = Atomics.exchange(words, (slot >>> 2) + SLOT.cancel, 0);
    if (cancel === 0) return;
    this.#fail(STATUS.cancelled, address, cancel - 1);
    throw new Ended();
  }

  #beat(): void {
    this.#shared.add(this.#slot, SLOT.beat, 1);
  }

  /** The launch fails, for the first reason that a unit has. */
  #fail(status: number, address: number, detail: number, message = ''): void {
    const lane = this.#lane;
    if (Atomics.compareExchange(this.#shared.words, (lane >>> 2) + LANE.failed, 0, status) !== 0) return;
    this.#shared.setNumber(lane, LANE.address, address);
    this.#shared.store(lane, LANE.detail, detail);
    if (status === STATUS.program) writeMessage(this.#shared, this.#job.slot, message);
    this.#shared.store(lane, LANE.next, NO_MORE);
    this.#shared.ring();
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function writeMessage(shared: Shared, slot: number, message: string): void {
  const at = shared.layout.message(slot);
  const text = new TextEncoder().encode(message).subarray(0, shared.layout.messageBytes - 4);
  shared.words[at >>> 2] = text.length;
  shared.bytes.set(text, at + 4);
}
