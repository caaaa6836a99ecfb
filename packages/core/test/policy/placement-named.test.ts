import { describe, expect, it } from 'vitest';
import {
  atPreferred,
  byAccessCounters,
  byAccessedBy,
  firstTouchAtPreferred,
  HOST,
  type PlacementRequest,
  readDuplication,
  uvmResidency,
} from '../../src/policy/index.js';

const [GPU, OTHER] = [0, 1];
const ask = (changes: Partial<PlacementRequest> = {}): PlacementRequest => ({
  ...{ device: GPU, access: 'read', owner: HOST, preferred: undefined, readMostly: false, accessedBy: 0 },
  ...{ pinned: false, remote: true },
  ...changes,
});

/** The order of uvm_va_block_select_residency, step by step: of two that apply the first decides. */
describe('UVM’s order of residency', () => {
  const uvm = (changes: Partial<PlacementRequest>) => uvmResidency(ask(changes));

  it('read duplication before the preferred location', () => {
    expect(uvm({ readMostly: true, preferred: GPU })).toBe('duplicate');
    expect(uvm({ readMostly: true, access: 'write' })).toBe('migrate');
  });

  it('the preferred location that faulted before a pin by thrashing', () => {
    expect(uvm({ preferred: GPU, thrashingPin: HOST })).toBe('migrate');
    expect(uvm({ thrashingPin: HOST })).toBe('remote');
    expect(uvm({ thrashingPin: GPU })).toBe('migrate');
  });

  it('a page that nobody touched goes to the preferred location, else to whoever touches it', () => {
    expect(uvm({ untouched: true, preferred: HOST })).toBe('remote');
    expect(uvm({ untouched: true, accessedBy: 1 })).toBe('migrate');
  });

  it('accessed-by stays, then atomics from afar, then the preferred location, then whoever faulted', () => {
    expect(uvm({ accessedBy: 1 })).toBe('remote');
    expect(uvm({ access: 'atomic' })).toBe('remote');
    expect(uvm({ preferred: HOST })).toBe('remote');
    expect(uvm({ preferred: OTHER })).toBe('migrate');
    expect(uvm({})).toBe('migrate');
    expect(uvm({ accessedBy: 1, remote: false })).toBe('migrate');
  });
});

it('access counters leave a page until its 256th access from afar', () => {
  const policy = byAccessCounters();
  expect(policy(ask({ access: 'write', counted: 255 }))).toBe('remote');
  expect(policy(ask({ access: 'write', counted: 256 }))).toBe('migrate');
  expect(policy(ask({ remote: false }))).toBe('duplicate');
});

it('a preferred location keeps its pages; by first touch only those that nobody touched', () => {
  expect(atPreferred(ask({ preferred: HOST, access: 'write' }))).toBe('remote');
  expect(atPreferred(ask({ preferred: HOST, remote: false }))).toBe('duplicate');
  expect(atPreferred(ask({ preferred: GPU }))).toBe('migrate');
  expect(firstTouchAtPreferred(ask({ preferred: OTHER, untouched: true, access: 'write' }))).toBe('remote');
  expect(firstTouchAtPreferred(ask({ preferred: OTHER, access: 'write' }))).toBe('migrate');
});

it('who is said to access keeps a mapping; who reads gets a copy', () => {
  expect([byAccessedBy(ask({ accessedBy: 1 })), byAccessedBy(ask({ accessedBy: 2 }))]).toEqual(['remote', 'duplicate']);
  expect(readDuplication(ask({ preferred: GPU }))).toBe('duplicate');
  expect(readDuplication(ask({ access: 'write' }))).toBe('migrate');
});
