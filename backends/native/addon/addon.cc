// Registers all parts. Each keeps to itself what it knows; what they share is in arguments.h, errors.h, handle.h and
// instance.h.
#include <napi.h>

#include "abi-table.h"
#include "compare.h"
#include "descriptor.h"
#include "disk-file.h"
#include "engine/engine.h"
#include "fault/bare.h"
#include "fault/userfault.h"
#include "futex.h"
#include "instance.h"
#include "mapping.h"
#include "memfd.h"
#include "pagemap.h"
#include "wait-pool.h"

static Napi::Value processEnds(const Napi::CallbackInfo& info) {
  mirrorspace::endAllFaults();
  return info.Env().Undefined();
}

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto* instance = new mirrorspace::Instance;
  env.SetInstanceData<mirrorspace::Instance>(instance);
  instance->promises = mirrorspace::Promises::create(env);
  // Before the environment's handles go: threads that wait for it use them.
  env.AddCleanupHook([](napi_env ended) { mirrorspace::endWaits(ended); }, static_cast<napi_env>(env));

  mirrorspace::Descriptor::init(env, exports);
  mirrorspace::DiskFile::init(env, exports);
  mirrorspace::Memfd::init(env, exports);
  mirrorspace::Mapping::init(env, exports);
  mirrorspace::Userfault::init(env, exports);
  mirrorspace::pagemap::init(env, exports);
  mirrorspace::bare::init(env, exports);
  mirrorspace::compare::init(env, exports);
  mirrorspace::futex::init(env, exports);
  mirrorspace::abi::init(env, exports);
  mirrorspace::engine::init(env, exports);
  exports.Set("pageSize", Napi::Number::New(env, static_cast<double>(mirrorspace::pageSize())));
  exports.Set("processEnds", Napi::Function::New<processEnds>(env, "processEnds"));
  return exports;
}

NODE_API_MODULE(mirrorspace, init)
