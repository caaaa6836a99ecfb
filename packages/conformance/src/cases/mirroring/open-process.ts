import { SNAPSHOT_LOCAL } from '@mirrorspace/core/driver';
import { createSpace } from '@mirrorspace/core';
import type { Env } from '../../env.js';

/** A device, an MMU of it, and memory of the process. */
export async function openProcess(env: Env, pages: number) {
  const device = await env.open();
  const mmu = await device.createMmu({ addressBits: device.limits.addressBits });
  const { pageSize } = env;
  const space = await (env.claims.companion.space ?? createSpace)({ pageSize, addressBits: mmu.addressBits });
  env.defer(() => space.close());
  const region = space.map({ bytes: pages * pageSize });
  const [paging, user] = [true, false].map((wanted) => device.queues.find((queue) => queue.paging === wanted)!);
  const span = { mmu: mmu.id, start: region.address, end: region.address + region.bytes };
  const snapshot = async () => {
    const flags = new Uint8Array(pages);
    await paging!.submit([{ kind: 'snapshot', ...span, flags }]).wait({ timeoutMs: env.waitMs });
    return flags;
  };
  const local = async () => (await snapshot()).filter((flags) => (flags & SNAPSHOT_LOCAL) !== 0).length;
  return { device, mmu, region, bytes: region.array(Uint8Array), paging: paging!, user: user!, span, snapshot, local };
}
