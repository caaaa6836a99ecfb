import type { PageSpan } from '../../page-span.js';
import { ON_DEVICE, type SpaceRig } from '../../space-rig.js';

/** How cases on the process's own memory are set up. */
export const VARIANTS = ['plain', 'small', 'subrange', 'pair'] as const;

/** The bytes of an area, as the process itself has them. */
export function plain(t: SpaceRig, area: PageSpan): Uint8Array {
  const region = t.space.regionAt(area.address)!;
  const offset = area.address - region.address;
  return region.array(Uint8Array).subarray(offset, offset + area.bytes);
}

/** Pages of an area on the device. */
export function onDevice(t: SpaceRig, area: PageSpan): number {
  return t.mirror.residency(area.address, area.bytes).filter((bits) => (bits & ON_DEVICE) !== 0).length;
}
