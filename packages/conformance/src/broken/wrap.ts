import type { Command, CommandQueue, Device, Fence, FaultSource, SubmitOptions } from '@mirrorspace/core/driver';

type Method = (...args: unknown[]) => unknown;

/** The same object with some members replaced; methods keep their own `this`. */
export function override<T extends object>(target: T, changes: Partial<T>): T {
  return new Proxy(target, {
    get(inner, key) {
      if (Reflect.has(changes, key)) return Reflect.get(changes, key) as unknown;
      const value: unknown = Reflect.get(inner, key);
      return typeof value === 'function' ? (value as Method).bind(inner) : value;
    },
  });
}

/** Replaces `submit` of every queue. */
export function withSubmit(
  device: Device,
  make: (queue: CommandQueue, device: Device) => CommandQueue['submit'],
): Device {
  return override(device, { queues: device.queues.map((queue) => override(queue, { submit: make(queue, device) })) });
}

/** Replaces each command by one, several or none. */
export function rewriting(device: Device, rewrite: (command: Command) => Command | readonly Command[]): Device {
  return withSubmit(device, (queue) => (commands, options) => queue.submit(commands.flatMap(rewrite), options));
}

/** Replaces the command list of each submission. */
export function relisting(device: Device, relist: (commands: readonly Command[]) => readonly Command[]): Device {
  return withSubmit(device, (queue) => (commands, options) => queue.submit(relist(commands), options));
}

/** Replaces the fence of each submission. */
export function refencing(device: Device, change: (fence: Fence, commands: readonly Command[]) => Fence): Device {
  return withSubmit(device, (queue) => (commands, options) => change(queue.submit(commands, options), commands));
}

/** Replaces the options of each submission. */
export function reoptioning(device: Device, change: (options: SubmitOptions) => SubmitOptions): Device {
  return withSubmit(device, (queue) => (commands, options) => queue.submit(commands, options && change(options)));
}

/** Replaces members of the fault source. */
export function refaulting(device: Device, change: (faults: FaultSource) => Partial<FaultSource>): Device {
  return override(device, { faults: override(device.faults, change(device.faults)) });
}

/** Changes the faults that a drain hands out: entry `i` of the batch, once. */
export function retelling(
  device: Device,
  change: (batch: Parameters<FaultSource['drain']>[0], i: number) => void,
): Device {
  return refaulting(device, (faults) => ({
    drain(batch) {
      const count = faults.drain(batch);
      for (let i = 0; i < count; i++) change(batch, i);
      return count;
    },
  }));
}

const TAP_BYTES = 4096;

/**
 * A command without effect that runs `act` when its turn comes: it copies a device frame to a host frame, and asks for that
 * only then.
 */
export function tap(act: () => void): Command {
  const scratch = new Uint8Array(TAP_BYTES);
  const bufferOf = (): Uint8Array => {
    act();
    return scratch;
  };
  const host = { pageSize: TAP_BYTES, bufferOf, offsetOf: () => 0 };
  return {
    kind: 'copyOut',
    pageSize: TAP_BYTES,
    count: 1,
    host,
    hostFrames: new Uint32Array(1),
    frames: new Uint32Array(1),
  };
}

/** A command that reports entries' bits. */
export type BitsCommand = Extract<Command, { bits?: Uint8Array }>;

/** Changes the bits that a command reports, before anything else sees them: entry `i` of the command, once. */
export function rebitting(device: Device, change: (command: BitsCommand, bits: Uint8Array, i: number) => void): Device {
  return rewriting(device, (command) => {
    if (!('bits' in command) || command.bits === undefined) return command;
    const { bits, count } = command;
    return [
      command,
      tap(() => {
        for (let i = 0; i < count; i++) change(command, bits, i);
      }),
    ];
  });
}

/** Names a page across MMUs and page sizes. */
export function keyOf(
  command: { readonly mmu: number; readonly pageSize: number; readonly pages: Float64Array },
  i: number,
): string {
  return `${command.mmu}/${command.pageSize}/${command.pages[i]}`;
}
