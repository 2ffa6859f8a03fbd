// Depthwise convolution and its gradients. ints: those of conv2d, with as many groups as channels of x.
#include "kernels/depthwise.h"
#include "kernels/depthwise_filter.h"

namespace labkit {
namespace {

template <class Algorithm>
void plan_depthwise(const Call& call, Work& work) {
    Algorithm(call).plan(work);
}

template <class Algorithm>
Status run_depthwise(const Call& call, int phase, int64_t task) {
    Algorithm(call).run(call, phase, task);
    return {};
}

#define LABKIT_DEPTHWISE(X, name, Algorithm)                                                            \
    X(name ".f32", plan_depthwise<Algorithm<float>>, run_depthwise<Algorithm<float>>, false)            \
    X(name ".f64", plan_depthwise<Algorithm<double>>, run_depthwise<Algorithm<double>>, false)

#define LABKIT_DEPTHWISE_KERNELS(X)                                                 \
    LABKIT_DEPTHWISE(X, "depthwise_conv2d", DepthwiseForward)                       \
    LABKIT_DEPTHWISE(X, "depthwise_conv2d_backprop_input", DepthwiseInput)          \
    LABKIT_DEPTHWISE(X, "depthwise_conv2d_backprop_filter", DepthwiseFilter)

}  // namespace
}  // namespace labkit
