import type { CType } from './types.js';

/** Types of fields by their names, in the order in which C has them. */
export type Fields = Readonly<Record<string, CType<unknown, never>>>;

/** Values of a struct's fields. */
export type StructValue<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends { read(view: DataView, at: number): infer V } ? V : never;
};

/** Values to write: what is left out, in structs within it, too, is zero. */
export type StructInput<F extends Fields> = {
  readonly [K in keyof F]?: F[K] extends { write(view: DataView, at: number, value: infer V): void } ? V : never;
};

/** A struct or union of C, laid out by C's rules. */
export interface Struct<F extends Fields> extends CType<StructValue<F>, StructInput<F>> {
  /** Its fields. */
  readonly fields: F;
  /** Where they are, in bytes. */
  readonly offsets: { readonly [K in keyof F]: number };
  /** Bytes with these values; fields that are left out are zero. @throws RangeError, TypeError naming the field */
  encode(value: StructInput<F>): Uint8Array;
  /** The values of its fields. @throws RangeError when there are fewer bytes than it has */
  decode(bytes: Uint8Array): StructValue<F>;
  /** The values of its fields at an offset. */
  read(view: DataView, at: number): StructValue<F>;
}

function layOut<F extends Fields>(fields: F, place: (end: number, type: CType<unknown>) => number): Struct<F> {
  const offsets: Record<string, number> = {};
  let end = 0;
  let align = 1;
  for (const [name, field] of Object.entries(fields)) {
    if (/^\d/.test(name)) throw new RangeError(`a field cannot be named ${name}: its place would not be kept`);
    const type = field as CType<unknown>;
    const at = place(end, type);
    offsets[name] = at;
    end = Math.max(end, at + type.size);
    align = Math.max(align, type.align);
  }
  const size = Math.ceil(end / align) * align;

  const read = (view: DataView, at: number) =>
    Object.fromEntries(
      Object.entries(fields).map(([name, type]) => [name, type.read(view, at + offsets[name]!)]),
    ) as StructValue<F>;

  const write = (view: DataView, at: number, value: StructInput<F>) => {
    for (const [name, item] of Object.entries(value)) {
      const type = Object.hasOwn(fields, name) ? (fields[name] as CType<unknown>) : undefined;
      if (!type) throw new TypeError(`there is no field ${name}; there are ${Object.keys(fields).join(', ')}`);
      if (item === undefined) continue;
      try {
        type.write(view, at + offsets[name]!, item);
      } catch (cause) {
        throw new RangeError(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
      }
    }
  };

  return {
    fields,
    offsets: offsets as Struct<F>['offsets'],
    size,
    align,
    read,
    write,
    encode(value) {
      const out = new Uint8Array(size);
      write(new DataView(out.buffer), 0, value);
      return out;
    },
    decode(bytes) {
      if (bytes.byteLength < size)
        throw new RangeError(`${bytes.byteLength} bytes are fewer than the struct's ${size}`);
      return read(new DataView(bytes.buffer, bytes.byteOffset, size), 0);
    },
  };
}

/** `struct { ... }`: `struct({ start: u64, len: u64 })`. */
export function struct<const F extends Fields>(fields: F): Struct<F> {
  return layOut(fields, (end, type) => Math.ceil(end / type.align) * type.align);
}

/** `union { ... }`: encode with one of its fields. */
export function union<const F extends Fields>(fields: F): Struct<F> {
  return layOut(fields, () => 0);
}
