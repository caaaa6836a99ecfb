import { type Addon, PageCategory, ScanFlag } from '../addon/addon.js';
import { findAddon } from '../addon/load.js';
import { UffdFeature, UffdMode } from '../addon/userfault.js';
import { usableCards } from '../drm/nodes.js';
import { hmmNodes } from '../hmm/nodes.js';
import { type Mechanism, tryMechanism } from './mechanism.js';

/** What works here of what the package can use. */
export interface NativeMechanisms {
  /** The kernel notes writes, and tells them in one scan: `UFFD_FEATURE_WP_ASYNC` and `PAGEMAP_SCAN`. */
  readonly asyncTracking: Mechanism;
  /** The handler thread is told of the first write to each page: userfaultfd's write protection. */
  readonly syncTracking: Mechanism;
  /** An access brings a page that the memory's file has: minor faults, `UFFDIO_CONTINUE`. */
  readonly minorFaults: Mechanism;
  /** An access to private memory brings a page: missing faults, `UFFDIO_COPY`. */
  readonly missingFaults: Mechanism;
  /** Pages move without copying: `UFFDIO_MOVE`. */
  readonly move: Mechanism;
  /** Faults of the kernel are served, too, such as `fs.read` into a page that is not there. */
  readonly kernelFaults: Mechanism;
  /** SharedArrayBuffers over native memory. */
  readonly sharedBuffers: Mechanism;
}

/** What {@link probe} found. */
export interface NativeReport {
  /** Whether the addon loads. Without it nothing else works. */
  readonly available: boolean;
  /** Why not. */
  readonly reason?: string;
  /** What the user can do about it. */
  readonly remedy?: string;
  /** What works, where the addon loads. */
  readonly mechanisms?: NativeMechanisms;
  /** Device nodes of the kernel's test device for heterogeneous memory, which `@mirrorspace/native/hmm` opens. */
  readonly mirroringDevices: readonly string[];
  /** Nodes of DRM devices that `@mirrorspace/native/drm` opens. */
  readonly managedDevices: readonly string[];
  /** The best way here to find out who wrote what; comparing always works. */
  readonly tracking: 'async' | 'sync' | 'compare';
  /** Who can read the faults of live ranges here: what `faultHandler` of `nativeMemory` may be. None where they are not permitted. */
  readonly faultHandlers: readonly ('thread' | 'worker')[];
}

const PAGES = 8;
/** A fault that nobody serves ends after this long, in milliseconds. */
const PATIENCE = 1000;
const NEWER = (version: string) => ({
  EINVAL: `use Linux ${version} or newer`,
  ENOTTY: `use Linux ${version} or newer`,
});

/** Memory of a file, written through one mapping, to be found in the other. */
function twice(addon: Addon) {
  const length = PAGES * addon.pageSize;
  const file = addon.Memfd.create(length);
  const plain = addon.Mapping.map(file, 0, length);
  const user = addon.Mapping.map(file, 0, length);
  file.close();
  new Uint8Array(plain.arrayBuffer(0, length)).fill(7);
  return { plain, user, array: new Uint8Array(user.arrayBuffer(0, length)), length };
}

const shmem = UffdFeature.minorShmem | UffdFeature.missingShmem;
const protect = UffdFeature.writeProtect | UffdFeature.writeProtectShmem | UffdFeature.writeProtectUnpopulated;

/** Faults on file memory, with writes tracked in one of the two ways where `features` has it. */
function fileMemory(addon: Addon, features: number, mode: number): string | undefined {
  const { plain, user, array, length } = twice(addon);
  const faults = addon.Userfault.open(features, false, PATIENCE, false);
  try {
    const tracks = (mode & UffdMode.writeProtect) !== 0;
    faults.register(user, 0, length, mode, { source: 'continue', clean: tracks });
    if (array[addon.pageSize] !== 7) return 'an access read something else than what the page has';
    array[3 * addon.pageSize] = 1;
    if (faults.failure !== undefined) return faults.failure;
    if (!tracks) return undefined;
    const out = new Float64Array(3 + 3 * PAGES);
    if (features & UffdFeature.writeProtectAsync) {
      const categories = PageCategory.written | PageCategory.present;
      addon.pagemapScan(user, 0, length, out, ScanFlag.protect | ScanFlag.checkAsync, categories);
    } else {
      faults.takeWritten(user, 0, length, out);
    }
    const found = out[0] === 1 && out[3] === 3 * addon.pageSize && out[4] === 4 * addon.pageSize;
    return found ? undefined : 'a write was not found, or one that was none';
  } finally {
    faults.close();
    user.unmap();
    plain.unmap();
  }
}

