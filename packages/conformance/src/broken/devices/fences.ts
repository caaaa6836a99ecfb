import { type Fence, MirrorError } from '@mirrorspace/core/driver';
import type { BrokenDevice } from '../device.js';
import { override, refencing } from '../wrap.js';

const LATE_MS = 5;

const never = (): Promise<void> => new Promise(() => undefined);

/** Fences that settle too early, never, or in another way than their submission. */
export const fences: readonly BrokenDevice[] = [
  {
    name: 'fences/too-early',
    breaks: 'a fence is signaled as soon as its work is submitted',
    rules: ['Fence.signaled'],
    wrap: (device) => refencing(device, (fence) => override(fence, { signaled: true, wait: () => Promise.resolve() })),
  },
  {
    name: 'fences/never',
    breaks: 'the fences of stores never settle, though the stores are done',
    rules: ['Fence.signaled'],
    wrap: (device) =>
      refencing(device, (fence, commands) => {
        if (!commands.some(({ kind }) => kind === 'write')) return fence;
        const expire = ({ timeoutMs = 30_000 } = {}): Promise<void> =>
          new Promise((_, reject) => {
            const late = new MirrorError(
              'DEVICE_TIMEOUT',
              `fence ${fence.value} of queue ${fence.queue} did not settle`,
            );
            setTimeout(() => reject(late), timeoutMs).unref();
          });
        return override(fence, { signaled: false, error: undefined, wait: expire });
      }),
  },
  {
    name: 'fences/wait-unbounded',
    breaks: 'wait() has no limit',
    rules: ['R6'],
    wrap: (device) =>
      refencing(device, (fence) =>
        override(fence, {
          wait: ({ timeoutMs = 1, ...options } = {}) => fence.wait({ ...options, timeoutMs: timeoutMs * 1e6 }),
        }),
      ),
  },
  {
    name: 'fences/wait-ignores-progress',
    breaks: 'the clock of wait() does not restart when the device makes progress',
    rules: ['R6'],
    wrap: (device) =>
      refencing(device, (fence) =>
        override(fence, {
          async wait({ timeoutMs = 30_000, ...options } = {}) {
            const late = new MirrorError(
              'DEVICE_TIMEOUT',
              `fence ${fence.value} of queue ${fence.queue} did not settle`,
            );
            const expired = new Promise<never>((_, reject) => void setTimeout(() => reject(late), timeoutMs).unref());
            expired.catch(() => undefined);
            await Promise.race([fence.wait({ ...options, timeoutMs }), expired]);
          },
        }),
      ),
  },
  {
    name: 'fences/wait-ignores-signal',
    breaks: 'wait() does not end when its signal is aborted',
    rules: ['WaitOptions.signal'],
    wrap: (device) =>
      refencing(device, (fence) => override(fence, { wait: ({ signal: _, ...options } = {}) => fence.wait(options) })),
  },
  {
    name: 'fences/second-wait-hangs',
    breaks: 'a fence tells its outcome to its first waiter alone',
    rules: ['Fence.wait'],
    wrap: (device) =>
      refencing(device, (fence) => {
        let waiters = 0;
        return override(fence, { wait: (options) => (waiters++ === 0 ? fence.wait(options) : never()) });
      }),
  },
  {
    name: 'fences/values-shared',
    breaks: 'all queues of a device number their fences together',
    rules: ['Fence.value'],
    wrap(device) {
      let value = 0;
      return refencing(device, (fence) => override(fence, { value: ++value }));
    },
  },
  {
    name: 'fences/settle-out-of-order',
    breaks: 'every other fence settles late, after the one behind it',
    rules: ['Fence.value'],
    wrap: (device) =>
      refencing(device, (fence) =>
        fence.value % 2 === 0
          ? fence
          : override(fence, {
              async wait(options) {
                await fence.wait(options);
                await new Promise((resolve) => setTimeout(resolve, LATE_MS));
              },
            }),
      ),
  },
  {
    name: 'fences/failure-signals',
    breaks: 'a failed submission signals its fence',
    rules: ['CommandQueue: if a command fails'],
    wrap: (device) =>
      refencing(device, (fence) =>
        override(fence, {
          error: undefined,
          get signaled(): boolean {
            return settled(fence);
          },
          wait: (options) =>
            fence.wait(options).catch((error: unknown) => {
              if (!settled(fence)) throw error;
            }),
        }),
      ),
  },
  {
    name: 'fences/depth-stays-zero',
    breaks: 'depth does not count what is pending',
    rules: ['CommandQueue.depth'],
    wrap: (device) => override(device, { queues: device.queues.map((queue) => override(queue, { depth: 0 })) }),
  },
];

function settled(fence: Fence): boolean {
  return fence.signaled || fence.error !== undefined;
}
