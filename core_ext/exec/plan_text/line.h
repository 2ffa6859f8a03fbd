// One line of a plan's text, word by word.
#pragma once
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "exec/checked.h"
#include "exec/memory.h"
#include "exec/plan_text/format.h"

namespace labkit {

class Line {
   public:
    Line(const char* from, const char* end, size_t number) : at_(from), end_(end), number_(number) { skip(); }

    [[noreturn]] void fail(const std::string& text) const {
        throw std::invalid_argument("line " + std::to_string(number_) + " of the plan: " + text);
    }

    bool done() const { return at_ == end_ || *at_ == '#'; }

    std::string word() {
        const char* from = at_;
        while (at_ != end_ && *at_ != ' ' && *at_ != '#') ++at_;
        std::string found(from, at_);
        if (found.empty()) fail("something is missing");
        skip();
        return found;
    }

    int64_t integer() {
        std::string text = word();
        char* rest;
        errno = 0;
        int64_t value = std::strtoll(text.c_str(), &rest, 10);
        if (*rest || errno) fail("'" + text + "' is not an integer");
        return value;
    }

    double real() {
        std::string text = word();
        char* rest;
        double value = std::strtod(text.c_str(), &rest);
        if (*rest) fail("'" + text + "' is not a number");
        return value;
    }

    bool at_number() const {
        return !done() && (*at_ == '-' || (*at_ >= '0' && *at_ <= '9') || *at_ == 'n' ||
                           (*at_ == 'i' && end_ - at_ >= 3 && at_[2] == 'f'));
    }

    View type() {
        View view{};
        view.dtype = dtype_named(word());
        if (at_ == end_ || *at_++ != '[') fail("a shape such as [2, 3] is missing");
        while (at_ != end_ && *at_ != ']') {
            if (view.rank == kMaxRank) fail("a shape has at most " + std::to_string(kMaxRank) + " dimensions");
            const char* from = at_;
            while (at_ != end_ && *at_ != ',' && *at_ != ']') ++at_;
            std::string text(from, at_);
            char* rest;
            errno = 0;
            view.shape[view.rank++] = std::strtoll(text.c_str(), &rest, 10);
            if (*rest || errno || text.empty()) fail("'" + text + "' is not a dimension");
            if (at_ != end_ && *at_ == ',') ++at_, skip();
        }
        if (at_ == end_) fail("a shape does not end");
        ++at_;
        skip();
        checked_bytes(view);
        return view;
    }

    std::string name() {
        std::string found;
        if (at_ == end_ || *at_++ != '"') fail("a name in quotes is missing");
        while (at_ != end_ && *at_ != '"') {
            if (*at_ != '\\') {
                found += *at_++;
                continue;
            }
            if (end_ - at_ < 4 || at_[1] != 'x') fail("a name has an escape that is not \\xHH");
            found += static_cast<char>(hex(at_[2]) * 16 + hex(at_[3]));
            at_ += 4;
        }
        if (at_ == end_) fail("a name does not end");
        ++at_;
        skip();
        return found;
    }

    Buffer bytes(int64_t count) {
        if (count > (end_ - at_) / 2) fail("a constant has fewer bytes than its shape asks for");
        Buffer made(count);
        for (int64_t i = 0; i < count; ++i, at_ += 2)
            made.data()[i] = static_cast<char>(hex(at_[0]) * 16 + hex(at_[1]));
        skip();
        return made;
    }

   private:
    int hex(char c) const {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        fail("a byte is not in hex");
    }

    void skip() {
        while (at_ != end_ && *at_ == ' ') ++at_;
    }

    const char *at_, *end_;
    size_t number_;
};

}  // namespace labkit
