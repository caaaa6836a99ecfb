import { createSpace, type NotifierEvent, NotifierList, type NotifierOptions } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { expectCode, layout, PAGE, pattern, settle } from '../space/helpers.js';

const ALL = { start: 0, end: 2 ** 47 };

function logging(log: string[], options: Partial<NotifierOptions> = {}): NotifierOptions {
  return {
    ...ALL,
    invalidate: (event: NotifierEvent) => void log.push(`${event.kind} ${event.start}-${event.end}`),
    ...options,
  };
}

describe('the sequence', () => {
  it('is stable while nothing is invalidated, and changes for those that were met', async () => {
    const list = new NotifierList();
    const low = list.insert(logging([], { start: 0, end: 100 }));
    const high = list.insert(logging([], { start: 200, end: 300 }));
    const [seqLow, seqHigh] = [await low.readBegin(), await high.readBegin()];
    list.begin('unmap', 50, 60);
    expect([low.readRetry(seqLow), high.readRetry(seqHigh)]).toEqual([true, false]);
    list.end();
    expect([low.readRetry(seqLow), high.readRetry(seqHigh)]).toEqual([true, false]);
    const again = await low.readBegin();
    expect(low.readRetry(again)).toBe(false);
  });

  it('makes a reader wait while an invalidation that met it is active, and no other', async () => {
    const list = new NotifierList();
    const low = list.insert(logging([], { start: 0, end: 100 }));
    const high = list.insert(logging([], { start: 200, end: 300 }));
    list.begin('unmap', 50, 60);
    let began = false;
    const reading = low.readBegin().then((sequence) => {
      began = true;
      return sequence;
    });
    await high.readBegin();
    await settle();
    expect([began, list.sequence % 2]).toEqual([false, 1]);
    list.end();
    expect(low.readRetry(await reading)).toBe(false);
    expect(list.sequence % 2).toBe(0);
  });

  it('of overlapping invalidations is odd until the last has ended', async () => {
    const list = new NotifierList();
    const notifier = list.insert(logging([]));
    list.begin('unmap', 0, 10);
    list.begin('clear', 20, 30);
    list.end();
    expect(list.sequence % 2).toBe(1);
    let began = false;
    const reading = notifier.readBegin().then(() => (began = true));
    await settle();
    expect(began).toBe(false);
    list.end();
    await reading;
  });

  it('of a notifier that comes during an invalidation makes its readers wait for the end', async () => {
    const list = new NotifierList();
    list.begin('unmap', 0, 10);
    const late = list.insert(logging([]));
    let began = false;
    const reading = late.readBegin().then((sequence) => {
      began = true;
      return sequence;
    });
    await settle();
    expect(began).toBe(false);
    list.end();
    expect(late.readRetry(await reading)).toBe(false);
  });
});

describe('insert and remove', () => {
  it('take effect at once while nothing is active', () => {
    const log: string[] = [];
    const list = new NotifierList();
    const notifier = list.insert(logging(log, { start: 10, end: 20 }));
    for (const [start, end] of [
      [0, 10],
      [0, 11],
      [19, 30],
      [20, 30],
    ] as const) {
      list.begin('unmap', start, end);
      list.end();
    }
    expect(log).toEqual(['unmap 0-11', 'unmap 19-30']);
    notifier.remove();
    notifier.remove();
    expect(list.size).toBe(0);
  });

  it('wait for the end of what is active; a removed one is not called any more', () => {
    const log: string[] = [];
    const list = new NotifierList();
    const old = list.insert(logging(log));
    list.begin('unmap', 0, 10);
    const fresh = list.insert(logging(log, { start: 5, end: 6 }));
    old.remove();
    list.begin('clear', 0, 10);
    expect([log, list.size]).toEqual([['unmap 0-10'], 1]);
    list.end();
    list.end();
    expect(list.size).toBe(1);
    list.begin('protection', 0, 10);
    list.end();
    expect(log).toEqual(['unmap 0-10', 'protection 0-10']);
    {
      using _gone = fresh;
    }
    expect(list.size).toBe(0);
  });

  it('of one that came and went during an invalidation leaves nothing', () => {
    const list = new NotifierList();
    list.begin('unmap', 0, 10);
    list.insert(logging([])).remove();
    list.end();
    expect(list.size).toBe(0);
  });
});

