// JavaScript buffers over memory that is not V8's.
#pragma once
#include <napi.h>

#include "memory.h"

namespace mirrorspace {

/// An ArrayBuffer over a part of `memory`, which lives until it, and whatever it was transferred to, was collected.
Napi::Value makeArrayBuffer(Napi::Env env, const std::shared_ptr<Memory>& memory, const Span& span);

/// The same, but the garbage collector does not hurry for its sake, however long it is. It cannot be detached: not transferred,
/// and once its memory is closed it reads as zeros. Where this Node's V8 is not known, as `makeArrayBuffer`.
Napi::Value makeUncountedArrayBuffer(Napi::Env env, const std::shared_ptr<Memory>& memory, const Span& span);

/// A SharedArrayBuffer over `span`, which any thread may use. @throws an Error UNSUPPORTED where this Node's V8 is not
/// known
Napi::Value makeSharedArrayBuffer(Napi::Env env, const std::shared_ptr<Memory>& memory, const Span& span);

/// Detaches the ArrayBuffers over a range that were made in this environment.
void detachArrayBuffers(Napi::Env env, const Memory& memory);

}  // namespace mirrorspace
