import { memory, type MemoryOptions } from '@mirrorspace/memory';
import { onTestFinished } from 'vitest';
import type {
  Command,
  CommandQueue,
  Device,
  DeviceMmu,
  Fence,
  HostFrames,
  JsProgram,
  MapCommand,
  MirrorError,
  SubmitOptions,
} from '../../src/driver/index.js';
import { PTE_READ, PTE_WRITE } from '../../src/driver/index.js';
import { validate, type ValidatedDevice, type ValidateOptions } from '../../src/validate/index.js';

export const PAGE = 4096;
export const RW = PTE_READ | PTE_WRITE;

/** A device of a few pages, wrapped by `break` (if any) and validated. */
export interface Rig {
  readonly device: ValidatedDevice;
  readonly violations: MirrorError[];
  readonly mmu: DeviceMmu;
  readonly paging: CommandQueue;
  readonly user: CommandQueue;
  readonly host: HostFrames & { readonly bytes: Uint8Array };
}

export interface RigOptions extends ValidateOptions {
  readonly memory?: MemoryOptions;
  readonly break?: (device: Device) => Device;
}

export async function createRig(options: RigOptions = {}): Promise<Rig> {
  const violations: MirrorError[] = [];
  const inner = await memory.open({ memory: 64 * PAGE, pageSizes: [PAGE, 16 * PAGE], ...options.memory });
  const device = validate(options.break?.(inner) ?? inner, {
    quietMs: 20,
    onViolation: (violation) => violations.push(violation),
    ...options,
  });
  onTestFinished(() => inner.close());
  const mmu = await device.createMmu({ addressBits: 47 });
  const bytes = new Uint8Array(64 * PAGE);
  return {
    device,
    violations,
    mmu,
    paging: queueOf(device, true),
    user: queueOf(device, false),
    host: { pageSize: PAGE, bytes, bufferOf: () => bytes, offsetOf: (frame) => frame * PAGE },
  };
}

export function queueOf(device: Device, paging: boolean, nth = 0): CommandQueue {
  const queue = device.queues.filter((one) => one.paging === paging)[nth];
  if (queue === undefined) throw new Error('the device has no such queue');
  return queue;
}

/** The rules that were broken, in order of detection. */
export function rules(rig: Rig): (string | undefined)[] {
  // Asking for them makes the wrapper look at the device once more.
  void rig.device.violations;
  return rig.violations.map((violation) => violation.rule);
}

export function list(mmu: DeviceMmu, pages: readonly number[]) {
  return { mmu: mmu.id, pageSize: PAGE, count: pages.length, pages: Float64Array.from(pages) };
}

export function map(mmu: DeviceMmu, pages: readonly number[], frames: readonly number[], access = RW): MapCommand {
  const rights = new Uint8Array(pages.length).fill(access);
  return { kind: 'map', ...list(mmu, pages), frames: Uint32Array.from(frames), access: rights };
}

export function unmap(mmu: DeviceMmu, pages: readonly number[], bits?: Uint8Array): Command {
  return { kind: 'unmap', ...list(mmu, pages), ...(bits !== undefined && { bits }) };
}

export function flush(mmu: DeviceMmu, pages?: readonly number[]): Command {
  return { kind: 'flushTlb', ...(pages === undefined ? { mmu: mmu.id } : list(mmu, pages)) };
}

export function copy(
  kind: 'copyIn' | 'copyOut',
  host: HostFrames,
  hostFrames: readonly number[],
  frames: readonly number[],
): Command {
  return {
    kind,
    pageSize: PAGE,
    count: frames.length,
    host,
    hostFrames: Uint32Array.from(hostFrames),
    frames: Uint32Array.from(frames),
  };
}

export function replay(mmu: DeviceMmu): Command {
  return { kind: 'replayFaults', mmu: mmu.id };
}

export function read(mmu: DeviceMmu, page: number, into = new Uint8Array(8)): Command {
  return { kind: 'read', mmu: mmu.id, address: page * PAGE, into };
}

export function write(mmu: DeviceMmu, page: number, from = new Uint8Array(8).fill(7)): Command {
  return { kind: 'write', mmu: mmu.id, address: page * PAGE, from };
}

/** Each work unit adds 1 to the first word of the page that `args[0] + id.x` names, modulo `args[1]`. */
export const touch: JsProgram = {
  language: 'js',
  run(ctx, id, args) {
    const page = ((args[0] ?? 0) + id.x * 7) % (args[1] ?? 1);
    ctx.store32(page * PAGE, ctx.load32(page * PAGE) + 1);
  },
};

/** A device that differs from `inner` in what `changes` says. */
export function like(inner: Device, changes: Partial<Device>): Device {
  const { info, limits, features, queues, faults, lost } = inner;
  return {
    ...{ info, limits, features, queues, faults, lost },
    now: () => inner.now(),
    createMmu: (options) => inner.createMmu(options),
    close: () => inner.close(),
    ...changes,
  };
}

/** A device whose queues submit through `submit`. */
export function submitting(
  inner: Device,
  submit: (queue: CommandQueue, commands: readonly Command[], options: SubmitOptions | undefined) => Fence,
): Device {
  const queues = inner.queues.map((queue): CommandQueue => ({
    id: queue.id,
    priority: queue.priority,
    paging: queue.paging,
    get depth() {
      return queue.depth;
    },
    submit: (commands, options) => submit(queue, commands, options),
  }));
  return like(inner, { queues });
}
