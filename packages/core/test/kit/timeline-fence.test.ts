import { describe, expect, it, vi } from 'vitest';
import { MirrorError } from '../../src/driver/index.js';
import { TimelineFence, whenSettled } from '../../src/kit/index.js';

const timeline = { beat: 0, heartbeat: () => timeline.beat, describe: () => 'behind 3 submissions, head: launch' };
const failure = new MirrorError('IO', 'broken');

describe('TimelineFence', () => {
  it('settles once', () => {
    const fence = new TimelineFence(2, 7, timeline);
    expect([fence.queue, fence.value, fence.signaled, fence.settled]).toEqual([2, 7, false, false]);
    fence.settle();
    fence.fail(failure);
    expect([fence.signaled, fence.error]).toEqual([true, undefined]);
    const other = new TimelineFence(0, 1, timeline);
    other.fail(failure);
    other.settle();
    expect([other.signaled, other.error]).toEqual([false, failure]);
  });

  it('resolves and rejects waits before and after it settles', async () => {
    const fence = new TimelineFence(0, 1, timeline);
    const early = fence.wait();
    fence.settle();
    await early;
    await fence.wait();
    const failing = new TimelineFence(0, 2, timeline);
    const waits = [failing.wait(), failing.wait()];
    failing.fail(failure);
    for (const wait of waits) await expect(wait).rejects.toBe(failure);
    await expect(failing.wait()).rejects.toBe(failure);
  });

  it('raises no unhandled rejection when nobody waits', async () => {
    const unhandled: unknown[] = [];
    const listener = (error: unknown) => void unhandled.push(error);
    process.on('unhandledRejection', listener);
    new TimelineFence(0, 1, timeline).fail(failure);
    await new Promise((resolve) => setTimeout(resolve, 5));
    process.off('unhandledRejection', listener);
    expect(unhandled).toEqual([]);
  });

  it('times out with what is in front, a timeout after the last progress', async () => {
    vi.useFakeTimers();
    try {
      const fence = new TimelineFence(4, 9, timeline);
      let error: unknown;
      fence.wait({ timeoutMs: 100 }).catch((reason: unknown) => (error = reason));
      for (let i = 0; i < 10; i++) {
        await vi.advanceTimersByTimeAsync(90);
        timeline.beat++;
        expect(error).toBeUndefined();
      }
      await vi.advanceTimersByTimeAsync(126);
      expect(error).toMatchObject({ code: 'DEVICE_TIMEOUT' });
      expect(String(error)).toMatch(/Fence 9 of queue 4 .* behind 3 submissions, head: launch/);
      expect(vi.getTimerCount()).toBe(0);
      fence.settle();
      await fence.wait({ timeoutMs: 1 });
    } finally {
      vi.useRealTimers();
    }
  });

  it('can be aborted, before and while waiting, and refuses nonsense', async () => {
    const fence = new TimelineFence(0, 1, timeline);
    const abort = new AbortController();
    const wait = fence.wait({ signal: abort.signal });
    abort.abort('enough');
    await expect(wait).rejects.toMatchObject({ code: 'ABORTED', cause: 'enough' });
    await expect(fence.wait({ signal: abort.signal })).rejects.toMatchObject({ code: 'ABORTED' });
    for (const timeoutMs of [0, -1, NaN]) await expect(fence.wait({ timeoutMs })).rejects.toThrow(RangeError);
    await expect(fence.wait({ timeoutMs: '1' as never })).rejects.toThrow(TypeError);
  });

  it('tells listeners synchronously, in order, once', () => {
    const heard: number[] = [];
    const fence = new TimelineFence(0, 1, timeline);
    fence.onSettled(() => heard.push(1));
    whenSettled(fence, () => heard.push(2));
    fence.settle();
    expect(heard).toEqual([1, 2]);
    whenSettled(fence, () => heard.push(3));
    expect(heard).toEqual([1, 2, 3]);
  });
});
