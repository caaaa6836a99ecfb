import type { EvictionName } from '../../../src/policy/index.js';

/** A cache as its paper describes it, on plain arrays of pages: says what an access gives up, and is as slow as it likes. */
export interface NaiveCache {
  /** Pages given up, in order; `undefined` for a hit. */
  access(page: number, write: boolean): number[] | undefined;
}

const without = (list: readonly number[], page: number) => list.filter((other) => other !== page);

function queue(room: number, moveOnAccess: boolean): NaiveCache {
  let order: number[] = [];
  return {
    access(page) {
      if (order.includes(page)) {
        if (moveOnAccess) order = [...without(order, page), page];
        return undefined;
      }
      const evicted = order.length === room ? [order.shift()!] : [];
      order.push(page);
      return evicted;
    },
  };
}

/** FIFO with reinsertion, which is what a hand over frames comes to when they are all in use. */
function clock(room: number): NaiveCache {
  const order: number[] = [];
  const referenced = new Set<number>();
  return {
    access(page) {
      if (order.includes(page)) {
        referenced.add(page);
        return undefined;
      }
      const evicted: number[] = [];
      while (order.length === room) {
        const oldest = order.shift()!;
        if (referenced.delete(oldest)) order.push(oldest);
        else evicted.push(oldest);
      }
      order.push(page);
      return evicted;
    },
  };
}

function sieve(room: number): NaiveCache {
  /** Youngest first, as in the paper. */
  const list: { page: number; visited: boolean }[] = [];
  let hand: (typeof list)[number] | undefined;
  return {
    access(page) {
      const found = list.find((object) => object.page === page);
      if (found !== undefined) {
        found.visited = true;
        return undefined;
      }
      const evicted: number[] = [];
      if (list.length === room) {
        let object = hand ?? list.at(-1)!;
        while (object.visited) {
          object.visited = false;
          object = list[list.indexOf(object) - 1] ?? list.at(-1)!;
        }
        hand = list[list.indexOf(object) - 1];
        list.splice(list.indexOf(object), 1);
        evicted.push(object.page);
      }
      list.unshift({ page, visited: false });
      return evicted;
    },
  };
}

function s3Fifo(room: number): NaiveCache {
  let small: number[] = [];
  const main: number[] = [];
  let ghost: number[] = [];
  const freq = new Map<number, number>();
  const smallSize = Math.max(1, Math.floor(room / 10));
  const evictMain = (): number => {
    for (;;) {
      const page = main.shift()!;
      if (freq.get(page)! === 0) return page;
      freq.set(page, freq.get(page)! - 1);
      main.push(page);
    }
  };
  const evictSmall = (): number | undefined => {
    while (small.length > 0) {
      const page = small.shift()!;
      if (freq.get(page)! > 1) {
        freq.set(page, 0);
        main.push(page);
        continue;
      }
      ghost = [...ghost, page].slice(-Math.max(0, room - smallSize) || ghost.length + 1);
      return page;
    }
    return undefined;
  };
  return {
    access(page) {
      if (small.includes(page) || main.includes(page)) {
        freq.set(page, Math.min(3, freq.get(page)! + 1));
        return undefined;
      }
      const known = ghost.includes(page);
      ghost = without(ghost, page);
      const evicted: number[] = [];
      if (small.length + main.length === room) {
        const chosen = small.length >= smallSize || main.length === 0 ? evictSmall() : undefined;
        evicted.push(chosen ?? evictMain());
      }
      if (known) main.push(page);
      else small = [...small, page];
      freq.set(page, 0);
      return evicted;
    },
  };
}

function twoQueue(room: number): NaiveCache {
  let a1in: number[] = [];
  let a1out: number[] = [];
  let am: number[] = [];
  const kin = Math.max(1, Math.floor(room / 4));
  const kout = Math.floor(room / 2);
  return {
    access(page) {
      if (am.includes(page)) {
        am = [...without(am, page), page];
        return undefined;
      }
      if (a1in.includes(page)) return undefined;
      const known = a1out.includes(page);
      a1out = without(a1out, page);
      const evicted: number[] = [];
      if (a1in.length + am.length === room) {
        if (a1in.length > kin || am.length === 0) {
          const oldest = a1in.shift()!;
          a1out = kout === 0 ? [] : [...a1out, oldest].slice(-kout);
          evicted.push(oldest);
        } else {
          evicted.push(am.shift()!);
        }
      }
      if (known) am.push(page);
      else a1in = [...a1in, page];
      return evicted;
    },
  };
}

