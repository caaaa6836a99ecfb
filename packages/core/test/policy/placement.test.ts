import { expect, test } from 'vitest';
import { HOST, onTouch, type PlacementAction, type PlacementRequest } from '../../src/policy/index.js';

const plain: PlacementRequest = {
  device: 0,
  access: 'read',
  owner: HOST,
  preferred: undefined,
  readMostly: false,
  accessedBy: 0,
  pinned: false,
  remote: false,
};

const table: [why: string, request: Partial<PlacementRequest>, action: PlacementAction][] = [
  ['a read copies', {}, 'duplicate'],
  ['a write moves', { access: 'write' }, 'migrate'],
  ['an atomic moves', { access: 'atomic' }, 'migrate'],
  ['from another device too', { access: 'write', owner: 1 }, 'migrate'],
  ['its own page becomes its alone', { owner: 0, access: 'write' }, 'migrate'],
  ['preferred here moves even for a read', { preferred: 0 }, 'migrate'],
  ['preferred where it is stays, when it can be reached', { preferred: HOST, remote: true }, 'remote'],
  ['preferred where it is still comes, when it cannot', { preferred: HOST, access: 'write' }, 'migrate'],
  ['preferred at a third place comes', { preferred: 2, remote: true, access: 'write' }, 'migrate'],
  ['accessed by this device stays', { accessedBy: 0b1, remote: true, access: 'write' }, 'remote'],
  ['accessed by another device comes', { accessedBy: 0b10, remote: true, access: 'write' }, 'migrate'],
  [
    'read-mostly copies before anything else',
    { readMostly: true, preferred: 0, accessedBy: 1, remote: true },
    'duplicate',
  ],
  ['a write to read-mostly moves', { readMostly: true, access: 'write' }, 'migrate'],
  ['pinned is copied for a read', { pinned: true, preferred: 0 }, 'duplicate'],
  ['pinned is written in place', { pinned: true, access: 'write', remote: true, preferred: 0 }, 'remote'],
  ['pinned out of reach is denied', { pinned: true, access: 'atomic' }, 'deny'],
];

test.each(table)('%s', (_why, request, action) => {
  expect(onTouch({ ...plain, ...request })).toBe(action);
});
