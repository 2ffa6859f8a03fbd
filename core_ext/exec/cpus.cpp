#include "exec/cpus.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

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

// The tightest quota from the process's own group up to the root, as the mounts of the usual places show it.
double quota() {
    double cores = INFINITY;
    std::ifstream groups("/proc/self/cgroup");  // lines "ID:CONTROLLERS:PATH"; version 2 has no controllers
    for (std::string line; std::getline(groups, line);) {
        size_t first = line.find(':'), second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
        bool v2 = controllers.empty();
        if (!v2 && ("," + controllers + ",").find(",cpu,") == std::string::npos) continue;
        if (path.find("..") != std::string::npos) path.clear();  // a group outside this namespace
        for (;;) {
            cores = v2 ? std::min(cores, quota_v2("/sys/fs/cgroup" + path))
                       : std::min({cores, quota_v1("/sys/fs/cgroup/cpu" + path),
                                   quota_v1("/sys/fs/cgroup/cpu,cpuacct" + path)});
            size_t slash = path.rfind('/');
            if (slash == std::string::npos) break;
            path.resize(slash);
        }
    }
    return cores;
}
#endif

}  // namespace

int usable_cores() {
    int cores = static_cast<int>(std::thread::hardware_concurrency());
#ifdef __linux__
    cpu_set_t mask;
    if (sched_getaffinity(0, sizeof mask, &mask) == 0) cores = CPU_COUNT(&mask);
    double limit = quota();
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
