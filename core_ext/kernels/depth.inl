// space_to_depth: squares of an image (N, H, W, C) as the channels of a smaller one; depth_to_space: the reverse. ints: the
// squares' size.
#pragma once
#include "kernels/copy_runs.h"
#include "labkit/kernel.h"

namespace labkit {
namespace {

Status run_space_to_depth(const Call& call, int, int64_t task) {
    const View &x = call.in[0], &y = call.out[0];
    int64_t block = call.ints[0], channels = x.shape[3], row = x.shape[2] * channels;
    Walk walk;
    walk.add(channels, 1);
    walk.add(block, channels);
    walk.add(block, row);
    walk.add(y.shape[2], block * channels);
    walk.add(y.shape[1], block * row);
    walk.add(y.shape[0], x.shape[1] * row);
    return copy_walk(call, task, walk, 0);
}

Status run_depth_to_space(const Call& call, int, int64_t task) {
    const View &x = call.in[0], &y = call.out[0];
    int64_t block = call.ints[0], channels = y.shape[3], pixel = x.shape[3];
    Walk walk;
    walk.add(channels, 1);
    walk.add(block, channels);
    walk.add(x.shape[2], pixel);
    walk.add(block, block * channels);
    walk.add(x.shape[1], x.shape[2] * pixel);
    walk.add(x.shape[0], x.shape[1] * x.shape[2] * pixel);
    return copy_walk(call, task, walk, 0);
}

#define LABKIT_DEPTH_KERNELS(X)                                                        \
    LABKIT_ALL_DTYPES(X, "space_to_depth", plan_elements, run_space_to_depth, false)   \
    LABKIT_ALL_DTYPES(X, "depth_to_space", plan_elements, run_depth_to_space, false)

}  // namespace
}  // namespace labkit
