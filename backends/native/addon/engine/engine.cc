#include "engine/engine.h"

#include "engine/peers.h"

namespace mirrorspace::engine {

void init(Napi::Env env, Napi::Object exports) {
  peers::init(env, exports);
}

}  // namespace mirrorspace::engine
