/** Scenes by name: how many rows of bunnies there are, and how often each triangle of the mesh is split in four. */
export const SCENES = {
  small: { rows: 1, subdivisions: 0, label: '2 bunnies' },
  medium: { rows: 4, subdivisions: 0, label: '14 bunnies' },
  large: { rows: 4, subdivisions: 1, label: '14, finer' },
} as const;

/** Arranges the bunnies. */
export const SEED = 1;

export const EVICTIONS = ['lru', 'clock', 'fifo'] as const;
export const PREFETCHES = ['none', 'next', 'tree'] as const;

/** Device memory that can be chosen, in bytes: 256 KiB to 32 MiB, two steps for each doubling. */
export const MEMORIES: readonly number[] = Array.from(
  { length: 15 },
  (_, i) => (i % 2 === 0 ? 2 : 3) * 2 ** (17 + (i >> 1)),
);

export const SIZES = ['240x180', '480x360', '640x480'] as const;

/** What the page lets one choose. */
export interface Settings {
  /** Bytes of device memory. */
  readonly memory: number;
  readonly eviction: (typeof EVICTIONS)[number];
  readonly prefetch: (typeof PREFETCHES)[number];
  readonly scene: keyof typeof SCENES;
  /** Pixels across and down. */
  readonly width: number;
  readonly height: number;
}

/** A device of a quarter of the scene, as in the demo. */
export const DEFAULTS: Settings = {
  memory: 2 ** 20,
  eviction: 'lru',
  prefetch: 'tree',
  scene: 'medium',
  width: 480,
  height: 360,
};

/** Settings out of an address: `?memory=524288&eviction=clock&prefetch=none&scene=small&size=96x72`. What makes no sense is left out. */
export function settingsFrom(query: string): Settings {
  const given = new URLSearchParams(query);
  const oneOf = <T extends string>(name: string, choices: readonly T[], otherwise: T): T =>
    choices.find((choice) => choice === given.get(name)) ?? otherwise;
  const memory = Number(given.get('memory'));
  const [, width, height] = (/^(\d{2,4})x(\d{2,4})$/.exec(given.get('size') ?? '') ?? []).map(Number);
  const isSize = width !== undefined && height !== undefined && fits(width) && fits(height);
  return {
    memory: MEMORIES.includes(memory) ? memory : DEFAULTS.memory,
    eviction: oneOf('eviction', EVICTIONS, DEFAULTS.eviction),
    prefetch: oneOf('prefetch', PREFETCHES, DEFAULTS.prefetch),
    scene: oneOf('scene', Object.keys(SCENES) as Settings['scene'][], DEFAULTS.scene),
    width: isSize ? width : DEFAULTS.width,
    height: isSize ? height : DEFAULTS.height,
  };
}

function fits(side: number): boolean {
  return side >= 16 && side <= 1024;
}

/** The query that {@link settingsFrom} understands. */
export function queryOf({ memory, eviction, prefetch, scene, width, height }: Settings): string {
  const query = { memory: String(memory), eviction, prefetch, scene, size: `${width}x${height}` };
  return `?${new URLSearchParams(query).toString()}`;
}