/** Faults on private memory. */
function privateMemory(addon: Addon, features: number, source: 'copy' | 'move'): string | undefined {
  const length = PAGES * addon.pageSize;
  const from = addon.Mapping.reserve(length);
  const user = addon.Mapping.reserve(length);
  new Uint8Array(from.arrayBuffer(0, length)).fill(7);
  const faults = addon.Userfault.open(features, false, PATIENCE, false);
  try {
    faults.register(user, 0, length, UffdMode.missing, { source, from });
    const got = new Uint8Array(user.arrayBuffer(0, length))[2 * addon.pageSize];
    return got === 7 ? undefined : (faults.failure ?? 'an access read something else than what the page has');
  } finally {
    faults.close();
    user.unmap();
    from.unmap();
  }
}

function mechanisms(addon: Addon): NativeMechanisms {
  const tracked = UffdMode.missing | UffdMode.minor | UffdMode.writeProtect;
  return {
    asyncTracking: tryMechanism(
      () => fileMemory(addon, shmem | protect | UffdFeature.writeProtectAsync, tracked),
      NEWER('6.7'),
    ),
    syncTracking: tryMechanism(() => fileMemory(addon, shmem | protect, tracked), NEWER('6.4')),
    minorFaults: tryMechanism(() => fileMemory(addon, shmem, UffdMode.missing | UffdMode.minor), NEWER('5.14')),
    missingFaults: tryMechanism(() => privateMemory(addon, 0, 'copy'), {}),
    move: tryMechanism(() => privateMemory(addon, UffdFeature.move, 'move'), NEWER('6.8')),
    kernelFaults: tryMechanism(
      () => {
        const faults = addon.Userfault.open(0);
        const { userModeOnly } = faults;
        faults.close();
        if (userModeOnly) {
          const refusal = new Error(
            'only faults of user space are permitted: a system call into a missing page is EFAULT',
          );
          throw Object.assign(refusal, { code: 'USER' });
        }
        return undefined;
      },
      { USER: 'set vm.unprivileged_userfaultfd=1, give access to /dev/userfaultfd, or run with CAP_SYS_PTRACE' },
    ),
    sharedBuffers: tryMechanism(
      () => {
        const mapping = addon.Mapping.reserve(addon.pageSize);
        new Uint8Array(mapping.arrayBuffer(0, 8))[1] = 7;
        const got = new Uint8Array(mapping.sharedArrayBuffer(0, 8))[1];
        mapping.unmap();
        return got === 7 ? undefined : 'a SharedArrayBuffer showed something else than its memory';
      },
      { UNSUPPORTED: 'use Node 20, 22 or 24' },
    ),
  };
}

/**
 * Finds out, by doing, what works here: opens userfaultfds, makes faults, writes and looks. Takes some milliseconds and leaves nothing
 * behind. Never throws.
 */
export function probe(): NativeReport {
  const addon = findAddon();
  if ('reason' in addon) {
    return {
      available: false,
      reason: addon.reason,
      remedy: addon.remedy,
      tracking: 'compare',
      faultHandlers: [],
      mirroringDevices: [],
      managedDevices: [],
    };
  }
  const found = mechanisms(addon);
  const tracking = found.asyncTracking.works ? 'async' : found.syncTracking.works ? 'sync' : 'compare';
  // Either does what the other does, over the same calls.
  const faultHandlers = found.minorFaults.works ? (['thread', 'worker'] as const) : [];
  return {
    available: true,
    mechanisms: found,
    tracking,
    faultHandlers,
    mirroringDevices: hmmNodes(),
    managedDevices: usableCards(),
  };
}