describe('begin', () => {
  it('skips notifiers of the owner who causes it', () => {
    const log: string[] = [];
    const list = new NotifierList();
    const me = {};
    list.insert(logging(log, { owner: me, invalidate: () => void log.push('mine') }));
    list.insert(logging(log, { owner: {}, invalidate: () => void log.push('theirs') }));
    list.insert(logging(log, { invalidate: () => void log.push('nobody’s') }));
    list.begin('migrate', 0, 10, me);
    list.end();
    expect(log.sort()).toEqual(['nobody’s', 'theirs']);
    list.begin('migrate', 0, 10);
    list.end();
    expect(log).toHaveLength(5);
  });

  it('fails with BUSY when it may not block and a notifier refuses, and leaves no invalidation behind', async () => {
    const list = new NotifierList();
    list.insert({ ...ALL, invalidate: (event) => event.blockable });
    await expectCode(() => list.begin('unmap', 0, 10, undefined, false), 'BUSY');
    expect(list.sequence % 2).toBe(0);
    await list.idle();
    list.begin('unmap', 0, 10);
    list.end();
  });

  it('passes on what a notifier throws, and leaves no invalidation behind', async () => {
    const space = await createSpace();
    const { address } = space.map({ bytes: PAGE, name: 'r' });
    await space.write(address, pattern(4));
    const notifier = space.notifiers.insert({
      ...ALL,
      invalidate: () => {
        throw new Error('mine');
      },
    });
    await expect(space.unmap(address, PAGE)).rejects.toThrow('mine');
    expect([layout(space).length, space.notifiers.sequence % 2]).toEqual([1, 0]);
    expect(await space.read(address, 4)).toEqual(pattern(4));
    notifier.remove();
    expect(space.notifiers.size).toBe(0);
    await space.close();
  });

  it('may be nested in a callback', () => {
    const log: string[] = [];
    const list = new NotifierList();
    list.insert({
      ...ALL,
      invalidate: (event) => {
        const { kind } = event;
        log.push(kind);
        if (kind !== 'unmap') return;
        list.begin('clear', 0, 5);
        list.end();
      },
    });
    list.insert({ ...ALL, invalidate: (event) => void log.push(`second ${event.kind}`) });
    list.begin('unmap', 0, 10);
    list.end();
    expect(log.sort()).toEqual(['clear', 'second clear', 'second unmap', 'unmap']);
    expect(list.sequence % 2).toBe(0);
  });
});

describe('a space tells its notifiers', () => {
  it('what happens to which range, before it happens', async () => {
    const events: string[] = [];
    const space = await createSpace();
    const { address } = space.map({ bytes: 4 * PAGE });
    await space.write(address, pattern(4 * PAGE));
    space.notifiers.insert({
      ...ALL,
      invalidate: ({ kind, start, end }) =>
        void events.push(
          `${kind} ${(start - address) / PAGE}-${(end - address) / PAGE} ${space.regionAt(start)?.access}`,
        ),
    });
    await space.protect(address, PAGE, 'read');
    await space.protect(address, PAGE, 'read-write');
    await space.dontNeed(address + PAGE, PAGE);
    await using child = await space.fork();
    await space.write(address + 2 * PAGE, pattern(4));
    await space.unmap(address, PAGE);
    await space.remap(address + PAGE, PAGE, { address: address + 8 * PAGE });
    await space.close();
    expect(events.slice(0, -1)).toEqual([
      'protection 0-1 read-write',
      'clear 1-2 read-write',
      'clear 2-3 read-write',
      'unmap 0-1 read-write',
      'unmap 1-2 read-write',
      expect.stringMatching(/^release/),
    ]);
    expect(child.closed).toBe(false);
  });
});
