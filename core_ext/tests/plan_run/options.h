// The command line, and the text that it names.
#pragma once
#include <cstdint>
#include <string>

struct Options {
    std::string file;
    int64_t threads = 1, steps = 1, runners = 0, churn = 0, seed = 0, max_bytes = int64_t(1) << 30;
    bool many = false;
};

// Ends the process with code 2 where the words are wrong.
Options parse_options(int count, char** words);

// Throws std::invalid_argument where there is more than --max-bytes.
std::string read(const Options& options);