/** Figure 4 of the paper, case by case; lists begin with the least recently used. */
function arc(c: number): NaiveCache {
  let [t1, t2, b1, b2]: number[][] = [[], [], [], []] as never;
  let p = 0;
  const replace = (inB2: boolean): number[] => {
    if (t1!.length >= 1 && ((inB2 && t1!.length === p) || t1!.length > p)) {
      const page = t1!.shift()!;
      b1!.push(page);
      return [page];
    }
    const page = t2!.shift()!;
    b2!.push(page);
    return [page];
  };
  return {
    access(x) {
      if (t1!.includes(x) || t2!.includes(x)) {
        t1 = without(t1!, x);
        t2 = [...without(t2!, x), x];
        return undefined;
      }
      if (b1!.includes(x)) {
        p = Math.min(c, p + Math.max(b2!.length / b1!.length, 1));
        b1 = without(b1!, x);
        const evicted = replace(false);
        t2!.push(x);
        return evicted;
      }
      if (b2!.includes(x)) {
        p = Math.max(0, p - Math.max(b1!.length / b2!.length, 1));
        b2 = without(b2!, x);
        const evicted = replace(true);
        t2!.push(x);
        return evicted;
      }
      let evicted: number[] = [];
      const total = t1!.length + t2!.length + b1!.length + b2!.length;
      if (t1!.length + b1!.length === c) {
        if (t1!.length < c) {
          b1!.shift();
          evicted = replace(false);
        } else {
          evicted = [t1!.shift()!];
        }
      } else if (total >= c) {
        if (total === 2 * c) b2!.shift();
        evicted = replace(false);
      }
      t1!.push(x);
      return evicted;
    },
  };
}

function lfu(room: number): NaiveCache {
  let pages: { page: number; count: number; time: number }[] = [];
  let time = 0;
  return {
    access(page) {
      time++;
      const found = pages.find((entry) => entry.page === page);
      if (found !== undefined) {
        found.count++;
        found.time = time;
        return undefined;
      }
      const evicted: number[] = [];
      if (pages.length === room) {
        const least = pages.toSorted((a, b) => a.count - b.count || a.time - b.time)[0]!;
        pages = pages.filter((entry) => entry !== least);
        evicted.push(least.page);
      }
      pages.push({ page, count: 1, time });
      return evicted;
    },
  };
}

/** Pages of 4 KiB. */
function units(room: number, unitPages: number, byAccess: boolean): NaiveCache {
  const times = new Map<number, number>();
  let pages: number[] = [];
  let time = 0;
  const unitOf = (page: number) => Math.floor(page / unitPages);
  return {
    access(page) {
      time++;
      if (pages.includes(page)) {
        if (byAccess) times.set(unitOf(page), time);
        return undefined;
      }
      let evicted: number[] = [];
      if (pages.length === room) {
        const oldest = pages.map(unitOf).sort((a, b) => times.get(a)! - times.get(b)!)[0]!;
        evicted = pages.filter((other) => unitOf(other) === oldest);
        pages = pages.filter((other) => unitOf(other) !== oldest);
      }
      pages.push(page);
      times.set(unitOf(page), time);
      return evicted;
    },
  };
}

