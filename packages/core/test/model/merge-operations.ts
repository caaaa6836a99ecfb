import { agree, memberOf, type Scene } from './scene.js';
import { outcomeOf } from './world.js';

/** Merges identical pages. */
export interface MergeOperation {
  readonly kind: 'merge';
  readonly member: number;
  /** Every other private page is filled with this first, so that there is something to merge; 0: none. */
  readonly alike: number;
  /** Whether all that the scene has is offered first. */
  readonly offer: boolean;
  /** Whether all of it comes home first: what a device has is not merged. */
  readonly home: boolean;
}

export async function merge(scene: Scene, op: MergeOperation): Promise<void> {
  for (const { space, plain, mirrors } of scene.members) {
    for (const { start, end, access, shared } of plain.regions) {
      if (op.alike > 0 && access === 'read-write' && !shared) {
        const data = new Uint8Array(plain.pageSize).fill(op.alike);
        for (let at = start; at < end; at += 2 * plain.pageSize) {
          if (plain.isBehind(at)) break;
          await space.write(at, data);
          plain.write(at, data);
        }
      }
      if (op.offer) await space.advise(start, end - start, { mergeable: true });
      for (const mirror of op.home ? mirrors : []) await mirror?.migrate(start, end - start, 'host');
    }
  }
  const { host, config } = scene.world;
  const used = host.used;
  const result = agree('merge', await outcomeOf(() => memberOf(scene, op.member).space.merge()), undefined)!;
  const { scanned, merged, refused, bytesSaved } = result;
  if (merged < 0 || refused < 0 || merged + refused > scanned)
    throw new Error(`merge: ${merged} merged and ${refused} refused of ${scanned}`);
  if (bytesSaved > merged * config.pageSize) throw new Error(`merge: ${bytesSaved} bytes saved by ${merged} pages`);
  // With a budget pages leave in the background; where time passes, what a failed launch still asked for may come then.
  const still = config.budget === undefined && config.latencySeed === undefined;
  if (scene.alone && still && used - host.used !== bytesSaved / config.pageSize)
    throw new Error(`merge: ${bytesSaved} bytes saved; pages in use were ${used} and are ${host.used}`);
}
