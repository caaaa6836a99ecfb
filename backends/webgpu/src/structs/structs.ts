import { makeStructuredView } from 'webgpu-utils';
import { WORD_ADDRESS_BITS } from '../wgsl/options.js';
import { accessors } from './accessors.js';
import { layOut, type StructLayout } from './layout.js';

/** What structs are laid out for. */
export interface StructsOptions {
  /** The device's `limits.addressBits`, 32 to 47: how large a member of the type `address` is. Default 34. */
  readonly addressBits?: number;
}

/** Structs of WGSL programs, and of the CPU that shares memory with them. */
export interface Structs {
  /** The structs and their accessors in WGSL, to stand in front of a program's code. */
  readonly wgsl: string;
  /** One of the structs, by its name. @throws TypeError when there is none of this name */
  of(name: string): Struct;
  /** What a member of the type `address` holds for a byte address: a multiple of 4 below 2^addressBits. @throws TypeError, RangeError */
  pointer(address: number): number | readonly [low: number, high: number];
  /** The byte address that such a member's view holds. */
  addressIn(pointer: Uint32Array): number;
}

/** A struct in memory. */
export interface Struct {
  readonly name: string;
  /** Bytes of one, and from one to the next in an array. */
  readonly bytes: number;
  /** Where its members are, in bytes from its start. */
  readonly offsets: { readonly [member: string]: number };
  /**
   * A view of the struct that begins `at` bytes into `bytes`, a multiple of 4 in the underlying buffer: typed arrays over the members,
   * and a way to set them. `Views` is for what the caller knows of the members. @throws TypeError, RangeError
   */
  view<Views = { readonly [member: string]: MemberView }>(bytes: Uint8Array, at?: number): StructView<Views>;
}

/** A struct in some bytes. */
export interface StructView<Views> {
  /** A typed array for each member; an object for a struct, and an array of objects for an array of structs. Matrix columns and array elements are padded as in WGSL. */
  readonly views: Views;
  /** Sets the members that `values` has: numbers, arrays of numbers, objects for structs. */
  set(values: object): void;
}

/** What a view of a struct has for a member. */
export type MemberView =
  Uint32Array | Int32Array | Float32Array | { readonly [member: string]: MemberView } | readonly MemberView[];

/**
 * Makes accessors for the structs in `code`, which is WGSL: structs, and the `const`s and `alias`es that they use. Members may be of
 * the type `address`.
 *
 * @throws TypeError for what is no WGSL, or cannot be loaded: `bool`, `f16`, atomics, arrays without a length; RangeError
 */
export function structs(code: string, options: StructsOptions = {}): Structs {
  if (typeof code !== 'string') throw new TypeError(`code must be a string, got ${typeof code}`);
  const { addressBits = WORD_ADDRESS_BITS } = options;
  if (!(Number.isInteger(addressBits) && addressBits >= 32 && addressBits <= 47))
    throw new RangeError(`addressBits must be an integer from 32 to 47, got ${String(addressBits)}`);
  const wide = addressBits > WORD_ADDRESS_BITS;
  const layouts = layOut(code, wide ? 'vec2u' : 'u32');
  const made = new Map(Array.from(layouts, ([name, layout]) => [name, struct(name, layout)]));
  return {
    wgsl: [code, ...Array.from(layouts, ([name, layout]) => accessors(name, layout)), ''].join('\n'),
    of(name) {
      const found = made.get(name);
      if (found === undefined)
        throw new TypeError(`there is no struct ${name}; there are ${Array.from(made.keys()).join(', ')}`);
      return found;
    },
    pointer(address) {
      if (typeof address !== 'number') throw new TypeError(`address must be a number, got ${typeof address}`);
      if (!(Number.isInteger(address) && address >= 0 && address < 2 ** addressBits && address % 4 === 0))
        throw new RangeError(`address must be a multiple of 4 below 2^${addressBits}, got ${address}`);
      return wide ? [address % 2 ** 32, Math.floor(address / 2 ** 32)] : address / 4;
    },
    addressIn: wide ? (pointer) => pointer[0]! + pointer[1]! * 2 ** 32 : (pointer) => pointer[0]! * 4,
  };
}

function struct(name: string, { bytes: size, members, definition }: StructLayout): Struct {
  return {
    name,
    bytes: size,
    offsets: Object.fromEntries(members.map((member) => [member.name, member.offset])),
    view<Views>(bytes: Uint8Array, at = 0): StructView<Views> {
      if (!(bytes instanceof Uint8Array)) throw new TypeError('bytes must be a Uint8Array');
      if (!(Number.isInteger(at) && at >= 0 && at + size <= bytes.length))
        throw new RangeError(`a ${name} of ${size} bytes does not fit at ${at} of ${bytes.length} bytes`);
      const offset = bytes.byteOffset + at;
      if (offset % 4 !== 0) throw new RangeError(`a view begins at a multiple of 4 of its buffer, not at ${offset}`);
      const view = makeStructuredView(definition, bytes.buffer as ArrayBuffer, offset);
      return { views: view.views as Views, set: (values) => view.set(values) };
    },
  };
}
