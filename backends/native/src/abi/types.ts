/** A type of C: how large it is, where it may lie, and what it is in JavaScript. Little-endian, 64 bits. */
export interface CType<Out, In = Out> {
  /** Bytes. */
  readonly size: number;
  /** It lies at a multiple of this. */
  readonly align: number;
  /** Its value at an offset. */
  read(view: DataView, at: number): Out;
  /** Writes a value at an offset. @throws RangeError, TypeError for what it does not take */
  write(view: DataView, at: number, value: In): void;
  /** Set for pointers: what they point to. */
  readonly pointer?: Extent;
  /** Set for descriptors: who makes them. */
  readonly descriptor?: 'given' | 'returned';
}

/** How many bytes a pointer points to: `unit`, or `unit` for each that the field `count` of its struct says. */
export interface Extent {
  /** Bytes. */
  readonly unit: number;
  /** Name of a field of 4 or 8 bytes. */
  readonly count?: string;
}

function integer(bits: 8 | 16 | 32, signed: boolean): CType<number> {
  const size = bits / 8;
  const least = signed ? -(2 ** (bits - 1)) : 0;
  const most = least + 2 ** bits - 1;
  const name = `${signed ? 'Int' : 'Uint'}${bits}` as const;
  return {
    size,
    align: size,
    read: (view, at) => view[`get${name}`](at, true),
    write(view, at, value) {
      if (!Number.isInteger(value) || value < least || value > most) {
        throw new RangeError(`${String(value)} is not an integer from ${least} to ${most}`);
      }
      view[`set${name}`](at, value, true);
    },
  };
}

/** A `__u8`. */
export const u8 = integer(8, false);
/** A `__u16`. */
export const u16 = integer(16, false);
/** A `__u32`. */
export const u32 = integer(32, false);
/** A `__s8`. */
export const i8 = integer(8, true);
/** A `__s16`. */
export const i16 = integer(16, true);
/** A `__s32`. */
export const i32 = integer(32, true);

/** A `__u64` that may have any bits. */
export const bits64: CType<bigint> = {
  size: 8,
  align: 8,
  read: (view, at) => view.getBigUint64(at, true),
  write(view, at, value) {
    if (typeof value !== 'bigint' || value !== BigInt.asUintN(64, value)) {
      throw new RangeError(`${String(value)} is not a bigint of 64 bits`);
    }
    view.setBigUint64(at, value, true);
  },
};

function safe(signed: boolean): CType<number> {
  const get = signed ? 'getBigInt64' : 'getBigUint64';
  return {
    size: 8,
    align: 8,
    read(view, at) {
      const value = Number(view[get](at, true));
      if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is beyond 2^53: declare the field as bits64`);
      return value;
    },
    write(view, at, value) {
      if (!Number.isSafeInteger(value) || (!signed && value < 0)) {
        throw new RangeError(`${String(value)} is not ${signed ? 'a safe integer' : 'an integer from 0 to 2^53 - 1'}`);
      }
      view.setBigInt64(at, BigInt(value), true);
    },
  };
}

/** A `__u64` whose values are numbers below 2^53. */
export const u64 = safe(false);
/** A `__s64` whose values are safe integers. */
export const i64 = safe(true);

/** `type name[length]`. */
export function array<Out, In>(type: CType<Out, In>, length: number): CType<readonly Out[], readonly In[]> {
  return {
    size: type.size * length,
    align: type.align,
    read: (view, at) => Array.from({ length }, (_, i) => type.read(view, at + i * type.size)),
    write(view, at, value) {
      if (!Array.isArray(value) || value.length > length) throw new RangeError(`not an array of at most ${length}`);
      value.forEach((item: In, i) => type.write(view, at + i * type.size, item));
    },
  };
}

/** `char name[length]`, as bytes. */
export function bytes(length: number): CType<Uint8Array> {
  return {
    size: length,
    align: 1,
    read: (view, at) => new Uint8Array(view.buffer, view.byteOffset + at, length).slice(),
    write(view, at, value) {
      if (!(value instanceof Uint8Array) || value.length > length) throw new RangeError(`not at most ${length} bytes`);
      new Uint8Array(view.buffer, view.byteOffset + at, length).set(value);
    },
  };
}

/** A pointer in a field of 64 bits. Calls give the memory; JavaScript neither reads nor writes the address. */
export function pointer(extent: number | Extent): CType<undefined> & { readonly pointer: Extent } {
  return {
    size: 8,
    align: 8,
    read: () => undefined,
    write: () => undefined,
    pointer: typeof extent === 'number' ? { unit: extent } : extent,
  };
}

/** A file descriptor in a field of 32 bits: `given` by the caller, or `returned` by the driver. JavaScript does not see its number. */
export function descriptor(
  who: 'given' | 'returned',
): CType<undefined> & { readonly descriptor: 'given' | 'returned' } {
  return { size: 4, align: 4, read: () => undefined, write: () => undefined, descriptor: who };
}
