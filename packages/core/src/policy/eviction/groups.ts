import { NONE } from './id-queues.js';
import { PageIndex } from './page-index.js';

const FIRST = 64;

/**
 * Dense members in groups that have numbers of their own, anywhere below 2 ** 53: frames in the units of address space that their pages lie
 * in. Groups are dense ids, too, made when the first member comes and given back when the last one leaves. Members of a group are in the
 * order in which they were added or moved to the end. 12 bytes a member, and 32 a group.
 */
export class Groups {
  private readonly after: Int32Array;
  private readonly before: Int32Array;
  /** By member: its group; NONE for none. */
  private readonly groupOf: Int32Array;
  private readonly index = new PageIndex();
  private firsts = new Int32Array(FIRST);
  private lasts = new Int32Array(FIRST);
  private sizes = new Int32Array(FIRST);
  /** Groups given back: the first, and by group the next. */
  private spare = NONE;
  private spares = new Int32Array(FIRST);
  private made = 0;

  /** @param members how many there can be */
  constructor(members: number) {
    this.after = new Int32Array(members);
    this.before = new Int32Array(members);
    this.groupOf = new Int32Array(members).fill(NONE);
  }

  get bytes(): number {
    return 3 * this.groupOf.byteLength + this.index.bytes + 4 * this.firsts.byteLength;
  }

  /** The group of a member, or NONE; also for members beyond the capacity. */
  of(member: number): number {
    return member < this.groupOf.length ? this.groupOf[member]! : NONE;
  }

  /** The group of a number, or NONE. */
  find(number: number): number {
    return this.index.find(number);
  }

  /** The number of a group. */
  numberOf(group: number): number {
    return this.index.pages[group]!;
  }

  /** Members of a group. */
  size(group: number): number {
    return this.sizes[group]!;
  }

  /** The first member of a group. */
  first(group: number): number {
    return this.firsts[group]!;
  }

  /** The member behind another of its group, or NONE. */
  next(member: number): number {
    return this.after[member]!;
  }

  /** Adds a member, which is in no group, at the end of the group of a number; returns the group, which may be new. */
  add(member: number, number: number): number {
    let group = this.index.find(number);
    if (group === NONE) group = this.make(number);
    this.append(group, member);
    return group;
  }

  /** Takes a member out of its group; returns the group, which is gone if its size is 0. */
  remove(member: number): number {
    const group = this.unlink(member);
    this.groupOf[member] = NONE;
    if (this.sizes[group] === 0) {
      this.index.delete(group);
      this.spares[group] = this.spare;
      this.spare = group;
    }
    return group;
  }

  /** Moves a member to the end of its group. */
  moveLast(member: number): void {
    this.append(this.unlink(member), member);
  }

  private make(number: number): number {
    const group = this.spare === NONE ? this.made++ : this.spare;
    if (this.spare !== NONE) this.spare = this.spares[group]!;
    if (group === this.firsts.length) this.grow();
    this.index.add(group, number);
    this.firsts[group] = this.lasts[group] = NONE;
    this.sizes[group] = 0;
    return group;
  }

  private append(group: number, member: number): void {
    const last = this.lasts[group]!;
    if (last === NONE) this.firsts[group] = member;
    else this.after[last] = member;
    this.before[member] = last;
    this.after[member] = NONE;
    this.lasts[group] = member;
    this.groupOf[member] = group;
    this.sizes[group]!++;
  }

  private unlink(member: number): number {
    const group = this.groupOf[member]!;
    const before = this.before[member]!;
    const after = this.after[member]!;
    if (before === NONE) this.firsts[group] = after;
    else this.after[before] = after;
    if (after === NONE) this.lasts[group] = before;
    else this.before[after] = before;
    this.sizes[group]!--;
    return group;
  }

  private grow(): void {
    this.firsts = doubled(this.firsts);
    this.lasts = doubled(this.lasts);
    this.sizes = doubled(this.sizes);
    this.spares = doubled(this.spares);
  }
}

function doubled(from: Int32Array): Int32Array<ArrayBuffer> {
  const to = new Int32Array(from.length * 2);
  to.set(from);
  return to;
}
