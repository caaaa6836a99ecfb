import type { Mirror } from '@mirrorspace/core';
import type { PlainSpace } from './plain.js';
import { ARENA, differsAt, type Member, type Outcome, type World } from './world.js';

/** Where operations take place: the whole world, or the pages of one lane of several that run at the same time. */
export interface Scene {
  readonly world: World;
  readonly members: Member[];
  /** First address of the pages that fixed mappings may use. */
  readonly start: number;
  readonly pages: number;
  /** Numbers of the files it may map. */
  readonly files: readonly number[];
  /** Whether nobody else uses the spaces. */
  readonly alone: boolean;
}

/** A scene that is all there is. */
export function wholeScene(world: World): Scene {
  return { world, members: world.members, start: ARENA, pages: 16, files: [0, 1, 2], alone: true };
}

/** A place as the generator says it: small numbers that always mean something. */
export interface Place {
  /** Which space. */
  readonly member: number;
  /** 0: counted from the arena's start; n: from the start of the n-th region. */
  readonly region: number;
  readonly page: number;
  /** Index into a list of offsets in the page. */
  readonly offset: number;
  /** Index into a list of lengths. */
  readonly length: number;
}

/** A place resolved: a byte range of a space. */
export interface Span {
  readonly member: Member;
  readonly plain: PlainSpace;
  readonly start: number;
  readonly bytes: number;
}

/** Number of choices for {@link Place.offset} and {@link Place.length}. */
export const OFFSETS = 6;
export const LENGTHS = 9;

export function memberOf(scene: Scene, member: number): Member {
  return scene.members[member % scene.members.length]!;
}

/** What is accessed at a place: if a part of it lies behind the end of a file, less; see {@link PlainSpace.clip}. */
export function spanOf(scene: Scene, place: Place): Span {
  const span = wholeSpanOf(scene, place);
  return { ...span, bytes: span.plain.clip(span.start, span.bytes) };
}

export function wholeSpanOf(scene: Scene, place: Place): Span {
  const member = memberOf(scene, place.member);
  const { plain } = member;
  const size = plain.pageSize;
  const bases = [scene.start, ...plain.regions.map((region) => region.start)];
  const base = bases[place.region % bases.length]!;
  const offsets = [0, 0, 4, size / 2, size - 4, size - 1];
  const lengths = [1, 4, 8, size / 2, size, size + 4, 2 * size, 3 * size, 6 * size];
  let start = base + place.page * size + offsets[place.offset]!;
  let bytes = lengths[place.length]!;
  if (!scene.alone) {
    const arenaEnd = scene.start + scene.pages * size;
    const limit = base >= scene.start && base < arenaEnd ? arenaEnd : plain.at(base)!.end;
    if (start >= limit) start = base;
    bytes = Math.min(bytes, limit - start);
  }
  return { member, plain, start, bytes };
}

/** A place whose start and length are multiples of `unit`, at least one of them. */
export function alignedSpan(scene: Scene, place: Place, unit: number): Span {
  const span = spanOf(scene, place);
  return {
    ...span,
    start: Math.floor(span.start / unit) * unit,
    bytes: Math.max(unit, Math.floor(span.bytes / unit) * unit),
  };
}

/** Whether two addresses show the same bytes: then it matters which of them is written first. */
export function hasAliases({ plain }: Pick<Span, 'plain'>, words: readonly number[]): boolean {
  const cells = new Map<Uint8Array, number>();
  return words.some((word) => {
    if (plain.at(word) === undefined) return false;
    const page = Math.floor(word / plain.pageSize);
    const cell = plain.page(word, false);
    const known = cells.get(cell) ?? page;
    cells.set(cell, page);
    return known !== page;
  });
}

/** The mirror of a member on one of the devices, if it has one. */
export function mirrorOf(member: Member, device: number): Mirror | undefined {
  return member.mirrors[device % Math.max(1, member.mirrors.length)];
}

/** Bytes that tell by themselves where they come from. */
export function pattern(seed: number, bytes: number): Uint8Array {
  const data = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++) data[i] = seed * 37 + i * 11 + (i >>> 8) + 1;
  return data;
}

/** What happened must be what the model says: an error code, or success. Returns the value on success. */
export function agree<T>(what: string, actual: Outcome<T>, expected: string | undefined): T | undefined {
  const got = 'code' in actual ? actual.code : 'success';
  if (got !== (expected ?? 'success')) throw new Error(`${what}: got ${got}, the model says ${expected ?? 'success'}`);
  return 'value' in actual ? actual.value : undefined;
}

/** Bytes must be what the model says. */
export function agreeOnBytes(what: string, address: number, actual: Uint8Array, expected: Uint8Array): void {
  const at = differsAt(actual, expected);
  if (at < 0) return;
  throw new Error(
    `${what}: byte 0x${(address + at).toString(16)} (+${at}) is ${actual[at]}, the model says ${expected[at]}`,
  );
}

/** A count must lie in bounds. */
export function agreeOnCount(what: string, count: number, most: number): void {
  if (!(Number.isInteger(count) && count >= 0 && count <= most))
    throw new Error(`${what}: ${count} is no count from 0 to ${most}`);
}

/** Lets everything that is under way without anybody waiting for it come to its end. */
export async function settle({ space }: Member): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await space.flush();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
