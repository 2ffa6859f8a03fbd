// The control groups that this process is in, of versions 1 and 2, where Linux shows them in the usual places.
#pragma once
#include <string>
#include <vector>

namespace labkit {

struct ControlGroup {
    bool v2;
    std::string folder;  // of the group's files, without "/" at the end; it need not exist
};

// The groups that limit what `controller` ("cpu", "memory") gives, from the process's own up to the root. `root` stands in
// front of the paths of /proc and /sys, so that tests have their own.
std::vector<ControlGroup> control_groups(const std::string& controller, const std::string& root = "");

}  // namespace labkit
