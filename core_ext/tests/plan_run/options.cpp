#include "options.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <stdexcept>

namespace {

[[noreturn]] void usage(const std::string& wrong) {
    std::fprintf(
        stderr,
        "plan_run: %s\nusage: plan_run FILE [--threads N] [--steps N] [--runners N] [--churn N] [--seed N] [--max-bytes N] "
        "[--many]\n",
        wrong.c_str());
    std::exit(2);
}

}  // namespace

Options parse_options(int count, char** words) {
    Options options;
    for (int i = 1; i < count; ++i) {
        std::string word = words[i];
        if (word == "--many") {
            options.many = true;
            continue;
        }
        int64_t* to = word == "--threads"     ? &options.threads
                      : word == "--steps"     ? &options.steps
                      : word == "--runners"   ? &options.runners
                      : word == "--churn"     ? &options.churn
                      : word == "--seed"      ? &options.seed
                      : word == "--max-bytes" ? &options.max_bytes
                                              : nullptr;
        if (!to && word.rfind("--", 0) != 0 && options.file.empty()) {
            options.file = word;
            continue;
        }
        if (!to) usage("unknown argument " + word);
        if (++i == count) usage(word + " needs a number");
        char* rest;
        *to = std::strtoll(words[i], &rest, 10);
        if (*rest || *to < 0) usage(word + " needs a number, not " + words[i]);
    }
    if (options.file.empty()) usage("no file");
    if (options.threads < 1 || options.threads > 64) usage("--threads is from 1 to 64");
    if (options.runners > 64) usage("--runners is from 0 to 64");
    return options;
}

std::string read(const Options& options) {
    std::ifstream opened;
    if (options.file != "-") {
        opened.open(options.file, std::ios::binary);
        if (!opened) usage("cannot open " + options.file);
    }
    std::istream& from = options.file == "-" ? std::cin : opened;
    std::string text;
    char block[1 << 16];
    while (from.read(block, sizeof block), from.gcount()) {
        text.append(block, static_cast<size_t>(from.gcount()));
        if (static_cast<int64_t>(text.size()) > options.max_bytes)
            throw std::invalid_argument("the plan's text is longer than --max-bytes");
    }
    return text;
}
