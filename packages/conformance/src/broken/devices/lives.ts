import { type Device, type DeviceLostInfo, type ErrorCode, MirrorError } from '@mirrorspace/core/driver';
import type { BrokenDevice } from '../device.js';
import { override, refencing, withSubmit } from '../wrap.js';

const FEW_MMUS = 200;

/** A device whose fences do not hear of one error and stay pending. */
function deafTo(device: Device, code: ErrorCode): Device {
  return refencing(device, (fence) =>
    override(fence, {
      get error() {
        return fence.error?.code === code ? undefined : fence.error;
      },
      wait: (options) =>
        fence.wait(options).catch((error: unknown) => {
          if (fence.error?.code === code) return new Promise<void>(() => undefined);
          throw error;
        }),
    }),
  );
}

/** Devices that end badly. */
export const lives: readonly BrokenDevice[] = [
  {
    name: 'lives/close-leaves-work',
    breaks: 'close() resolves and leaves stalled work pending',
    rules: ['Device.close: ends all work'],
    wrap: (device) => override(device, { close: () => Promise.resolve() }),
  },
  {
    name: 'lives/close-twice-throws',
    breaks: 'a second close() rejects',
    rules: ['Device.close: idempotent'],
    wrap(device) {
      let closed = false;
      return override(device, {
        async close() {
          if (closed) throw new MirrorError('CLOSED', `${device.info.name} was closed before.`);
          closed = true;
          await device.close();
        },
      });
    },
  },
  {
    name: 'lives/close-says-failed',
    breaks: 'after close() `lost` says that the device failed',
    rules: ['Device.close: idempotent; lost resolves'],
    wrap: (device) =>
      override(device, { lost: device.lost.then((info): DeviceLostInfo => ({ ...info, reason: 'failed' })) }),
  },
  {
    name: 'lives/submit-throws-when-closed',
    breaks: 'submit throws on a closed device',
    rules: ['CommandQueue.submit: never throws'],
    wrap(device) {
      let gone = false;
      void device.lost.then(() => (gone = true));
      return withSubmit(device, (queue) => (commands, options) => {
        if (gone) throw new Error('the device is gone');
        return queue.submit(commands, options);
      });
    },
  },
  {
    name: 'lives/mmu-close-ignored',
    breaks: 'closing an MMU leaves its stalled accesses waiting',
    rules: ['DeviceMmu.close: stalled accesses'],
    wrap: (device) =>
      override(device, {
        createMmu: async (options) => override(await device.createMmu(options), { close: () => Promise.resolve() }),
      }),
  },
  {
    name: 'lives/mmu-ids-leak',
    breaks: 'ids of closed MMUs are never free again, and run out',
    rules: ['DeviceMmu.close: frees'],
    wrap(device) {
      let opened = 0;
      return override(device, {
        createMmu(options) {
          if (++opened <= FEW_MMUS) return device.createMmu(options);
          return Promise.reject(new MirrorError('UNSUPPORTED', `${device.info.name} has no MMU left.`));
        },
      });
    },
  },
  {
    name: 'lives/loss-goes-unsaid',
    breaks: '`lost` never resolves when the device fails',
    rules: ['Device.lost'],
    wrap: (device) =>
      override(device, {
        lost: device.lost.then((info) => (info.reason === 'failed' ? new Promise<never>(() => undefined) : info)),
      }),
  },
  {
    name: 'lives/loss-rejects',
    breaks: '`lost` rejects when the device fails',
    rules: ['Device.lost'],
    wrap(device) {
      const lost = device.lost.then((info) => {
        if (info.reason === 'failed') throw new MirrorError('DEVICE_LOST', info.message);
        return info;
      });
      lost.catch(() => undefined);
      return override(device, { lost });
    },
  },
  {
    name: 'lives/loss-leaves-fences-pending',
    breaks: 'fences of a lost device stay pending',
    rules: ['Device.lost'],
    wrap: (device) => deafTo(device, 'DEVICE_LOST'),
  },
  {
    name: 'lives/hang-outlives-close',
    breaks: 'fences of a hung device stay pending after close()',
    rules: ['R6: every wait is bounded: a device without progress'],
    wrap: (device) => deafTo(device, 'CLOSED'),
  },
  {
    name: 'lives/names-repeat',
    breaks: 'every open device has the same name',
    rules: ['DeviceInfo.name'],
    wrap: (device) => override(device, { info: { ...device.info, name: 'memory' } }),
  },
];
