export {
  type MemberView,
  type Struct,
  structs,
  type Structs,
  type StructsOptions,
  type StructView,
} from './structs/structs.js';
