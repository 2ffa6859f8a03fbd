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

// Of "pow.f32", or else of all dtypes of "pow"; nullptr where there is none.
const Signature* signature_of(const std::string& name) {
    auto found = signatures().find(name);
    if (found == signatures().end()) found = signatures().find(name.substr(0, name.rfind('.')));
    return found == signatures().end() ? nullptr : &found->second;
}

}  // namespace

Signatures::Signatures(std::initializer_list<Signature> families) {
    for (const Signature& family : families) {
        std::istringstream words(family.kernels);
        for (std::string word; words >> word;) signatures()[word] = family;
    }
}

void check_signature(const std::string& name, const Call& call) {
    const Signature* found = signature_of(name);
    if (!found) throw std::invalid_argument("the kernel '" + name + "' has no signature in exec/signatures/");
    found->check(Checked{name, call, dtype_named(name.substr(name.rfind('.') + 1))});
}

bool is_elementwise(const std::string& name) {
    const Signature* found = signature_of(name);
    return found && found->elementwise;
}

bool is_always_called(const std::string& name) {
    const Signature* found = signature_of(name);
    return found && found->always;
}

}  // namespace labkit
