/** The requests of the kernel's test device for heterogeneous memory: `lib/test_hmm_uapi.h`. */
import {
  SNAPSHOT_ERROR,
  SNAPSHOT_LOCAL,
  SNAPSHOT_READ,
  SNAPSHOT_REMOTE,
  SNAPSHOT_WRITE,
  SNAPSHOT_ZERO,
} from '@mirrorspace/core/driver';
import { iowr } from '../abi/ioctl.js';
import { struct } from '../abi/struct.js';
import { pointer, u64 } from '../abi/types.js';

/** Bytes of a page of the device. */
export const HMM_PAGE = 4096;

/** `struct hmm_dmirror_cmd`: `bytes` at `ptr` for each page. */
const command = (bytes: number) =>
  struct({
    addr: pointer({ unit: HMM_PAGE, count: 'npages' }),
    ptr: pointer({ unit: bytes, count: 'npages' }),
    npages: u64,
    cpages: u64,
    faults: u64,
  });

const withPages = command(HMM_PAGE);
const withFlags = command(1);

/** Requests by what they do. */
export const HMM = {
  read: iowr('HMM_DMIRROR_READ', 'H', 0, withPages),
  write: iowr('HMM_DMIRROR_WRITE', 'H', 1, withPages),
  toDevice: iowr('HMM_DMIRROR_MIGRATE_TO_DEV', 'H', 2, withPages),
  toSystem: iowr('HMM_DMIRROR_MIGRATE_TO_SYS', 'H', 3, withPages),
  snapshot: iowr('HMM_DMIRROR_SNAPSHOT', 'H', 4, withFlags),
  exclusive: iowr('HMM_DMIRROR_EXCLUSIVE', 'H', 5, withPages),
  checkExclusive: iowr('HMM_DMIRROR_CHECK_EXCLUSIVE', 'H', 6, withPages),
  release: iowr('HMM_DMIRROR_RELEASE', 'H', 7, withPages),
} as const;

/** One of them. */
export type HmmRequest = keyof typeof HMM;

/** Where a page is, in the upper half of what a snapshot says of it. */
const PLACES: Readonly<Record<number, number>> = {
  0x10: SNAPSHOT_ZERO,
  0x20: SNAPSHOT_LOCAL,
  0x30: SNAPSHOT_REMOTE,
  0x40: SNAPSHOT_LOCAL,
  0x50: SNAPSHOT_REMOTE,
};

/** What `HMM_DMIRROR_SNAPSHOT` says of a page, in the bits of the contract. */
export function snapshotFlags(told: number): number {
  if (told === 0xff) return SNAPSHOT_ERROR;
  const rights = (told & 1 ? SNAPSHOT_READ : 0) | (told & 2 ? SNAPSHOT_READ | SNAPSHOT_WRITE : 0);
  return rights | (PLACES[told & 0x70] ?? 0);
}

/** Whether a snapshot says that the page is in memory that the CPU reaches, too. */
export function isCoherent(told: number): boolean {
  return (told & 0x70) >= 0x40 && told !== 0xff;
}
