import type { Device } from '@mirrorspace/core/driver';
import type { Companion, TestedBackend } from '../backend.js';

/** A device that keeps the whole contract but for one rule. */
export interface BrokenDevice {
  /** Short and readable: `theme/what-is-wrong`. */
  readonly name: string;
  /** What it does, in one sentence. */
  readonly breaks: string;
  /** Members of the contract, or `R1` to `R10`. A case catches the device only if its rule names one of them. */
  readonly rules: readonly string[];
  /** The correct device below mirrors a process. Default: core fills its page tables. */
  readonly mirrors?: boolean;
  /** What the correct device below is opened with. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** In place of the backend's own, where the defect is there. */
  readonly probe?: TestedBackend['probe'];
  /** Puts the defect around a correct device. */
  wrap(device: Device): Device;
}

/** A backend whose devices are broken, and a way to close the correct ones below them. */
export interface BrokenBackend extends TestedBackend {
  /** Closes every device that was opened, whatever the broken ones did about it. */
  release(): Promise<void>;
}

/** Makes a backend that opens `reference` and breaks each device. */
export function breakBackend(
  reference: TestedBackend,
  broken: Pick<BrokenDevice, 'options' | 'probe' | 'wrap'>,
): BrokenBackend {
  const correct = new Map<Device, Device>();
  return {
    name: reference.name,
    probe: broken.probe ?? (() => reference.probe()),
    async open(options) {
      const device = await reference.open({ ...broken.options, ...(options as object | undefined) });
      const wrapped = broken.wrap(device);
      correct.set(wrapped, device);
      return wrapped;
    },
    ...(reference.conformance && { conformance: below(reference.conformance, correct) }),
    async release() {
      for (const device of correct.values()) await device.close();
      correct.clear();
    },
  };
}

/** Causes on the correct device what is asked for on the broken one around it. */
function below({ lose, hang, ...rest }: Companion, correct: ReadonlyMap<Device, Device>): Companion {
  const reach = (cause: (device: Device) => void) => (device: Device) => cause(correct.get(device) ?? device);
  return { ...rest, ...(lose && { lose: reach(lose) }), ...(hang && { hang: reach(hang) }) };
}
