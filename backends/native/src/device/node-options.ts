/** What the options of devices behind device nodes have in common. */
interface NodeOptions {
  /** The device node. */
  readonly path?: string;
  /** Bytes of device memory. */
  readonly memory?: number;
  /** Name among open devices. */
  readonly name?: string;
}

/**
 * Checks what `open` was given.
 * @param page - Bytes: memory is whole pages.
 * @param limit - Bytes that memory is below.
 * @throws TypeError, RangeError
 */
export function checkNodeOptions(options: NodeOptions, page: number, limit?: number): void {
  if (typeof options !== 'object' || options === null) throw new TypeError('open takes an object of options');
  const { path, memory, name } = options;
  if (path !== undefined && typeof path !== 'string') throw new TypeError(`path must be a string, got ${typeof path}`);
  if (name !== undefined && typeof name !== 'string') throw new TypeError(`name must be a string, got ${typeof name}`);
  if (memory === undefined) return;
  if (typeof memory !== 'number') throw new TypeError(`memory must be a number of bytes, got ${typeof memory}`);
  if (Number.isSafeInteger(memory) && memory >= page && memory % page === 0 && memory < (limit ?? Infinity)) return;
  const below = limit === undefined ? '' : ` below ${limit}`;
  throw new RangeError(`memory must be whole pages of ${page} bytes${below}, got ${memory}`);
}
