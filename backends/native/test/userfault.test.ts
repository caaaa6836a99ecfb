import { readSync, openSync, closeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { addon, Advice, FaultFlag, type Mapping, PageCategory, ScanFlag, UffdFeature, UffdMode } from '../src/index.js';

const { Mapping: Mappings, Memfd, pagemapScan, pageSize, Userfault } = addon();
const PAGES = 256;
const LENGTH = PAGES * pageSize;

const shmem = UffdFeature.missingShmem | UffdFeature.minorShmem;
const tracked = UffdFeature.writeProtect | UffdFeature.writeProtectShmem | UffdFeature.writeProtectUnpopulated;

/** A file of pages that hold their number plus 1, mapped plainly and for the user. */
function file() {
  const memfd = Memfd.create(LENGTH);
  const plain = Mappings.map(memfd, 0, LENGTH);
  const user = Mappings.map(memfd, 0, LENGTH);
  const bytes = new Uint8Array(plain.arrayBuffer(0, LENGTH));
  for (let page = 0; page < PAGES; page++) bytes[page * pageSize] = page + 1;
  return { memfd, plain, user, bytes, array: new Uint8Array(user.arrayBuffer(0, LENGTH)) };
}

const read = (array: Uint8Array, page: number) => array[page * pageSize]!;

/** Pages of the runs in `out`. */
function pagesOf(out: Float64Array): number[] {
  const pages: number[] = [];
  for (let run = 0; run < out[0]!; run++) {
    for (let at = out[3 + run * 3]!; at < out[4 + run * 3]!; at += pageSize) pages.push(at / pageSize);
  }
  return pages;
}

describe('Userfault', () => {
  it('shows pages of a file where they are touched, more and more of them where accesses go forward', () => {
    const { user, array, bytes } = file();
    const faults = Userfault.open(shmem);
    faults.register(user, 0, LENGTH, UffdMode.minor | UffdMode.missing, { source: 'continue', most: 64 });
    for (let page = 0; page < PAGES; page++) expect(read(array, page)).toBe((page + 1) & 255);
    const forward = faults.counters().faults;
    expect(forward).toBeLessThan(PAGES / 16);
    array[5 * pageSize] = 77;
    expect(read(bytes, 5)).toBe(77);

    user.advise(0, LENGTH, Advice.dontNeed);
    for (let page = PAGES - 1; page >= 0; page -= 2) read(array, page);
    expect(faults.counters().faults - forward).toBe(PAGES / 2);
    faults.close();
    user.advise(0, LENGTH, Advice.dontNeed);
    expect(read(array, 9)).toBe(10);
  });

  it('fills holes of a file with zeros', () => {
    const { memfd, user, array } = file();
    memfd.punch(4 * pageSize, pageSize);
    const faults = Userfault.open(shmem);
    faults.register(user, 0, LENGTH, UffdMode.minor | UffdMode.missing, { source: 'continue', least: 8 });
    expect([3, 4, 5].map((page) => read(array, page))).toEqual([4, 0, 6]);
    memfd.punch(3 * pageSize, 2 * pageSize);
    expect([3, 4, 5].map((page) => read(array, page))).toEqual([0, 0, 6]);
    faults.close();
  });

  it.each(['copy', 'move', 'zeros'] as const)('brings pages by %s', (source) => {
    const from = Mappings.reserve(LENGTH);
    const user = Mappings.reserve(LENGTH);
    from.advise(0, LENGTH, Advice.noHugePage);
    user.advise(0, LENGTH, Advice.noHugePage);
    const bytes = new Uint8Array(from.arrayBuffer(0, LENGTH)).fill(3);
    // A hole in the middle.
    from.advise(40 * pageSize, pageSize, Advice.dontNeed);
    const array = new Uint8Array(user.arrayBuffer(0, LENGTH));
    const faults = Userfault.open(UffdFeature.move);
    faults.register(user, 0, LENGTH, UffdMode.missing, { source, from, least: 4, most: 32 });
    const want = source === 'zeros' ? 0 : 3;
    for (let page = 0; page < PAGES; page++) expect(read(array, page)).toBe(page === 40 ? 0 : want);
    expect(read(bytes, 7)).toBe(source === 'move' ? 0 : 3);
    expect(faults.counters().failed).toBe(0);
    faults.close();
  });

  it('serves the kernel, too: fs reads into missing pages', () => {
    const { user, array } = file();
    const faults = Userfault.open(shmem);
    expect(faults.userModeOnly).toBe(false);
    faults.register(user, 0, LENGTH, UffdMode.minor, { source: 'continue' });
    const fd = openSync('/proc/self/cmdline', 'r');
    expect(readSync(fd, array, 8 * pageSize - 2, 5, 0)).toBe(5);
    closeSync(fd);
    expect(read(array, 9)).toBe(10);
    faults.close();
  });

  it('tracks writes asynchronously; pages come clean', () => {
    const { user, array, bytes } = file();
    const faults = Userfault.open(shmem | tracked | UffdFeature.writeProtectAsync);
    faults.register(user, 0, LENGTH, 7, { source: 'continue', clean: true, least: 16 });
    const out = new Float64Array(3 + 3 * 4);
    const scan = (from = 0) =>
      pagemapScan(
        user,
        from,
        LENGTH - from,
        out,
        ScanFlag.protect | ScanFlag.checkAsync,
        PageCategory.written | PageCategory.present,
      );
    for (let page = 0; page < PAGES; page++) read(array, page);
    expect(scan()).toBe(0);
    for (const page of [3, 4, 9, 200]) array[page * pageSize] = 1;
    bytes[100 * pageSize] = 1;
    expect([scan(), out[1], out[2]]).toEqual([3, 4, LENGTH]);
    expect(pagesOf(out)).toEqual([3, 4, 9, 200]);
    expect(scan()).toBe(0);
    // More runs than there is room for: the rest from where it stopped.
    for (const page of [1, 3, 5, 7, 9, 11]) array[page * pageSize] = 2;
    expect(scan()).toBe(4);
    expect(pagesOf(out)).toEqual([1, 3, 5, 7]);
    expect(scan(out[2])).toBe(2);
    expect(pagesOf(out)).toEqual([9, 11]);
    faults.close();
  });

  it('tracks writes synchronously, with the same result', () => {
    const { user, array } = file();
    const faults = Userfault.open(shmem | tracked);
    faults.register(user, 0, LENGTH, 7, { source: 'continue', clean: true, least: 16 });
    const out = new Float64Array(3 + 3 * 4);
    const take = (from = 0) => faults.takeWritten(user, from, LENGTH - from, out);
    for (let page = 0; page < PAGES; page++) read(array, page);
    expect(take()).toBe(0);
    for (const page of [3, 4, 9, 200]) array[page * pageSize] = 1;
    expect([take(), out[1], out[2]]).toEqual([3, 4, LENGTH]);
    expect(pagesOf(out)).toEqual([3, 4, 9, 200]);
    expect(take()).toBe(0);
    for (const page of [1, 3, 5, 7, 9, 11]) array[page * pageSize] = 2;
    expect(take()).toBe(4);
    expect(take(out[2])).toBe(2);
    expect(pagesOf(out)).toEqual([9, 11]);
    expect(faults.counters().writes).toBe(10);
    faults.close();
  });

  it('counts pages that come unprotected as written', () => {
    const { user, array } = file();
    const faults = Userfault.open(shmem | tracked);
    faults.register(user, 0, LENGTH, 7, { source: 'continue' });
    const out = new Float64Array(9);
    read(array, 17);
    faults.continue(user, 30 * pageSize, 2 * pageSize);
    expect(faults.takeWritten(user, 0, LENGTH, out)).toBe(2);
    expect(pagesOf(out)).toEqual([17, 30, 31]);
    faults.close();
  });

  it.each([true, false])(
    'hands faults to JavaScript in a worker, and brings what it gives (thread: %s)',
    async (thread) => {
      const { user, array } = file();
      const faults = Userfault.open(shmem | UffdFeature.threadId, false, 10_000, true, thread);
      faults.register(user, 0, LENGTH / 2, UffdMode.minor, { token: 5 });
      faults.register(user, LENGTH / 2, LENGTH / 2, UffdMode.minor, { token: 6, source: 'continue' });
      const worker = new Worker(new URL('fixtures/fault-server.mjs', import.meta.url), {
        workerData: { faults: faults.share(), user: user.share(), pages: 4 },
      });
      await new Promise((resolve) => worker.once('message', resolve));
      const served = new Promise<number[][]>((resolve) => worker.once('message', resolve));
      array[3 * pageSize] = 50;
      expect([read(array, 3), read(array, 20), read(array, 200)]).toEqual([50, 21, 201]);
      // Withheld from the handler thread: to JavaScript, too.
      faults.withhold(user, 200 * pageSize, 10 * pageSize);
      expect([read(array, 210), read(array, 209)]).toEqual([211, 210]);
      expect(read(array, 5)).toBe(6);
      const list = await served;
      expect(list.map(([token, offset]) => [token, offset! / pageSize])).toEqual([
        [5, 3],
        [5, 20],
        [6, 209],
        [5, 5],
      ]);
      expect(list[0]![2]).toBe(FaultFlag.write | FaultFlag.minor);
      expect(list[1]![2]).toBe(FaultFlag.minor);
      expect(list[0]![3]).toBe(process.pid);
      expect(faults.counters().handed).toBe(4);
      await worker.terminate();
      faults.close();
    },
  );

  it('refuses what would wait for itself', () => {
    const a = Mappings.reserve(LENGTH);
    const b = Mappings.reserve(LENGTH);
    const c = Mappings.reserve(LENGTH);
    const one = Userfault.open(0);
    const other = Userfault.open(0);
    one.register(a, 0, LENGTH, UffdMode.missing, { source: 'copy', from: b });
    expect(() => other.register(b, 0, LENGTH, UffdMode.missing, { source: 'copy', from: c })).toThrow(RangeError);
    expect(() => other.register(c, 0, LENGTH, UffdMode.missing, { source: 'copy', from: a })).toThrow(RangeError);
    expect(() => other.register(c, 0, LENGTH, UffdMode.missing, { source: 'copy', from: c })).toThrow(RangeError);
    expect(() => one.copy(a, 0, pageSize, a, pageSize)).toThrow(RangeError);
    expect(() => one.register(a, pageSize, pageSize, UffdMode.missing)).toThrow(RangeError);
    one.unregister(a, 0, LENGTH);
    other.register(b, 0, LENGTH, UffdMode.missing, { source: 'copy', from: c });
    one.close();
    other.close();
  });

  it('ends registrations with what they are about', () => {
    const memory = (fill: number) => {
      const mapping = Mappings.reserve(LENGTH);
      const array = new Uint8Array(mapping.arrayBuffer(0, LENGTH));
      if (fill) array.fill(fill);
      return { mapping, array };
    };
    const faults = Userfault.open(0);
    const register = (mapping: Mapping, from: Mapping) =>
      faults.register(mapping, 0, LENGTH, UffdMode.missing, { source: 'copy', from });

    // The source goes: the rest reads as zeros.
    const source = memory(1);
    const user = memory(0);
    register(user.mapping, source.mapping);
    expect(read(user.array, 3)).toBe(1);
    source.mapping.unmap();
    expect([read(user.array, 3), read(user.array, 4)]).toEqual([1, 0]);

    // A part of the range is replaced: the rest is served still.
    const again = memory(2);
    register(user.mapping, again.mapping);
    user.mapping.clear(100 * pageSize, 10 * pageSize);
    expect([99, 100, 109, 110].map((page) => read(user.array, page))).toEqual([2, 0, 0, 2]);
    // And can be registered anew.
    faults.register(user.mapping, 100 * pageSize, 10 * pageSize, UffdMode.missing, { source: 'zeros' });
    expect(read(user.array, 105)).toBe(0);
    user.mapping.unmap();
    faults.close();
    expect(() => faults.counters()).toThrow(expect.objectContaining({ code: 'CLOSED' }) as Error);
  });

  it.each([true, false])('gives up after its patience when it may not end the process (thread: %s)', (thread) => {
    const mapping = Mappings.reserve(LENGTH);
    const array = new Uint8Array(mapping.arrayBuffer(0, LENGTH));
    const faults = Userfault.open(0, false, 50, false, thread);
    faults.register(mapping, 0, LENGTH, UffdMode.missing);
    const start = performance.now();
    expect(read(array, 9)).toBe(0);
    expect(performance.now() - start).toBeGreaterThan(45);
    expect(faults.failure).toMatch(/waited 50 ms for JavaScript/);
    expect(() => faults.wait(new Float64Array(4), 0)).toThrow(
      expect.objectContaining({ code: 'DEVICE_TIMEOUT' }) as Error,
    );
    faults.close();
  });

  it.each([true, false])('waits for faults at most as long as it was told (thread: %s)', async (thread) => {
    const faults = Userfault.open(0, false, 30_000, true, thread);
    const mapping = Mappings.reserve(LENGTH);
    faults.register(mapping, 0, LENGTH, UffdMode.missing);
    expect(faults.wait(new Float64Array(4), 20)).toBe(0);
    expect(await faults.ready(20)).toBe(false);
    const waiting = faults.ready(60_000);
    setTimeout(() => faults.close(), 20);
    expect(await waiting).toBe(false);
    expect(() => faults.wait(new Float64Array(4), 60_001)).toThrow(/CLOSED|closed/);
  });
});
