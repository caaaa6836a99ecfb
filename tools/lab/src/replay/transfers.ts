import { BIT_DIRTY, type Command, type Device, hasSettled, ZERO_FRAME } from '@mirrorspace/core';
import { type CostModel, transferUs } from './cost-model.js';

/** What went over the bus in one direction. */
export interface Direction {
  pages: number;
  bytes: number;
  /** Transfers: each is a run of neighbouring pages of one command. */
  transfers: number;
  /** Microseconds by the cost model. */
  us: number;
}

/** What went over the bus. */
export interface Traffic {
  readonly in: Direction;
  readonly out: Direction;
}

/** Hears of what is submitted, in order. */
export interface TrafficObserver {
  /** Pages of the space got entries: the first `count` of these numbers. */
  mapped(pages: Float64Array, count: number): void;
  /** Pages were copied. */
  moved(direction: 'in' | 'out', pages: number): void;
}

/**
 * Watches what is submitted to a device that takes no time, and counts what its copies move.
 * @throws Error, from `submit`, where the device takes time after all
 */
export function watchTraffic(device: Device, model: CostModel, observer?: TrafficObserver): Traffic {
  const traffic = { in: nothing(), out: nothing() };
  for (const queue of device.queues.filter(({ paging }) => paging)) {
    const submit = queue.submit.bind(queue);
    queue.submit = (commands, options) => {
      const fence = submit(commands, options);
      if (!hasSettled(fence)) throw new Error('traffic is watched on devices without latency only');
      for (const command of commands) {
        count(traffic, model, command, observer);
        if (command.kind === 'map') observer?.mapped(command.pages, command.count);
      }
      return fence;
    };
  }
  return traffic;
}

function nothing(): Direction {
  return { pages: 0, bytes: 0, transfers: 0, us: 0 };
}

function count(traffic: Traffic, model: CostModel, command: Command, observer: TrafficObserver | undefined): void {
  if (command.kind !== 'copyIn' && command.kind !== 'copyOut') return;
  const { hostFrames, pageSize } = command;
  const when = command.kind === 'copyOut' ? command.when : undefined;
  const moved = hostFrames
    .slice(0, command.count)
    // A page of zeros is filled where it is.
    .filter((frame, i) => frame !== ZERO_FRAME && (when === undefined || (when[i]! & BIT_DIRTY) !== 0))
    .sort();
  const direction = command.kind === 'copyIn' ? traffic.in : traffic.out;
  direction.pages += moved.length;
  observer?.moved(command.kind === 'copyIn' ? 'in' : 'out', moved.length);
  direction.bytes += moved.length * pageSize;
  for (let from = 0; from < moved.length;) {
    let to = from + 1;
    while (to < moved.length && moved[to] === moved[to - 1]! + 1) to++;
    direction.transfers++;
    direction.us += transferUs(model, (to - from) * pageSize);
    from = to;
  }
}
