import { FLAG_LOCKED } from '@mirrorspace/core';
import { fail, nameOf } from '../../check.js';
import { pattern } from '../../frames.js';
import type { SpaceRig } from '../../space-rig.js';

/** What the device has of a page, or does with it, when the page's entry changes on the CPU side. */
export const STATES = ['absent', 'read', 'writable', 'written', 'in-flight', 'faulting'] as const;
export type State = (typeof STATES)[number];

/** Bytes at the start of a page that cases look at. */
export const SPAN = 64;
/** What a page holds at first, and what the device puts there on its way into a state. */
export const OLD = pattern(1, SPAN);
export const BY_DEVICE = pattern(2, SPAN);

/** Codes of accesses to what is gone, or may not be accessed any more. */
const GONE = ['ADDRESS_NOT_MAPPED', 'ACCESS_DENIED', 'IO', 'CLOSED'];

/** Resolves when nothing of the state is under way any more, to whether the device's store took effect. */
export type Settled = () => Promise<boolean>;

/**
 * Brings the device into a state. What is under way is under way when it resolves, on devices that take their time; `shared` pages
 * are not brought to be written: that would give the device a copy.
 */
export async function enter(t: SpaceRig, address: number, state: State, shared: boolean): Promise<Settled> {
  const { env, mirror } = t;
  const nothing = (): Promise<boolean> => Promise.resolve(false);
  if (state === 'absent') return nothing;
  if (state === 'read') await mirror.read(address, SPAN);
  else if (state === 'writable') await mirror.prefetch(address, t.pageSize, { access: shared ? 'read' : 'write' });
  else if (state === 'written') await mirror.write(address, BY_DEVICE);
  const isLocked = (): boolean => (t.space.pageFlags(address, t.pageSize)[0]! & FLAG_LOCKED) !== 0;
  // A device that runs beside the host may end the access before the host has heard that the page arrived.
  await env.until(() => state === 'in-flight' || state === 'faulting' || !isLocked(), 'the page has arrived');
  if (state !== 'in-flight' && state !== 'faulting') return () => Promise.resolve(state === 'written');
  let done = false;
  const work =
    state === 'in-flight'
      ? mirror.prefetch(address, t.pageSize, { access: shared ? 'read' : 'write' }).then(() => false)
      : mirror.write(address, BY_DEVICE).then(() => true);
  const settled = env
    .expect(state === 'in-flight' ? 'the prefetch' : 'the store', work)
    .catch((error: unknown) => (GONE.includes(nameOf(error)) ? false : Promise.reject(error as Error)))
    .finally(() => (done = true));
  // Looked at by the case; until then a failure must not count as unhandled.
  settled.catch(() => undefined);
  const begun = state === 'in-flight' ? isLocked : (): boolean => t.device.faults.stalled > 0;
  await env.until(() => done || begun(), `the page is ${state}`);
  return () => settled;
}

/** CPU and device must find the same at an address: one of some contents, or errors. Returns which. */
export async function agree(
  t: SpaceRig,
  address: number,
  allowed: readonly (Uint8Array | string)[],
  what: string,
): Promise<Uint8Array | string> {
  const look = (by: { read(address: number, bytes: number): Promise<Uint8Array> }): Promise<Uint8Array | string> =>
    by.read(address, SPAN).catch((error: unknown) => nameOf(error));
  const device = await look(t.mirror);
  const cpu = await look(t.space);
  const same = (one: Uint8Array | string, other: Uint8Array | string): boolean =>
    typeof one === 'string' || typeof other === 'string' ? one === other : one.every((byte, i) => byte === other[i]);
  const show = (found: Uint8Array | string): string =>
    typeof found === 'string' ? found : `bytes ${found.slice(0, 8).join(' ')} …`;
  if (!same(cpu, device)) fail(`${what}: the CPU finds ${show(cpu)}, the device ${show(device)}`);
  const match = allowed.find((one) => same(one, cpu));
  if (match === undefined) fail(`${what}: expected ${allowed.map(show).join(' or ')}, got ${show(cpu)}`);
  return match;
}
