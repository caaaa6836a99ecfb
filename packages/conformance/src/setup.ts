/**
 * How a case of the `mirror` level is set up: `plain`; `small` limits; a `subrange` in the middle of a larger region;
 * with a `second` busy space on the same device; as a `pair` of devices on one space.
 */
export const VARIANTS = ['plain', 'small', 'subrange', 'second', 'pair'] as const;

/** One of {@link VARIANTS}. */
export type Variant = (typeof VARIANTS)[number];

/** Values of a case's parameters by name. */
export type Params = Readonly<Record<string, string | number>>;
