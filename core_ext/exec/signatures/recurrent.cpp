// Recurrent layers over whole sequences.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

// How long a batch of sequences is: [batch, steps, gates * units], and a recurrent matrix [units, gates * units].
struct Sizes {
    const Checked& c;
    int64_t batch, steps, units;

    Sizes(const Checked& checked, const View& sequence, const View& recurrent, int64_t gates) : c(checked) {
        c.rank(sequence, 3);
        c.rank(recurrent, 2);
        batch = sequence.shape[0], steps = sequence.shape[1], units = recurrent.shape[0];
        c.need(recurrent.shape[1] / gates == units && recurrent.shape[1] % gates == 0,
               "takes a recurrent matrix [units, gates * units]");
        all(sequence, gates);
    }
    void all(const View& view, int64_t gates = 1) const {
        c.need(view.rank == 3 && view.shape[0] == batch && view.shape[1] == steps && view.shape[2] == gates * units,
               "takes and gives sequences [batch, steps, units or gates * units]");
    }
    void one(const View& view) const {
        c.need(view.rank == 2 && view.shape[0] == batch && view.shape[1] == units, "takes and gives states [batch, units]");
    }
    void mask(const View& view) const {
        c.dtype(view, DType::b8);
        c.need(view.rank == 2 && view.shape[0] == batch && view.shape[1] == steps, "takes a mask [batch, steps]");
    }
};

// Between `least` inputs, all of dtype T, and one more, a mask; and so many outputs.
int counted(const Checked& c, int least, int outputs) {
    const int inputs = c.call.n_in > least ? least + 1 : least;
    c.operands(inputs, outputs);
    for (int i = 0; i < least; ++i) c.dtype(c.in(i), c.T);
    for (int i = 0; i < outputs; ++i) c.dtype(c.out(i), c.T);
    return inputs;
}

void lstm(const Checked& c) {
    const int inputs = counted(c, 4, 5);
    const Sizes sizes(c, c.in(0), c.in(1), 4);
    for (int i : {2, 3}) sizes.one(c.in(i));
    if (inputs > 4) sizes.mask(c.in(4));
    sizes.all(c.out(0), 4);
    for (int i : {1, 2}) sizes.all(c.out(i));
    for (int i : {3, 4}) sizes.one(c.out(i));
}
void lstm_grad(const Checked& c) {
    c.attributes(1);
    const int least = c.attribute(0) ? 9 : 8, inputs = counted(c, least, 4);
    const Sizes sizes(c, c.in(0), c.in(3), 4);
    for (int i : {1, 2}) sizes.all(c.in(i));
    for (int i : {4, 5, 6, 7}) sizes.one(c.in(i));
    if (c.attribute(0)) sizes.all(c.in(8));
    if (inputs > least) sizes.mask(c.in(least));
    sizes.all(c.out(0), 4);
    sizes.all(c.out(1));
    for (int i : {2, 3}) sizes.one(c.out(i));
}

void gru(const Checked& c) {
    c.attributes(1);
    const int inputs = counted(c, 4, 4);
    const Sizes sizes(c, c.in(0), c.in(1), 3);
    c.rank(c.in(2), 1);
    c.need(c.in(2).shape[0] == c.in(1).shape[1], "takes a bias [3 * units]");
    sizes.one(c.in(3));
    if (inputs > 4) sizes.mask(c.in(4));
    sizes.all(c.out(0), 3);
    for (int i : {1, 2}) sizes.all(c.out(i));
    sizes.one(c.out(3));
}
void gru_grad(const Checked& c) {
    c.attributes(2);
    const int least = c.attribute(1) ? 7 : 6, inputs = counted(c, least, 4);
    const Sizes sizes(c, c.in(0), c.in(3), 3);
    for (int i : {1, 2}) sizes.all(c.in(i));
    for (int i : {4, 5}) sizes.one(c.in(i));
    if (c.attribute(1)) sizes.all(c.in(6));
    if (inputs > least) sizes.mask(c.in(least));
    for (int i : {0, 1}) sizes.all(c.out(i), 3);
    sizes.all(c.out(2));
    sizes.one(c.out(3));
}

void simple_rnn(const Checked& c) {
    c.attributes(1);
    const int inputs = counted(c, 3, 2);
    const Sizes sizes(c, c.in(0), c.in(1), 1);
    sizes.one(c.in(2));
    if (inputs > 3) sizes.mask(c.in(3));
    sizes.all(c.out(0));
    sizes.one(c.out(1));
}
void simple_rnn_grad(const Checked& c) {
    c.attributes(2);
    const int least = c.attribute(1) ? 5 : 4, inputs = counted(c, least, 3);
    const Sizes sizes(c, c.in(0), c.in(1), 1);
    for (int i : {2, 3}) sizes.one(c.in(i));
    if (c.attribute(1)) sizes.all(c.in(4));
    if (inputs > least) sizes.mask(c.in(least));
    for (int i : {0, 1}) sizes.all(c.out(i));
    sizes.one(c.out(2));
}

const Signatures registered{
    {lstm, "lstm"},
    {lstm_grad, "lstm_grad"},
    {gru, "gru"},
    {gru_grad, "gru_grad"},
    {simple_rnn, "simple_rnn"},
    {simple_rnn_grad, "simple_rnn_grad"},
};

}  // namespace
}  // namespace labkit
