#include "exec/signature.h"

#include <sstream>
#include <stdexcept>
#include <unordered_map>

#include "exec/signatures/checked.h"

namespace labkit {
namespace {

std::unordered_map<std::string, Signature>& signatures() {
    static std::unordered_map<std::string, Signature> table;
    return table;
}

}  // namespace

Signatures::Signatures(std::initializer_list<Signature> families) {
    for (const Signature& family : families) {
        std::istringstream words(family.kernels);
        for (std::string word; words >> word;) signatures()[word] = family;
    }
}

void check_signature(const std::string& name, const Call& call) {
    size_t dot = name.rfind('.');
    auto found = signatures().find(name.substr(0, dot));
    if (found == signatures().end())
        throw std::invalid_argument("the kernel '" + name + "' has no signature in exec/signatures/");
    found->second.check(Checked{name, call, dtype_named(name.substr(dot + 1))});
}

bool is_elementwise(const std::string& name) {
    auto found = signatures().find(name.substr(0, name.rfind('.')));
    return found != signatures().end() && found->second.elementwise;
}

}  // namespace labkit
