import type { Fence, MirrorError, WaitOptions } from '../../src/driver/index.js';

/** What a broken fence says instead of the truth. */
export interface Lies {
  readonly signaled?: () => boolean;
  readonly error?: () => MirrorError | undefined;
  readonly wait?: (options?: WaitOptions) => Promise<void>;
}

/** A fence that lies. */
export function stubFence(fence: Fence, lies: Lies): Fence {
  return {
    queue: fence.queue,
    value: fence.value,
    get signaled() {
      return lies.signaled?.() ?? fence.signaled;
    },
    get error() {
      return lies.error === undefined ? fence.error : lies.error();
    },
    wait: (options) => lies.wait?.(options) ?? fence.wait(options),
  };
}
