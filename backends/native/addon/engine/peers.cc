#include "engine/peers.h"

#include <atomic>
#include <chrono>
#include <thread>

#include "arguments.h"
#include "futex.h"

namespace mirrorspace::engine::peers {

constexpr uint64_t MOST_ROUNDS = 1'000'000;
/// A wake that was lost would show as this much time, and not as a hang.
constexpr double WAIT_MS = 1000;

struct Words {
  uint32_t* data;
  size_t count;
};

static Words wordsOf(const Arguments& arguments, size_t index, const char* name, size_t least) {
  const Bytes bytes = arguments.bytes(index, name, least * 4, 4);
  return {reinterpret_cast<uint32_t*>(bytes.data), bytes.length / 4};
}

__attribute__((noinline)) static void streamWords(const uint32_t* from, uint32_t* to, size_t count) {
  for (size_t i = 0; i < count; i++) to[i] = from[i] * 3 + 1;
}

__attribute__((noinline)) static uint32_t gatherWords(const uint32_t* words, uint32_t mask, uint32_t rounds) {
  uint32_t sum = 0;
  uint32_t at = 1;
  for (uint32_t i = 0; i < rounds; i++) {
    at = at * 1664525 + 1013904223;
    sum += words[(at >> 7) & mask];
  }
  return sum;
}

/// stream(from, to, passes)
static Napi::Value stream(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "stream");
  const Words from = wordsOf(arguments, 0, "from", 0);
  const Words to = wordsOf(arguments, 1, "to", from.count);
  const uint64_t passes = arguments.integer(2, "passes", MOST_ROUNDS);
  for (uint64_t pass = 0; pass < passes; pass++) streamWords(from.data, to.data, from.count);
  return info.Env().Undefined();
}

/// gather(words, rounds): their sum
static Napi::Value gather(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "gather");
  const Words words = wordsOf(arguments, 0, "words", 1);
  if ((words.count & (words.count - 1)) != 0) arguments.outside("words", "a power of two of them");
  const uint64_t rounds = arguments.integer(1, "rounds", UINT32_MAX);
  const uint32_t sum = gatherWords(words.data, static_cast<uint32_t>(words.count - 1), static_cast<uint32_t>(rounds));
  return Napi::Number::New(info.Env(), sum);
}

/// Two words, each on a cache line of its own.
struct Bell {
  alignas(64) std::atomic<uint32_t> asked{0};
  alignas(64) std::atomic<uint32_t> answered{0};
};

static void waitUntil(std::atomic<uint32_t>& word, uint32_t value) {
  for (uint32_t seen = word.load(); seen != value; seen = word.load()) futexWait(&word, seen, deadlineIn(WAIT_MS));
}

/// futexRoundTrips(rounds): nanoseconds of all
static Napi::Value futexRoundTrips(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "futexRoundTrips");
  const auto rounds = static_cast<uint32_t>(arguments.integer(0, "rounds", MOST_ROUNDS));
  Bell bell;
  std::thread other([&bell, rounds]() {
    for (uint32_t i = 1; i <= rounds; i++) {
      waitUntil(bell.asked, i);
      bell.answered.store(i);
      futexWake(&bell.answered, 1);
    }
  });
  const auto start = std::chrono::steady_clock::now();
  for (uint32_t i = 1; i <= rounds; i++) {
    bell.asked.store(i);
    futexWake(&bell.asked, 1);
    waitUntil(bell.answered, i);
  }
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  other.join();
  return Napi::Number::New(info.Env(), taken.count());
}

void init(Napi::Env env, Napi::Object exports) {
  Napi::Object peers = Napi::Object::New(env);
  peers.Set("stream", Napi::Function::New<stream>(env, "stream"));
  peers.Set("gather", Napi::Function::New<gather>(env, "gather"));
  peers.Set("futexRoundTrips", Napi::Function::New<futexRoundTrips>(env, "futexRoundTrips"));
  exports.Set("peers", peers);
}

}  // namespace mirrorspace::engine::peers
