import {
  createSpace,
  type AddressSpace,
  type AttachOptions,
  type Device,
  type Mirror,
  validate,
} from '@mirrorspace/core';
import { type DeviceEvent, memory, type MemoryOptions, SimClock } from '@mirrorspace/memory';

/** A space on a device of two user queues where commands take a microsecond and a round of work units a thousand. */
export interface QueueWorld {
  readonly space: AddressSpace;
  readonly device: Device;
  readonly mirror: Mirror;
  readonly events: DeviceEvent[];
  /** Ids of the queues that ran a kind of command since `from`, in order. */
  ran(command: string, from?: number): number[];
}

export const ROUND_US = 1000;

export async function queueWorld(attach: AttachOptions = {}, options: MemoryOptions = {}): Promise<QueueWorld> {
  const events: DeviceEvent[] = [];
  const device = validate(
    await memory.open({
      latency: { command: 1, unitUs: ROUND_US },
      clock: new SimClock(),
      pageSizes: [4096],
      onEvent: (event) => events.push(event),
      ...options,
    }),
  );
  const space = await createSpace();
  const mirror = await space.attach(device, { prefetch: 'none', timeoutMs: 4000, ...attach });
  const ran = (command: string, from = 0) =>
    events.slice(from).flatMap((event) => (event.type === 'command' && event.command === command ? [event.queue] : []));
  return { space, device, mirror, events, ran };
}

/** Does nothing, for as long as a round of work units takes. */
export const idle = { language: 'js', run: () => undefined } as const;
