#include "exec/cgroup.h"

#include <fstream>

namespace labkit {

std::vector<ControlGroup> control_groups(const std::string& controller, const std::string& root) {
    std::vector<ControlGroup> found;
    const std::string mounted = root + "/sys/fs/cgroup";
    std::ifstream groups(root + "/proc/self/cgroup");  // lines "ID:CONTROLLERS:PATH"; version 2 has no controllers
    for (std::string line; std::getline(groups, line);) {
        size_t first = line.find(':'), second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
        const bool v2 = controllers.empty();
        if (!v2 && ("," + controllers + ",").find("," + controller + ",") == std::string::npos) continue;
        if (path.find("..") != std::string::npos) path.clear();  // a group outside this namespace
        while (!path.empty() && path.back() == '/') path.pop_back();
        for (;;) {
            if (v2) {
                found.push_back({true, mounted + path});
            } else {
                found.push_back({false, mounted + "/" + controller + path});
                if (controllers != controller) found.push_back({false, mounted + "/" + controllers + path});
            }
            size_t slash = path.rfind('/');
            if (slash == std::string::npos) break;
            path.resize(slash);
        }
    }
    return found;
}

}  // namespace labkit
