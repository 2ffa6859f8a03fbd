// Element-wise instructions are gathered while each reads what one before it makes, and everything has one shape. A group
// stays open as long as its instructions could as well run later: it is closed when another instruction reads a result
// of it, or writes memory that it reads. It then runs where its last instruction stood.
#include <algorithm>
#include <unordered_map>
#include <utility>

#include "exec/fused.h"
#include "exec/rewrites/rewrites.h"
#include "exec/signature.h"

namespace labkit {
namespace {

class Fusion : Slots {
   public:
    Fusion(std::vector<Instruction> instructions, const std::vector<SlotSpec>& slots,
           const std::vector<Storage>& storage)
        : Slots(slots, storage), all_(std::move(instructions)), group_of_(all_.size(), kNone),
          open_producer_(slot_count(), kNone), written_(slot_count(), 0) {}

    std::vector<Instruction> result() {
        for (size_t i = 0; i < all_.size(); ++i) visit(static_cast<int32_t>(i));
        count_reads();
        std::vector<Instruction> made;
        made.reserve(all_.size());
        for (size_t i = 0; i < all_.size(); ++i) {
            const int32_t group = group_of_[i];
            if (group == kNone) {
                made.push_back(std::move(all_[i]));
            } else if (groups_[static_cast<size_t>(group)].back() == static_cast<int32_t>(i)) {
                make(groups_[static_cast<size_t>(group)], made);
            }
        }
        return made;
    }

   private:
    static constexpr int32_t kNone = -1;
    using Group = std::vector<int32_t>;  // instructions, in order

    // The slot that has the memory, where an alias gives it no other shape.
    int32_t plain(int32_t id) const { return same_shape(type(id), type(storage(id).root)) ? storage(id).root : id; }
    const Instruction& at(int32_t i) const { return all_[static_cast<size_t>(i)]; }

    bool can_join(const Instruction& made) const {
        if (made.control != Control::none || made.writes || made.empty || made.outputs.size() != 1) return false;
        const SlotKind kind = slot(made.outputs[0]).kind;  // no alias
        return (kind == SlotKind::arena || kind == SlotKind::fetch) && !written_[root(made.outputs[0])] &&
               is_elementwise(made.kernel->name) &&
               std::all_of(made.inputs.begin(), made.inputs.end(), [](int32_t id) { return id >= 0; });
    }

    void visit(int32_t i) {
        const Instruction& made = at(i);
        const bool joins = can_join(made);
        std::vector<int32_t> joined;  // open groups
        for (int32_t id : made.inputs) {
            if (id < 0) continue;
            const int32_t producer = open_producer_[root(id)];
            if (producer == kNone) continue;
            const int32_t group = group_of_[static_cast<size_t>(producer)];
            // Read under the shape it was made in, for a result of that shape, too.
            if (joins && plain(id) == at(producer).outputs[0] && same_shape(type(id), type(made.outputs[0]))) {
                if (std::find(joined.begin(), joined.end(), group) == joined.end()) joined.push_back(group);
            } else {
                close(group);
            }
        }
        if (!joins) close_in_the_way(made);
        joined.erase(std::remove_if(joined.begin(), joined.end(), [&](int32_t g) { return !is_open_[static_cast<size_t>(g)]; }),
                     joined.end());
        if (joins) join(i, joined);
        for (int32_t id : made.outputs) written_[root(id)] = 1;
    }

    static bool same_shape(const View& a, const View& b) {
        return a.rank == b.rank && std::equal(a.shape, a.shape + a.rank, b.shape);
    }

    // Closes the groups that may not run after `made`, as it writes what they read.
    void close_in_the_way(const Instruction& made) {
        const bool anything = made.control != Control::none && made.writes;
        bool fetch = false;
        rewritten_.clear();
        for (int32_t id : made.outputs) {
            fetch = fetch || storage(id).kind == SlotKind::fetch;
            if (storage(id).kind == SlotKind::state || written_[root(id)]) rewritten_.push_back(root(id));
        }
        if (!anything && !fetch && rewritten_.empty()) return;
        for (size_t g = 0; g < groups_.size(); ++g) {
            if (!is_open_[g]) continue;
            const bool meets = anything || std::any_of(groups_[g].begin(), groups_[g].end(), [&](int32_t member) {
                return touches(at(member), fetch);
            });
            if (meets) close(static_cast<int32_t>(g));
        }
    }

    // Whether the instruction reads or makes something that is written anew. In a loop's body a fetch may be the memory of
    // a feed: a variable that is updated in place.
    bool touches(const Instruction& made, bool fetch) const {
        auto is_rewritten = [&](int32_t id) {
            return (fetch && storage(id).kind == SlotKind::feed) ||
                   std::find(rewritten_.begin(), rewritten_.end(), root(id)) != rewritten_.end();
        };
        return std::any_of(made.inputs.begin(), made.inputs.end(), is_rewritten) ||
               std::any_of(made.outputs.begin(), made.outputs.end(), is_rewritten);
    }

    void join(int32_t i, const std::vector<int32_t>& joined) {
        Group members;
        for (int32_t g : joined) members.insert(members.end(), groups_[static_cast<size_t>(g)].begin(), groups_[static_cast<size_t>(g)].end());
        members.push_back(i);
        std::sort(members.begin(), members.end());
        if (!fits(members)) {
            for (int32_t g : joined) close(g);
            members = {i};
        } else {
            for (int32_t g : joined) {
                groups_[static_cast<size_t>(g)].clear();
                is_open_[static_cast<size_t>(g)] = 0;
            }
        }
        for (int32_t member : members) group_of_[static_cast<size_t>(member)] = static_cast<int32_t>(groups_.size());
        open_producer_[root(at(i).outputs[0])] = i;
        groups_.push_back(std::move(members));
        is_open_.push_back(1);
    }