/** Chunks and blocks by their last access, and the tree counted anew for each node. */
function neighbourhood(room: number, tree: boolean): NaiveCache {
  const accessed = new Map<number, number>();
  const spans = new Map<number, number>();
  let pages: number[] = [];
  let time = 0;
  const blockOf = (page: number) => Math.floor(page / 16);
  const chunkOf = (page: number) => Math.floor(page / 512);
  const last = (of: (page: number) => number, key: number) =>
    Math.max(...pages.filter((page) => of(page) === key).map((page) => accessed.get(page)!), lastGone(of, key));
  /** Pages that left count for the times of their block and chunk as long as anything of it is there. */
  const gone: number[] = [];
  const lastGone = (of: (page: number) => number, key: number) =>
    Math.max(-1, ...gone.filter((page) => of(page) === key).map((page) => accessed.get(page)!));
  const leave = (leaving: readonly number[]) => {
    pages = pages.filter((page) => !leaving.includes(page));
    gone.push(...leaving);
    for (let i = gone.length - 1; i >= 0; i--)
      if (!pages.some((page) => chunkOf(page) === chunkOf(gone[i]!))) gone.splice(i, 1);
  };
  const balance = (start: number, size: number, evicted: number[]): void => {
    if (size === 1) return;
    balance(start, size / 2, evicted);
    balance(start + size / 2, size / 2, evicted);
    const within = (page: number) => blockOf(page) >= start && blockOf(page) < start + size;
    const valid = new Set(pages.filter(within).map(blockOf));
    if (valid.size === 0 || valid.size * 2 >= size) return;
    const leaving = pages.filter(within).sort((a, b) => blockOf(a) - blockOf(b));
    evicted.push(...leaving);
    leave(leaving);
  };
  return {
    access(page) {
      time++;
      const hit = pages.includes(page);
      let evicted: number[] = [];
      if (!hit && pages.length === room) {
        const chunk = [...new Set(pages.map(chunkOf))].sort((a, b) => last(chunkOf, a) - last(chunkOf, b))[0]!;
        const blocks = [...new Set(pages.filter((other) => chunkOf(other) === chunk).map(blockOf))];
        const block = blocks.sort((a, b) => last(blockOf, a) - last(blockOf, b))[0]!;
        evicted = pages.filter((other) => blockOf(other) === block);
        leave(evicted);
        if (tree && pages.some((other) => chunkOf(other) === chunk)) balance(chunk * 32, spans.get(chunk)!, evicted);
      }
      if (!hit) {
        const chunk = chunkOf(page);
        if (!pages.some((other) => chunkOf(other) === chunk)) spans.set(chunk, 1);
        pages.push(page);
        while (spans.get(chunk)! <= blockOf(page) - chunk * 32) spans.set(chunk, spans.get(chunk)! * 2);
      }
      accessed.set(page, time);
      return hit ? undefined : evicted;
    },
  };
}

function cleanFirstLru(room: number): NaiveCache {
  let order: number[] = [];
  const dirty = new Set<number>();
  const window = Math.max(1, Math.floor(room / 4));
  return {
    access(page, write) {
      const hit = order.includes(page);
      const evicted: number[] = [];
      if (!hit && order.length === room) {
        const chosen = order.slice(0, window).find((other) => !dirty.has(other)) ?? order[0]!;
        order = without(order, chosen);
        dirty.delete(chosen);
        evicted.push(chosen);
      }
      order = [...without(order, page), page];
      if (write) dirty.add(page);
      return hit ? undefined : evicted;
    },
  };
}

/** Frames in a ring. */
function cleanFirstClock(room: number): NaiveCache {
  const frames: { page: number; referenced: boolean; dirty: boolean }[] = [];
  let hand = 0;
  const sweep = (dirtyToo: boolean): number | undefined => {
    for (let steps = 0; steps < room; steps++) {
      const at = hand;
      hand = (hand + 1) % room;
      const frame = frames[at]!;
      if (!frame.referenced && (dirtyToo || !frame.dirty)) return at;
      if (dirtyToo) frame.referenced = false;
    }
    return undefined;
  };
  return {
    access(page, write) {
      const found = frames.find((frame) => frame.page === page);
      if (found !== undefined) {
        found.referenced = true;
        found.dirty ||= write;
        return undefined;
      }
      const entry = { page, referenced: false, dirty: write };
      if (frames.length < room) {
        frames.push(entry);
        return [];
      }
      const at = sweep(false) ?? sweep(true) ?? sweep(false) ?? sweep(true)!;
      const evicted = [frames[at]!.page];
      frames[at] = entry;
      return evicted;
    },
  };
}

/** All but `random` and `next-use`, which compares a random sample: nothing but themselves could foretell them. */
export const naiveCaches: Record<Exclude<EvictionName, 'random' | 'next-use'>, (room: number) => NaiveCache> = {
  lru: (room) => queue(room, true),
  fifo: (room) => queue(room, false),
  clock,
  sieve,
  's3-fifo': s3Fifo,
  '2q': twoQueue,
  arc,
  lfu,
  'lru-64k': (room) => units(room, 16, true),
  'lru-2m': (room) => units(room, 512, true),
  'least-recently-allocated': (room) => units(room, 512, false),
  'sequential-local': (room) => neighbourhood(room, false),
  tree: (room) => neighbourhood(room, true),
  'clean-first-lru': cleanFirstLru,
  'clean-first-clock': cleanFirstClock,
};
