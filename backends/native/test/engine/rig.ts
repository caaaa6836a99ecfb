import {
  type Command,
  createFaultBatch,
  type Device,
  type DeviceMmu,
  type Fence,
  PTE_READ,
  PTE_WRITE,
  type WasmProgram,
} from '@mirrorspace/core/driver';
import { native, type NativeOptions } from '../../src/index.js';

/** Bytes of the pages that tests use. */
export const PAGE = 4096;
/** Nothing takes so long, however busy the machine is, unless it hangs. */
export const HANG_MS = 60_000;
/** Pages are named from 0, and lie here. */
const FIRST = 100;

const TYPES = {
  load_u32: '(param i64) (result i32)',
  store_u32: '(param i64 i32)',
  atomic_add_u32: '(param i64 i32) (result i32)',
  read: '(param i64) (result i32)',
  write: '(param i64) (result i32)',
  moved: '(result i32)',
  arg_i32: '(param i32) (result i32)',
  arg_i64: '(param i32) (result i64)',
};

/** A program of which the text of `run` is given. */
export function programOf(body: string, functions = ''): WasmProgram {
  const imports = Object.entries(TYPES).map(
    ([name, type]) => `(import "mirrorspace" "${name}" (func $${name} ${type}))`,
  );
  const code = `(module ${imports.join('\n')} (import "mirrorspace" "memory" (memory 0 65536 shared))
    ${functions}
    (func (export "run") (param $x i32) (param $y i32) (param $z i32) (local $i i32) (local $at i32) ${body}))`;
  return { language: 'wasm', code };
}

/** A device with an MMU, and short names for commands. */
export class Rig {
  private constructor(
    readonly device: Device,
    readonly mmu: DeviceMmu,
  ) {}

  static async open(options: NativeOptions = {}): Promise<Rig> {
    const device = await native.open({ memory: '1 MiB', units: 2, ...options });
    return new Rig(device, await device.createMmu({ addressBits: device.limits.addressBits }));
  }

  at(page: number, offset = 0): number {
    return (FIRST + page) * PAGE + offset;
  }

  list(pages: readonly number[]) {
    const numbers = Float64Array.from(pages, (page) => FIRST + page);
    return { mmu: this.mmu.id, pageSize: PAGE, count: pages.length, pages: numbers };
  }

  page(...commands: Command[]): Promise<void> {
    return this.device.queues[0]!.submit(commands).wait({ timeoutMs: HANG_MS });
  }

  mapping(page: number, frame: number, access = PTE_READ | PTE_WRITE): Command {
    return { kind: 'map', ...this.list([page]), frames: Uint32Array.of(frame), access: Uint8Array.of(access) };
  }

  get replay(): Command {
    return { kind: 'replayFaults', mmu: this.mmu.id };
  }

  get flush(): Command {
    return { kind: 'flushTlb', mmu: this.mmu.id };
  }

  async load(frame: number, bytes: Uint8Array): Promise<void> {
    await this.page({ kind: 'copyIn', ...this.#frame(frame, bytes) });
  }

  async unload(frame: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(PAGE);
    await this.page({ kind: 'copyOut', ...this.#frame(frame, bytes) });
    return bytes;
  }

  async word(frame: number): Promise<number> {
    return new Uint32Array((await this.unload(frame)).buffer)[0]!;
  }

  launch(program: WasmProgram, units: number, args: readonly number[], queue = 1): Fence {
    const grid = [units, 1, 1] as const;
    return this.device.queues[queue]!.submit([{ kind: 'launch', mmu: this.mmu.id, program, grid, args }]);
  }

  /** Waits until `condition` holds, until it is clear that it never will. */
  async until(condition: () => boolean, what: string): Promise<void> {
    for (const end = performance.now() + HANG_MS; !condition();) {
      if (performance.now() > end) throw new Error(`waited in vain until ${what}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Drains the fault buffer. */
  drain(): number[] {
    const batch = createFaultBatch(this.device.faults.capacity);
    this.device.faults.drain(batch);
    return Array.from(batch.pages.subarray(0, batch.count), (page) => page - FIRST);
  }

  #frame(frame: number, bytes: Uint8Array) {
    const host = { pageSize: PAGE, bufferOf: () => bytes, offsetOf: () => 0 };
    return { pageSize: PAGE, count: 1, frames: Uint32Array.of(frame), hostFrames: Uint32Array.of(0), host };
  }
}
