import {
  BIT_ACCESSED,
  BIT_DIRTY,
  type Command,
  type Device,
  type DeviceFeature,
  type DeviceLimits,
} from '@mirrorspace/core/driver';
import type { BrokenDevice } from '../device.js';
import { override, rebitting, reoptioning, withSubmit } from '../wrap.js';

const ALL: readonly DeviceFeature[] = [
  'queues',
  'priorities',
  'preemption',
  'accessed-bits',
  'dirty-bits',
  'replayable-faults',
  'atomics',
  'read-only-maps',
  'page-sizes',
  'program:js',
];

const but = (...missing: DeviceFeature[]): DeviceFeature[] => ALL.filter((name) => !missing.includes(name));

/** A device that says of itself what is not so. */
function saying(device: Device, features: readonly DeviceFeature[], limits: Partial<DeviceLimits> = {}): Device {
  return override(device, { features: new Set(features), limits: { ...device.limits, ...limits } });
}

/** Swallows what would be refused as unsupported. */
function swallowing(device: Device): Device {
  return withSubmit(device, (queue) => (commands: readonly Command[], options) => {
    try {
      return queue.submit(commands, options);
    } catch {
      return queue.submit([], options);
    }
  });
}

/** Claims of features that lie, and features that are not claimed and not refused. */
export const claims: readonly BrokenDevice[] = [
  {
    name: 'claims/no-dirty-bits',
    breaks: 'claims dirty-bits, and takes every writable entry for dirty',
    rules: ['HarvestCommand'],
    options: { features: but('dirty-bits') },
    wrap: (device) => saying(device, ALL),
  },
  {
    name: 'claims/no-stalls',
    breaks: 'claims replayable-faults, and fails accesses to missing pages at once',
    rules: ['FaultSource'],
    options: { features: but('replayable-faults') },
    wrap: (device) => saying(device, ALL),
  },
  {
    name: 'claims/no-priorities',
    breaks: 'claims priorities, and serves queues in turn',
    rules: ['DeviceFeature priorities'],
    options: { features: but('priorities') },
    wrap(device) {
      const queues = device.queues.map((queue) => override(queue, { priority: queue.paging ? 'high' : 'normal' }));
      return saying(override(device, { queues }), ALL);
    },
  },
  {
    name: 'claims/no-preemption',
    breaks: 'claims preemption, and lets urgent work wait for the running launch',
    rules: ['DeviceFeature preemption'],
    // A launch that runs in one go, and no priority by which urgent work would come before it.
    options: { features: but('priorities'), residentUnits: 4096 },
    wrap: (device) => reoptioning(device, ({ urgent: _, ...options }) => options),
  },
  {
    name: 'claims/atomics-unclaimed',
    breaks: 'does not claim atomics, and takes atomicAdd',
    rules: ['DeviceFeature atomics'],
    wrap: (device) => saying(device, but('atomics')),
  },
  {
    name: 'claims/programs-unclaimed',
    breaks: 'does not claim program:js, and takes launches',
    rules: ['DeviceFeature program:js'],
    wrap: (device) => saying(device, but('program:js')),
  },
  {
    name: 'claims/read-only-unclaimed',
    breaks: 'does not claim read-only-maps, and maps such pages writable',
    rules: ['DeviceFeature read-only-maps'],
    wrap: (device) => saying(device, but('read-only-maps')),
  },
  {
    name: 'claims/page-sizes-unclaimed',
    breaks: 'does not claim page-sizes, and takes pages of other sizes',
    rules: ['DeviceFeature page-sizes: answer UNSUPPORTED'],
    wrap: (device) => saying(device, but('page-sizes'), { pageSizes: device.limits.pageSizes.slice(0, 1) }),
  },
  {
    name: 'claims/priorities-unclaimed',
    breaks: 'does not claim priorities, and has a queue of high priority',
    rules: ['DeviceFeature priorities: where they are not claimed'],
    wrap: (device) => saying(device, but('priorities')),
  },
  {
    name: 'claims/accessed-bits-unclaimed',
    breaks: 'does not claim accessed-bits, and takes pages for never accessed',
    rules: ['DeviceFeature accessed-bits'],
    wrap: (device) =>
      saying(
        rebitting(device, (_command, found, i) => void (found[i]! &= ~BIT_ACCESSED)),
        but('accessed-bits'),
      ),
  },
  {
    name: 'claims/dirty-bits-unclaimed',
    breaks: 'does not claim dirty-bits, and takes pages for clean',
    rules: ['DeviceFeature dirty-bits'],
    wrap: (device) =>
      saying(
        rebitting(device, (_command, found, i) => void (found[i]! &= ~BIT_DIRTY)),
        but('dirty-bits'),
      ),
  },
  {
    name: 'claims/stalls-unclaimed',
    breaks: 'does not claim replayable-faults, and lets accesses to missing pages stall',
    rules: ['DeviceFeature replayable-faults: without it'],
    wrap: (device) => saying(device, but('replayable-faults')),
  },
  {
    name: 'claims/any-language',
    breaks: 'takes programs of any language, and runs none of them',
    rules: ['DeviceFeature program:<language>'],
    wrap: swallowing,
  },
  {
    name: 'claims/mirroring-swallowed',
    breaks: 'takes commands for mirroring MMUs, and does nothing with them',
    rules: ['MirroringCommand'],
    wrap: swallowing,
  },
];
