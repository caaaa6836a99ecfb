import type { Command, CommandQueue, Device, Fence } from '@mirrorspace/core/driver';
import type { BrokenDevice } from '../device.js';
import { override, refencing, relisting, reoptioning, withSubmit } from '../wrap.js';

const ACCESSES: readonly Command['kind'][] = ['read', 'write', 'fill', 'atomicAdd', 'launch'];
const isAccess = ({ kind }: Command): boolean => ACCESSES.includes(kind);

/** One fence for several submissions: settled when all are, failed with the first error. */
function joined(fences: readonly Fence[], queue: number, value: number): Fence {
  return {
    queue,
    value,
    get signaled(): boolean {
      return fences.every((fence) => fence.signaled);
    },
    get error() {
      const all = fences.every((fence) => fence.signaled || fence.error !== undefined);
      return all ? fences.find((fence) => fence.error !== undefined)?.error : undefined;
    },
    async wait(options) {
      const outcomes = await Promise.allSettled(fences.map((fence) => fence.wait(options)));
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    },
  };
}

/** Sends the submissions of a queue elsewhere, under the queue's own name and numbers. */
function rerouted(
  device: Device,
  choose: (queue: CommandQueue, users: readonly CommandQueue[]) => CommandQueue,
): Device {
  const users = device.queues.filter(({ paging }) => !paging);
  return withSubmit(device, (queue) => {
    let value = 0;
    return (commands, options) =>
      override(choose(queue, users).submit(commands, options), { queue: queue.id, value: ++value });
  });
}

/** Queues that run things in another order, or run what they should not. */
export const order: readonly BrokenDevice[] = [
  {
    name: 'order/commands-reversed',
    breaks: 'the accesses of a submission run last to first',
    rules: ['CommandQueue: runs submissions strictly in order'],
    wrap: (device) => relisting(device, (commands) => (commands.every(isAccess) ? commands.toReversed() : commands)),
  },
  {
    name: 'order/overtakes-a-stall',
    breaks: 'what is submitted behind a stalled access runs before it',
    rules: ['CommandQueue: runs submissions strictly in order'],
    wrap: (device) =>
      rerouted(device, (queue, users) => (queue.paging ? queue : (users.find(({ depth }) => depth === 0) ?? queue))),
  },
  {
    name: 'order/queues-share-a-stall',
    breaks: 'a stall holds back every user queue',
    rules: ['DeviceFeature queues'],
    wrap: (device) => rerouted(device, (queue, users) => (queue.paging ? queue : (users[0] ?? queue))),
  },
  {
    name: 'order/after-ignored',
    breaks: 'a submission does not wait for the fences in `after`',
    rules: ['SubmitOptions.after'],
    wrap: (device) => reoptioning(device, ({ after: _, ...options }) => options),
  },
  {
    name: 'order/after-of-other-queues-ignored',
    breaks: 'a submission waits only for fences of its own queue',
    rules: ['SubmitOptions.after'],
    wrap: (device) =>
      withSubmit(device, (queue) => (commands, { after = [], ...options } = {}) => {
        const own = after.filter((fence) => fence.queue === queue.id);
        return queue.submit(commands, { ...options, after: own });
      }),
  },
  {
    name: 'order/empty-submission-overtakes',
    breaks: 'a submission without commands settles at once',
    rules: ['CommandQueue.submit'],
    wrap: (device) =>
      refencing(device, (fence, commands) =>
        commands.length === 0 ? override(fence, { signaled: true, wait: () => Promise.resolve() }) : fence,
      ),
  },
  {
    name: 'order/urgent-overtakes',
    breaks: 'an urgent submission passes those before it on its queue',
    rules: ['SubmitOptions.urgent'],
    wrap: (device) => {
      const spare = device.queues.findLast(({ paging }) => !paging);
      return withSubmit(device, (queue) => {
        let value = 0;
        return (commands, options) => {
          const chosen = options?.urgent === true && spare !== undefined ? spare : queue;
          return override(chosen.submit(commands, options), { queue: queue.id, value: ++value });
        };
      });
    },
  },
  {
    name: 'order/urgent-waits-for-nothing',
    breaks: 'an urgent submission does not wait for the fences in `after`',
    rules: ['SubmitOptions.urgent'],
    wrap: (device) =>
      reoptioning(device, ({ after, ...options }) =>
        options.urgent === true || after === undefined ? options : { ...options, after },
      ),
  },
  {
    name: 'order/interrupted-work-starts-again',
    breaks: 'work that an urgent submission interrupts runs once more from its start',
    rules: ['SubmitOptions.urgent'],
    wrap: (device) => {
      let interrupted: (() => void) | undefined;
      return withSubmit(device, (queue) => {
        let value = 0;
        return (commands, options) => {
          if (options?.urgent === true) interrupted?.();
          const fence = override(queue.submit(commands, options), { value: ++value });
          if (commands.some(({ kind }) => kind === 'launch')) {
            interrupted = () => {
              interrupted = undefined;
              queue.submit(commands, options);
            };
          }
          return fence;
        };
      });
    },
  },
  {
    name: 'order/after-failed-runs',
    breaks: 'a submission runs although a fence in `after` failed',
    rules: ['SubmitOptions.after'],
    wrap: (device) =>
      reoptioning(device, ({ after = [], ...options }) => ({
        ...options,
        // A failed fence counts as one that signaled.
        after: after.map((fence) => {
          const settled = (): boolean => fence.signaled || fence.error !== undefined;
          return {
            queue: fence.queue,
            value: fence.value,
            error: undefined,
            get signaled() {
              return settled();
            },
            wait: (how) => fence.wait(how).catch(() => undefined),
          };
        }),
      })),
  },
  {
    name: 'order/failure-skips-nothing',
    breaks: 'after a failed command the rest of its submission runs',
    rules: ['CommandQueue: if a command fails'],
    wrap: (device) =>
      withSubmit(device, (queue) => {
        let value = 0;
        return (commands, options) => {
          const parts = commands.length === 0 ? [[]] : commands.map((command) => [command]);
          return joined(
            parts.map((part) => queue.submit(part, options)),
            queue.id,
            ++value,
          );
        };
      }),
  },
  {
    name: 'order/refused-in-part',
    breaks: 'a submission with a malformed command runs up to that command',
    rules: ['CommandQueue.submit'],
    wrap: (device) =>
      withSubmit(device, (queue) => (commands, options) => {
        try {
          return queue.submit(commands, options);
        } catch (error) {
          queue.submit(commands.slice(0, 1), options);
          throw error;
        }
      }),
  },
  {
    name: 'order/malformed-accepted',
    breaks: 'submit takes malformed commands and does nothing with them',
    rules: ['CommandQueue.submit'],
    wrap: (device) =>
      withSubmit(device, (queue) => (commands, options) => {
        try {
          return queue.submit(commands, options);
        } catch (error) {
          if (error instanceof TypeError || error instanceof RangeError) return queue.submit([], options);
          throw error;
        }
      }),
  },
  {
    name: 'order/paging-queue-takes-accesses',
    breaks: 'a paging queue takes accesses',
    rules: ['CommandQueue.paging'],
    wrap: (device) =>
      withSubmit(device, (queue) => {
        const user = device.queues.find(({ paging }) => !paging) ?? queue;
        return (commands, options) => (commands.some(isAccess) ? user : queue).submit(commands, options);
      }),
  },
];
