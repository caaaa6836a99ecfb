/* What no JavaScript can do to its own process, for tests in the guest: change rights of memory, fork without exec. Declares the little
 * that it needs of Node-API itself, so that no headers of Node are needed. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct napi_env__* napi_env;
typedef struct napi_value__* napi_value;
typedef struct napi_callback_info__* napi_callback_info;
typedef napi_value (*napi_callback)(napi_env, napi_callback_info);
extern int napi_get_cb_info(napi_env, napi_callback_info, size_t*, napi_value*, napi_value*, void**);
extern int napi_get_value_double(napi_env, napi_value, double*);
extern int napi_create_double(napi_env, double, napi_value*);
extern int napi_create_function(napi_env, const char*, size_t, napi_callback, void*, napi_value*);
extern int napi_set_named_property(napi_env, napi_value, const char*, napi_value);

#define PAGE 4096

static void read_numbers(napi_env env, napi_callback_info info, double* out, size_t count) {
  napi_value values[4];
  size_t given = 4;
  napi_get_cb_info(env, info, &given, values, NULL, NULL);
  for (size_t i = 0; i < count; i++)
    if (i >= given || napi_get_value_double(env, values[i], &out[i]) != 0) abort();
}

static napi_value number(napi_env env, double value) {
  napi_value out = NULL;
  napi_create_double(env, value, &out);
  return out;
}

/* protect(address, bytes, PROT_*): 0, or an errno. */
static napi_value protect(napi_env env, napi_callback_info info) {
  double n[3];
  read_numbers(env, info, n, 3);
  return number(env, mprotect((void*)(uintptr_t)n[0], (size_t)n[1], (int)n[2]) == 0 ? 0 : errno);
}

/*
 * forked(address, bytes, old, fresh): a child looks whether the first byte of each page is `old`, makes it `fresh`, and looks again.
 * Returns 0; 1 where it saw something else first, 2 afterwards; -1 where it did not end by itself.
 */
static napi_value forked(napi_env env, napi_callback_info info) {
  double n[4];
  read_numbers(env, info, n, 4);
  volatile uint8_t* memory = (uint8_t*)(uintptr_t)n[0];
  const size_t bytes = (size_t)n[1];
  /* The addon keeps its memory out of children. */
  madvise((void*)memory, bytes, MADV_DOFORK);
  const pid_t child = fork();
  if (child == 0) {
    for (size_t at = 0; at < bytes; at += PAGE)
      if (memory[at] != (uint8_t)n[2]) _exit(1);
    for (size_t at = 0; at < bytes; at += PAGE) memory[at] = (uint8_t)n[3];
    for (size_t at = 0; at < bytes; at += PAGE)
      if (memory[at] != (uint8_t)n[3]) _exit(2);
    _exit(0);
  }
  int status = -1;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  madvise((void*)memory, bytes, MADV_DONTFORK);
  return number(env, child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  const struct {
    const char* name;
    napi_callback call;
  } functions[] = {{"protect", protect}, {"forked", forked}};
  for (size_t i = 0; i < 2; i++) {
    napi_value function = NULL;
    napi_create_function(env, functions[i].name, (size_t)-1, functions[i].call, NULL, &function);
    napi_set_named_property(env, exports, functions[i].name, function);
  }
  return exports;
}
