// What happens when a page of a mapped file cannot be had: somebody made the file shorter, or the disk failed.
#pragma once
#include <signal.h>

#include <atomic>
#include <cstdint>

namespace mirrorspace {

/**
 * A range of addresses where a file is mapped. An access there that the kernel cannot serve (SIGBUS) ends the process with the status 70 and a message:
 * it can neither return nor throw. Other SIGBUSes are whoever's they were.
 */
class FileGuard {
 public:
  FileGuard(uint64_t start, uint64_t end);
  FileGuard(const FileGuard&) = delete;
  FileGuard& operator=(const FileGuard&) = delete;
  ~FileGuard();

 private:
  /// Read by the signal handler: never freed, but used again.
  struct Node {
    std::atomic<uint64_t> start{0};
    std::atomic<uint64_t> end{0};
    std::atomic<bool> used{false};
    Node* next = nullptr;
  };
  static std::atomic<Node*> first;
  static bool covers(uint64_t address);
  static void install();
  static void onSignal(int signal, siginfo_t* info, void* context);
  Node* node_;
};

}  // namespace mirrorspace
