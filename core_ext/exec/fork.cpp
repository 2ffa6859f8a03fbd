#include "exec/fork.h"

#include <pthread.h>

#include <atomic>

#include "exec/pool.h"

namespace labkit {
namespace {

std::atomic<uint64_t> generation{0};

const int registered = pthread_atfork([] { runtime_mutex().lock(); }, [] { runtime_mutex().unlock(); },
                                      [] {
                                          generation.fetch_add(1);
                                          abandon_pool();
                                          runtime_mutex().unlock();
                                      });

}  // namespace

std::mutex& runtime_mutex() {
    static std::mutex& mutex = *new std::mutex;  // never destroyed: threads may outlive static objects
    return mutex;
}

uint64_t fork_generation() { return generation.load() + 0 * static_cast<uint64_t>(registered); }

}  // namespace labkit