    void close(int32_t group) {
        is_open_[static_cast<size_t>(group)] = 0;
        for (int32_t member : groups_[static_cast<size_t>(group)])
            open_producer_[root(at(member).outputs[0])] = kNone;
    }

    bool is_made_by(const Group& members, int32_t id, size_t before) const {
        for (size_t m = 0; m < before; ++m)
            if (at(members[m]).outputs[0] == id) return true;
        return false;
    }

    std::vector<int32_t> inputs_of(const Group& members) const {  // from outside, each once
        std::vector<int32_t> found;
        for (size_t m = 0; m < members.size(); ++m)
            for (int32_t operand : at(members[m]).inputs) {
                const int32_t id = plain(operand);
                if (!is_made_by(members, id, m) && std::find(found.begin(), found.end(), id) == found.end()) found.push_back(id);
            }
        return found;
    }

    bool fits(const Group& members) const {
        size_t views = 0, laid_out = 0;
        for (int32_t member : members) views += at(member).inputs.size() + 1;
        const std::vector<int32_t> inputs = inputs_of(members);
        for (int32_t id : inputs) laid_out += Fused::is_laid_out(fused_input(type(id), type(at(members[0]).outputs[0])));
        return members.size() <= Fused::kMostSteps && views <= Fused::kMostViews && inputs.size() <= Fused::kMostInputs &&
               laid_out <= Fused::kMostLaidOut;
    }

    void count_reads() {
        reads_.assign(slot_count(), 0);
        for (const Instruction& made : all_)
            for (int32_t id : made.inputs)
                if (id >= 0) ++reads_[root(id)];
    }

    // Adds the group's instruction, or where it has too many results or temporaries those of its halves.
    void make(const Group& members, std::vector<Instruction>& to) {
        if (members.size() == 1) return to.push_back(std::move(all_[static_cast<size_t>(members[0])]));
        Instruction made;
        if (!fits(members) || !fill(members, made)) {  // a half reads what the other half made
            const auto middle = members.begin() + static_cast<std::ptrdiff_t>(members.size() / 2);
            make(Group(members.begin(), middle), to);
            return make(Group(middle, members.end()), to);
        }
        made.kernel = &fused_kernel(at(members.back()).kernel->in_place);
        made.name = at(members.back()).name;
        for (int32_t member : members) made.parts.push_back(std::move(all_[static_cast<size_t>(member)]));
        to.push_back(std::move(made));
    }

    bool fill(const Group& members, Instruction& made) const {
        const size_t count = members.size();
        auto fused = std::make_shared<Fused>();
        made.inputs = inputs_of(members);
        for (int32_t id : made.inputs) fused->inputs.push_back(fused_input(type(id), type(at(members[0]).outputs[0])));
        // A result is a temporary where only the group reads it, until its last reader.
        std::vector<size_t> last_reader(count, 0);
        std::vector<bool> leaves(count, false);
        for (size_t m = count; m-- > 0;) {
            const int32_t id = at(members[m]).outputs[0];
            int64_t inside = 0;
            for (size_t r = m + 1; r < count; ++r)
                for (int32_t read : at(members[r]).inputs)
                    if (plain(read) == id) ++inside, last_reader[m] = r;
            leaves[m] = !inside || inside < reads_[root(id)] || slot(id).kind == SlotKind::fetch;
            if (leaves[m]) made.outputs.push_back(id);  // the last step's first
        }
        fused->outputs = made.outputs.size();
        if (fused->outputs > Fused::kMostOutputs) return false;
        std::unordered_map<int32_t, int16_t> operand;
        for (const auto* ids : {&made.inputs, &made.outputs})
            for (int32_t id : *ids) operand.emplace(id, static_cast<int16_t>(operand.size()));
        const size_t fixed = operand.size();
        std::vector<size_t> busy_until;  // of each temporary: the last step that reads it
        for (size_t m = 0; m < count; ++m) {
            const Instruction& member = at(members[m]);
            Fused::Step step{member.kernel, {}, 0, member.ints, member.reals};
            for (int32_t id : member.inputs) step.inputs.push_back(operand.at(plain(id)));
            if (!leaves[m]) {
                const DType dtype = type(member.outputs[0]).dtype;
                size_t t = 0;
                auto is_busy = [&] { return busy_until[t] > m || (busy_until[t] == m && !member.kernel->in_place); };
                while (t < busy_until.size() && (fused->temporaries[t] != dtype || is_busy())) ++t;
                if (t == busy_until.size()) {
                    busy_until.push_back(0);
                    fused->temporaries.push_back(dtype);
                }
                busy_until[t] = last_reader[m];
                operand.emplace(member.outputs[0], static_cast<int16_t>(fixed + t));
            }
            step.output = operand.at(member.outputs[0]);
            fused->steps.push_back(std::move(step));
        }
        if (busy_until.size() > Fused::kMostTemporaries) return false;
        made.fused = std::move(fused);
        return true;
    }

    std::vector<Instruction> all_;
    std::vector<Group> groups_;
    std::vector<char> is_open_;              // by group
    std::vector<int32_t> group_of_;          // by instruction
    std::vector<int32_t> open_producer_;     // by root: the instruction of an open group that makes it
    std::vector<char> written_;              // by root
    std::vector<int64_t> reads_;             // by root, by all instructions
    std::vector<size_t> rewritten_;          // roots that the present instruction writes again
};

}  // namespace

void fuse_chains(std::vector<Instruction>& instructions, const std::vector<SlotSpec>& slots,
                 const std::vector<Storage>& storage) {
    instructions = Fusion(std::move(instructions), slots, storage).result();
}

}  // namespace labkit
