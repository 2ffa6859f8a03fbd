// Runs of one plan: alone, and many at once.
#pragma once
#include <cstdint>
#include <vector>

#include "exec/executor.h"
#include "exec/memory.h"
#include "options.h"

// Runs with fetches of its own. Throws std::invalid_argument where a kernel refuses.
std::vector<labkit::Buffer> run_once(const labkit::Plan& plan, const std::vector<labkit::StepFeed>& feeds, int64_t steps);

// As --runners and --churn say; ends the process with code 4 where a forked child does not end well.
void run_at_once(const labkit::Plan& plan, const std::vector<labkit::StepFeed>& feeds, const Options& options);
