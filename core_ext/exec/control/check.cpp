// What a control instruction hands over has to be what its plans take and give.
#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "exec/checked.h"
#include "exec/control.h"
#include "exec/control/operands.h"
#include "exec/signature.h"

namespace labkit {
namespace {

[[noreturn]] void fail(const std::string& text) { throw std::invalid_argument(text); }

// What a plan takes and gives has to be what the instruction hands over.
class Interface {
   public:
    Interface(const Plan& plan, std::string where) : plan_(plan), where_(std::move(where)) {}

    void takes(const View& type) { next(plan_.feeds(), fed_, "takes", type); }
    void gives(const View& type) { next(plan_.fetches(), fetched_, "gives", type); }
    void done() const {
        if (fed_ != plan_.feeds().size() || fetched_ != plan_.fetches().size())
            fail(where_ + " takes or gives more than the instruction says");
    }

   private:
    void next(const std::vector<int32_t>& slots, size_t& position, const char* verb, const View& type) {
        if (position >= slots.size()) fail(where_ + " " + verb + " fewer tensors than the instruction says");
        const View& own = plan_.slots()[slots[position]].type;
        if (!same_type(own, type))
            fail(where_ + " " + verb + " " + text_of(own) + " where the instruction has " + text_of(type));
        ++position;
    }

    const Plan& plan_;
    std::string where_;
    size_t fed_ = 0, fetched_ = 0;
};

View number(DType dtype) {
    View view{};
    view.dtype = dtype;
    return view;
}

// A kernel sees its inputs unchanged while it runs. Element-wise kernels may have become part of others that read the old value
// later, so they do not write such a variable.
void check_in_place(const Plan& body, size_t feed, size_t fetch, const std::string& where) {
    const int32_t read = body.feeds()[feed], written = body.fetches()[fetch];
    for (const Instruction& made : body.instructions()) {
        auto uses = [&](const std::vector<int32_t>& operands, int32_t root) {
            return std::any_of(operands.begin(), operands.end(),
                               [&](int32_t id) { return id >= 0 && body.storage()[id].root == root; });
        };
        if (!uses(made.outputs, written)) continue;
        if (made.fused || is_elementwise(made.kernel->name))
            fail(where + ": '" + made.name + "' is element-wise and writes a variable that is in place");
        if (uses(made.inputs, read))
            fail(where + ": '" + made.name + "' reads and writes a variable that is in place");
    }
}

}  // namespace

View slice_of(View view) {
    std::copy(view.shape + 1, view.shape + view.rank, view.shape);
    --view.rank;
    return view;
}

int64_t arena_of(const Plan& plan) { return aligned(plan.arena_bytes()); }

std::vector<char> in_place_of(const Instruction& made, size_t variables) {
    std::vector<char> found(variables, 0);
    for (size_t i = ints_of(made.control); i < made.ints.size(); ++i) {
        if (made.ints[i] < 0 || static_cast<size_t>(made.ints[i]) >= variables)
            fail("instruction '" + made.name + "' names a variable that it does not have");
        found[static_cast<size_t>(made.ints[i])] = 1;
    }
    return found;
}

int64_t check_control(const Instruction& made, const Call& call, const std::string& where) {
    auto need = [&](bool condition, const char* text) {
        if (!condition) fail(where + " " + text);
    };
    for (int32_t i = 0; i < call.n_in; ++i) need(call.in[i].rank >= 0, "lacks an input");
    const size_t plans = made.control == Control::scan ? 1 : 2, ints = ints_of(made.control);
    need(made.plans.size() == plans && made.ints.size() >= ints && (ints || made.ints.empty()),
         "has another number of plans or attributes");
    std::vector<Interface> interfaces;
    for (size_t i = 0; i < plans; ++i)
        interfaces.emplace_back(*made.plans[i], where + ": plan " + std::to_string(i));
    int64_t scratch = 0;
    if (made.control == Control::branch) {
        need(call.n_in >= 1 && same_type(call.in[0], number(DType::b8)), "takes a condition, one number of b8");
        for (Interface& plan : interfaces) {
            for (int32_t i = 1; i < call.n_in; ++i) plan.takes(call.in[i]);
            for (int32_t i = 0; i < call.n_out; ++i) plan.gives(call.out[i]);
        }
        scratch = std::max(arena_of(*made.plans[0]), arena_of(*made.plans[1]));
    } else {
        const bool scan = made.control == Control::scan;
        const int64_t variables = made.ints[scan ? 1 : 0], sliced = scan ? made.ints[2] : 0;
        need(variables >= 0 && sliced >= 0 && variables <= call.n_in && sliced <= call.n_in - variables &&
                 variables + !scan <= call.n_out,
             "names more operands than it has");
        need(scan ? made.ints[0] >= 0 : made.ints[1] >= -1, "has a negative number of iterations");
        for (Interface& plan : interfaces) plan.takes(number(DType::i64));
        for (int32_t i = 0; i < call.n_in; ++i) {
            View type = call.in[i];
            if (i >= variables && i < variables + sliced) {
                need(type.rank >= 1 && type.shape[0] == made.ints[0], "slices an operand of another length");
                type = slice_of(type);
            }
            for (Interface& plan : interfaces) plan.takes(type);
        }
        if (!scan) interfaces[0].gives(number(DType::b8));
        for (int32_t i = 0; i < call.n_out; ++i) {
            View type = call.out[i];
            if (i < variables) {
                need(same_type(call.in[i], type), "changes the type of a variable");
            } else if (scan) {
                need(type.rank >= 1 && type.shape[0] == made.ints[0], "stacks a result of another length");
                type = slice_of(type);
            } else {
                need(i == variables && same_type(type, number(DType::i64)), "gives the variables and the iterations");
                continue;
            }
            interfaces.back().gives(type);
        }
        const std::vector<char> in_place = in_place_of(made, static_cast<size_t>(variables));
        for (int64_t i = 0; i < variables; ++i)
            for (int spare = 0; spare < 2 && !in_place[i]; ++spare)
                scratch = checked_add(scratch, aligned(checked_bytes(call.in[i])));
        for (const auto& plan : made.plans) scratch = checked_add(scratch, arena_of(*plan));
    }
    for (const Interface& plan : interfaces) plan.done();
    if (made.control != Control::branch) {
        const auto variables = static_cast<size_t>(made.ints[made.control == Control::scan ? 1 : 0]);
        const std::vector<char> in_place = in_place_of(made, variables);
        for (size_t i = 0; i < variables; ++i)
            if (in_place[i]) check_in_place(*made.plans.back(), 1 + i, i, where);
    }
    return scratch;
}

}  // namespace labkit
