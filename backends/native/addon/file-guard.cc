#include "file-guard.h"

#include <unistd.h>

#include <mutex>

namespace mirrorspace {

std::atomic<FileGuard::Node*> FileGuard::first{nullptr};

static struct sigaction before;

static constexpr char MESSAGE[] =
    "mirrorspace: an access to a mapped file met no page. Somebody made the file shorter, the disk failed or is full, or the device has gone. Without the page's content "
    "the thread cannot go on, so the process ends. Use fileSource of @mirrorspace/core for files that others change.\n";

FileGuard::FileGuard(uint64_t start, uint64_t end) {
  static std::once_flag once;
  std::call_once(once, install);
  for (node_ = first.load(); node_; node_ = node_->next) {
    bool unused = false;
    if (node_->used.compare_exchange_strong(unused, true)) break;
  }
  if (!node_) {
    node_ = new Node;
    node_->used = true;
    node_->next = first.load();
    while (!first.compare_exchange_weak(node_->next, node_)) continue;
  }
  node_->start = start;
  node_->end = end;
}

FileGuard::~FileGuard() {
  node_->end = 0;
  node_->used = false;
}

bool FileGuard::covers(uint64_t address) {
  for (const Node* node = first.load(); node; node = node->next) {
    if (address >= node->start && address < node->end) return true;
  }
  return false;
}

void FileGuard::install() {
  struct sigaction action {};
  action.sa_sigaction = onSignal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, &before);
}

void FileGuard::onSignal(int signal, siginfo_t* info, void* context) {
  if (covers(reinterpret_cast<uint64_t>(info->si_addr))) {
    // Whether it was written or not, the process ends.
    if (write(STDERR_FILENO, MESSAGE, sizeof MESSAGE - 1) >= 0) _exit(70);
    _exit(70);
  }
  if (before.sa_flags & SA_SIGINFO) {
    before.sa_sigaction(signal, info, context);
  } else if (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN) {
    // The access is made again, and meets what would have been without us.
    sigaction(SIGBUS, &before, nullptr);
  } else {
    before.sa_handler(signal);
  }
}

}  // namespace mirrorspace
