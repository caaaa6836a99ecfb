/** What sources over files take. */
export interface FileSourceOptions {
  /** What errors call it. */
  readonly name?: string;
  /** It is open for writing: shared regions over it may be written, and `space.sync` and `space.truncate` reach it. Default `false`. */
  readonly write?: boolean;
}

/** @throws TypeError */
export function checkSourceOptions(options: FileSourceOptions): void {
  if (typeof options !== 'object' || options === null) throw new TypeError('a source takes an object of options');
  const { name, write } = options;
  if (name !== undefined && typeof name !== 'string') throw new TypeError(`name must be a string, got ${typeof name}`);
  if (write !== undefined && typeof write !== 'boolean')
    throw new TypeError(`write must be a boolean, got ${typeof write}`);
}

/** @throws TypeError where one of some methods is missing */
export function checkMethods(handle: object, methods: readonly string[], message: string): void {
  const object = handle as Readonly<Record<string, unknown>> | null;
  if (typeof object !== 'object' || object === null || methods.some((each) => typeof object[each] !== 'function'))
    throw new TypeError(message);
}

/** Why a file could not be read or written in whole. */
export function cutShort(name: string, what: 'read' | 'write', offset: number): RangeError {
  const why = what === 'read' ? 'it ends there, and was longer' : 'it takes no more: is the disk full?';
  return new RangeError(`${name}: could ${what} nothing at byte ${offset}; ${why}. ${REMEDY}`);
}

/** What to do about a file that is not the same any more. */
export const REMEDY = 'Open it again, and map that';
