import { MirrorError } from '@mirrorspace/core/driver';
import type { BrokenDevice } from '../device.js';
import { override, refencing, retelling, rewriting } from '../wrap.js';

/** Refused accesses that end in another way than the contract says. */
export const cancels: readonly BrokenDevice[] = [
  {
    name: 'cancels/ignored',
    breaks: 'cancelFaults does nothing',
    rules: ['CancelFaultsCommand'],
    wrap: (device) => rewriting(device, (command) => (command.kind === 'cancelFaults' ? [] : command)),
  },
  {
    name: 'cancels/wrong-code',
    breaks: 'a cancelled access fails with ADDRESS_NOT_MAPPED, whatever the reason',
    rules: ['CancelFaultsCommand'],
    wrap: (device) =>
      rewriting(device, (command) =>
        command.kind === 'cancelFaults' ? { ...command, reasons: new Uint8Array(command.reasons.length) } : command,
      ),
  },
  {
    name: 'cancels/denial-without-stalls',
    breaks: 'a device that cannot stall fails a denied store as if the page were missing',
    rules: ['replayable-faults: without it a denied store'],
    options: { features: ['queues', 'read-only-maps'] },
    wrap: (device) =>
      refencing(device, (fence) => {
        const missing = new MirrorError('ADDRESS_NOT_MAPPED', 'the device has no page there');
        return override(fence, {
          get error() {
            return fence.error?.code === 'ACCESS_DENIED' ? missing : fence.error;
          },
          wait: (options) =>
            fence.wait(options).catch((error: unknown) => {
              throw fence.error?.code === 'ACCESS_DENIED' ? missing : error;
            }),
        });
      }),
  },
  {
    name: 'cancels/takes-all',
    breaks: 'cancelFaults fails every stalled access of its MMU',
    rules: ['CancelFaultsCommand: others stay stalled'],
    wrap(device) {
      const seen = new Set<number>();
      const noted = retelling(device, (batch, i) => void seen.add(batch.pages[i]!));
      return rewriting(noted, (command) => {
        if (command.kind !== 'cancelFaults' || command.count === 0) return command;
        const pages = Float64Array.from(seen);
        return {
          ...command,
          count: pages.length,
          pages,
          reasons: new Uint8Array(pages.length).fill(command.reasons[0]!),
        };
      });
    },
  },
];
