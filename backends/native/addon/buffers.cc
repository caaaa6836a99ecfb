#include "buffers.h"

#include <dlfcn.h>
#include <node_version.h>
#include <v8.h>

#include <algorithm>
#include <cstring>

#include "errors.h"
#include "instance.h"

namespace mirrorspace {

/// What a buffer holds: its memory, and when that was closed, the addresses.
struct Hold {
  std::shared_ptr<Memory> memory;
  std::shared_ptr<Reservation> space;
};

static void release(napi_env, void*, void* hint) { delete static_cast<Hold*>(hint); }

Napi::Value makeArrayBuffer(Napi::Env env, const std::shared_ptr<Memory>& memory, const Span& span) {
  napi_value value = nullptr;
  auto* hold = new Hold{memory, span.hold};
  // This one goes with the backing store, wherever it was transferred to.
  const napi_status made = napi_create_external_arraybuffer(env, span.data, span.length, release, hold, &value);
  if (made != napi_ok) {
    delete hold;
    if (env.IsExceptionPending()) throw env.GetAndClearPendingException();
    throwCode(env, "UNSUPPORTED",
              "arrayBuffer: this Node takes no external ArrayBuffer of " + std::to_string(span.length) + " bytes");
  }
  // And this one with the object: an asynchronous call of Node (fs, zlib) holds it while it uses the bytes, detached or
  // not.
  auto* object = new Hold{memory, span.hold};
  if (napi_add_finalizer(env, value, object, release, object, nullptr) != napi_ok) delete object;

  const Napi::ArrayBuffer buffer(env, value);
  auto& all = Instance::of(env).buffers;
  all.emplace_back(memory.get(), Napi::Reference<Napi::ArrayBuffer>::New(buffer, 0));
  // Forgets collected ones whenever the list has doubled.
  if ((all.size() & (all.size() - 1)) == 0) {
    const auto collected = [](const auto& entry) { return entry.second.Value().IsEmpty(); };
    all.erase(std::remove_if(all.begin(), all.end(), collected), all.end());
  }
  return buffer;
}

void detachArrayBuffers(Napi::Env env, const Memory& memory) {
  auto& all = Instance::of(env).buffers;
  const auto detach = [&](const auto& entry) {
    if (entry.first != &memory) return false;
    Napi::ArrayBuffer buffer = entry.second.Value();
    if (!buffer.IsEmpty() && !buffer.IsDetached()) buffer.Detach();
    return true;
  };
  all.erase(std::remove_if(all.begin(), all.end(), detach), all.end());
}

// Node-API can make neither a SharedArrayBuffer over given memory nor one that the garbage collector does not count, so V8 is asked. Its functions and the layout of what they
// pass are the same in these versions of Node (20, 22, 24), which are tested; in others nothing is called.
static bool knownV8(Napi::Env env) {
  static const bool known = []() {
    // By name: a symbol that is not there would end the process when it is called first.
    constexpr const char* USED[] = {
        "_ZN2v817SharedArrayBuffer15NewBackingStoreEPvmPFvS1_mS1_ES1_",
        "_ZN2v817SharedArrayBuffer3NewEPNS_7IsolateESt10shared_ptrINS_12BackingStoreEE",
        "_ZN2v811ArrayBuffer15NewBackingStoreEPvmPFvS1_mS1_ES1_",
        "_ZN2v811ArrayBuffer3NewEPNS_7IsolateESt10shared_ptrINS_12BackingStoreEE",
        "_ZN2v811ArrayBuffer12SetDetachKeyENS_5LocalINS_5ValueEEE",
        "_ZN2v86Symbol3NewEPNS_7IsolateENS_5LocalINS_6StringEEE",
        "_ZN2v87Isolate10GetCurrentEv",
        "_ZN2v812BackingStore12EmptyDeleterEPvmS1_",
        "_ZN2v812BackingStoreD1Ev",
    };
    return std::all_of(std::begin(USED), std::end(USED),
                       [](const char* name) { return dlsym(RTLD_DEFAULT, name) != nullptr; });
  }();
  const uint32_t major = Napi::VersionManagement::GetNodeVersion(env)->major;
  return known && (major == NODE_MAJOR_VERSION || major == 20 || major == 22 || major == 24);
}

static Napi::Value fromV8(Napi::Env env, v8::Local<v8::Value> made) {
  napi_value value = nullptr;
  static_assert(sizeof(value) == sizeof(made), "a napi_value is a handle of V8");
  std::memcpy(&value, &made, sizeof(value));
  return Napi::Value(env, value);
}

/// Node's `markAsUntransferable`; empty where there is none.
static Napi::Function markOf(Napi::Env env) {
  const Napi::Object process = env.Global().Get("process").As<Napi::Object>();
  const Napi::Value find = process.Get("getBuiltinModule");
  if (!find.IsFunction()) return {};
  const Napi::Value threads = find.As<Napi::Function>().Call(process, {Napi::String::New(env, "node:worker_threads")});
  if (!threads.IsObject()) return {};
  const Napi::Value mark = threads.As<Napi::Object>().Get("markAsUntransferable");
  return mark.IsFunction() ? mark.As<Napi::Function>() : Napi::Function();
}

Napi::Value makeUncountedArrayBuffer(Napi::Env env, const std::shared_ptr<Memory>& memory, const Span& span) {
  const Napi::Function mark = markOf(env);
  if (!knownV8(env) || mark.IsEmpty()) return makeArrayBuffer(env, memory, span);
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  // What has no deleter V8 does not count. So nothing goes with the backing store, and it must not be transferred.
  std::unique_ptr<v8::BackingStore> store =
      v8::ArrayBuffer::NewBackingStore(span.data, span.length, v8::BackingStore::EmptyDeleter, nullptr);
  const v8::Local<v8::ArrayBuffer> buffer =
      v8::ArrayBuffer::New(isolate, std::shared_ptr<v8::BackingStore>(std::move(store)));
  buffer->SetDetachKey(v8::Symbol::New(isolate));
  const Napi::Value value = fromV8(env, buffer);
  // Node asks before it detaches, and would end the process when V8 refuses.
  mark.Call({value});
  auto* object = new Hold{memory, span.hold};
  if (napi_add_finalizer(env, value, object, release, object, nullptr) != napi_ok) {
    delete object;
    throwCode(env, "UNSUPPORTED", "arrayBuffer: Node takes no finalizer");
  }
  return value;
}

Napi::Value makeSharedArrayBuffer(Napi::Env env, const std::shared_ptr<Memory>& memory, const Span& span) {
  if (!knownV8(env)) {
    throwCode(env, "UNSUPPORTED",
              "sharedArrayBuffer: not in Node " + std::to_string(Napi::VersionManagement::GetNodeVersion(env)->major) +
                  "; use Node 20, 22 or 24, or build the addon with its headers");
  }
  auto* hold = new Hold{memory, span.hold};
  std::unique_ptr<v8::BackingStore> store = v8::SharedArrayBuffer::NewBackingStore(
      span.data, span.length, [](void*, size_t, void* data) { delete static_cast<Hold*>(data); }, hold);
  return fromV8(env, v8::SharedArrayBuffer::New(v8::Isolate::GetCurrent(),
                                                std::shared_ptr<v8::BackingStore>(std::move(store))));
}

}  // namespace mirrorspace
