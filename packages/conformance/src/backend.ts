import type { AddressSpace, HostMemory, ReclaimOptions } from '@mirrorspace/core';
import type { Backend, Device, DeviceInfo, DeviceLimits, DeviceMmu } from '@mirrorspace/core/driver';

/** Makes host memory of its own for each space of the suite, with pages of that size. */
export type HostMaker = (options: { readonly pageSize: number }) => HostMemory;

/** What a backend may offer to the suite beside the contract: faults that no command can cause. */
export interface Companion {
  /** Makes the device fail by itself, as a reset or an unplugged cable would. */
  readonly lose?: (device: Device) => void;
  /** Stops the device from making progress until it is closed. */
  readonly hang?: (device: Device) => void;
  /** Makes the space whose memory a mirroring MMU can reach. Default: core's managed space. */
  readonly space?: (options: {
    readonly pageSize: number;
    readonly addressBits: number;
    readonly reclaim?: ReclaimOptions;
  }) => Promise<AddressSpace>;
  /** Makes the host memory of the spaces, where `space` does not. Default: core's managed memory. */
  readonly host?: HostMaker;
}

/** A backend with an optional {@link Companion}. */
export interface TestedBackend extends Backend {
  /** What it offers to the suite beside the contract. */
  readonly conformance?: Companion;
}

/** What a device says of itself: what decides which cases apply. */
export interface Claims {
  /** What the device is. */
  readonly info: DeviceInfo;
  /** Numbers it is bound by. */
  readonly limits: DeviceLimits;
  /** Names of the features it claims. */
  readonly features: ReadonlySet<string>;
  /** Kind of its MMUs. */
  readonly mmu: DeviceMmu['kind'];
  /** What its backend offers beside the contract; empty where it offers nothing. */
  readonly companion: Companion;
  /** Makes the host memory of the spaces. Absent: core's managed memory. */
  readonly host?: HostMaker;
}

/** Opens one device, reads what it claims, and closes it. `host` goes before what the backend's companion has. */
export async function readClaims(
  backend: TestedBackend,
  backendOptions?: unknown,
  host: HostMaker | undefined = backend.conformance?.host,
): Promise<Claims> {
  const device = await backend.open(backendOptions);
  try {
    const mmu = await device.createMmu({ addressBits: device.limits.addressBits });
    return {
      info: { ...device.info },
      limits: { ...device.limits, pageSizes: [...device.limits.pageSizes] },
      features: new Set<string>(device.features),
      mmu: mmu.kind,
      companion: backend.conformance ?? {},
      ...(host && { host }),
    };
  } finally {
    await device.close();
  }
}

/**
 * Finds the backend in a loaded module: the export `backend`, the default export, or the only export that looks like one.
 * @throws RangeError when there is none, or several and none is named `backend`.
 */
export function findBackend(module: object): TestedBackend {
  const named: unknown = Reflect.get(module, 'backend');
  if (isBackend(named)) return named;
  const standard: unknown = Reflect.get(module, 'default');
  if (isBackend(standard)) return standard;
  const found = [...new Set(Object.values(module).filter(isBackend))];
  if (found.length === 1 && found[0]) return found[0];
  const names = Object.keys(module).join(', ') || 'nothing';
  throw new RangeError(
    found.length === 0
      ? `the module exports no backend (an object with name, probe and open); it exports ${names}`
      : `the module exports ${found.length} backends: export the one to test as \`backend\``,
  );
}

function isBackend(value: unknown): value is TestedBackend {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'name') === 'string' &&
    typeof Reflect.get(value, 'probe') === 'function' &&
    typeof Reflect.get(value, 'open') === 'function'
  );
}
