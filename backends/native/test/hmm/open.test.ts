import { existsSync } from 'node:fs';
import {
  SNAPSHOT_ERROR,
  SNAPSHOT_LOCAL,
  SNAPSHOT_READ,
  SNAPSHOT_REMOTE,
  SNAPSHOT_WRITE,
} from '@mirrorspace/core/driver';
import { describe, expect, it } from 'vitest';
import { unmapped } from '../../src/hmm/failure.js';
import { HMM, hmm, snapshotFlags } from '../../src/hmm.js';

describe('the kernel’s test device', () => {
  it('is found where it is', async () => {
    const report = await hmm.probe();
    expect(report.available).toBe(existsSync('/dev/hmm_dmirror0'));
    if (!report.available)
      expect(report).toMatchObject({ devices: [], remedy: expect.stringContaining('TEST_HMM') as string });
  });

  it('has the numbers of lib/test_hmm_uapi.h', () => {
    expect(Object.values(HMM).map(({ declaration }) => declaration.request)).toEqual(
      Array.from({ length: 8 }, (_, i) => 0xc0284800 + i),
    );
  });

  it('says where a page is in the bits of the contract', () => {
    expect([0x00, 0x01, 0x02, 0x22, 0x21, 0x42, 0x52, 0xff].map(snapshotFlags)).toEqual([
      0,
      SNAPSHOT_READ,
      SNAPSHOT_READ | SNAPSHOT_WRITE,
      SNAPSHOT_READ | SNAPSHOT_WRITE | SNAPSHOT_LOCAL,
      SNAPSHOT_READ | SNAPSHOT_LOCAL,
      SNAPSHOT_READ | SNAPSHOT_WRITE | SNAPSHOT_LOCAL,
      SNAPSHOT_READ | SNAPSHOT_WRITE | SNAPSHOT_REMOTE,
      SNAPSHOT_ERROR,
    ]);
  });

  it('is told from other files, with errno and the name of the request', async () => {
    await expect(hmm.open({ path: '/dev/null' })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      cause: { code: 'ENOTTY', call: 'HMM_DMIRROR_SNAPSHOT', errno: 25 },
    });
    await expect(hmm.open({ path: '/nowhere' })).rejects.toMatchObject({ code: 'IO', cause: { code: 'ENOENT' } });
  });

  it('says of memory that was unmapped meanwhile that it was, and not that the device was closed', () => {
    const cause = Object.assign(new Error('ioctl: a Mapping was closed'), { code: 'CLOSED' });
    expect(unmapped('hmm:0', 0x1000, cause)).toMatchObject({ code: 'ADDRESS_NOT_MAPPED', address: 0x1000, cause });
    expect(unmapped('hmm:0', 0x1000).message).toMatch(/hmm:0 at 0x1000: the memory was unmapped/);
  });

  it('refuses bad options', async () => {
    for (const bad of [7, { path: 7 }, { kind: 'fast' }, { name: 1 }, { memory: '1' }])
      await expect(hmm.open(bad as never)).rejects.toThrow(TypeError);
    for (const memory of [0, 1, 4097, NaN]) await expect(hmm.open({ memory })).rejects.toThrow(RangeError);
  });
});
