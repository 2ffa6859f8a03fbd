#include "exec/cpus.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "exec/cgroup.h"

#ifdef __linux__
#include <sched.h>
#endif

namespace labkit {
namespace {

#ifdef __linux__
double quota_v2(const std::string& folder) {  // cores, or infinity; the file holds "QUOTA PERIOD" or "max PERIOD"
    std::ifstream file(folder + "/cpu.max");
    double quota, period;
    return file >> quota >> period && period > 0 ? quota / period : INFINITY;
}

double quota_v1(const std::string& folder) {
    std::ifstream quota_file(folder + "/cpu.cfs_quota_us"), period_file(folder + "/cpu.cfs_period_us");
    double quota, period;
    return quota_file >> quota && period_file >> period && quota > 0 && period > 0 ? quota / period : INFINITY;
}

// The tightest quota from the process's own group up to the root.
double quota(const std::string& root) {
    double cores = INFINITY;
    for (const ControlGroup& group : control_groups("cpu", root))
        cores = std::min(cores, group.v2 ? quota_v2(group.folder) : quota_v1(group.folder));
    return cores;
}
#endif

}  // namespace

int usable_cores(const std::string& root) {
    int cores = static_cast<int>(std::thread::hardware_concurrency());
#ifdef __linux__
    cpu_set_t mask;
    if (sched_getaffinity(0, sizeof mask, &mask) == 0) cores = CPU_COUNT(&mask);
    double limit = quota(root);
    if (limit < cores) cores = static_cast<int>(std::ceil(limit));
#endif
    return std::clamp(cores, 1, kMaxThreads);
}

int default_threads() {
    const char* text = std::getenv("LABKIT_NUM_THREADS");
    if (!text || !*text) return usable_cores();
    char* end;
    long count = std::strtol(text, &end, 10);
    if (*end || count < 1 || count > kMaxThreads)
        throw std::invalid_argument("LABKIT_NUM_THREADS is a whole number from 1 to " + std::to_string(kMaxThreads) +
                                    ". Received: '" + std::string(text) + "'. Unset it to use the cores at hand.");
    return static_cast<int>(count);
}

}  // namespace labkit
