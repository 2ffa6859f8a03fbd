#include "exec/gather.h"

#include <atomic>
#include <cstring>

#include "exec/pool.h"

namespace labkit {
namespace {

constexpr int64_t kBytesPerTask = int64_t(1) << 18;  // less is not worth a second thread

struct Rows {
    const char* from;
    int64_t rows, row_bytes, batch, per_task;
    const int64_t* indices;
    char* out;
    std::atomic<int64_t> bad{INT64_MAX};  // the first position whose index is outside

    static void task(void* context, int64_t task, int) {
        Rows& self = *static_cast<Rows*>(context);
        int64_t end = (task + 1) * self.per_task < self.batch ? (task + 1) * self.per_task : self.batch;
        for (int64_t i = task * self.per_task; i < end; ++i) {
            int64_t index = self.indices[i];  // read once: the host may change its array meanwhile
            if (index < 0 || index >= self.rows) {
                int64_t known = self.bad.load();
                while (i < known && !self.bad.compare_exchange_weak(known, i)) {
                }
                return;
            }
            std::memcpy(self.out + i * self.row_bytes, self.from + index * self.row_bytes,
                        static_cast<size_t>(self.row_bytes));
        }
    }
};

}  // namespace

Status gather(const void* from, int64_t rows, int64_t row_bytes, const int64_t* indices, int64_t batch, char* out,
              int threads) {
    int64_t per_task = row_bytes ? kBytesPerTask / row_bytes : batch;
    if (per_task < 1) per_task = 1;
    Rows job{static_cast<const char*>(from), rows, row_bytes, batch, per_task, indices, out};
    parallel_for((batch + per_task - 1) / per_task, threads, Rows::task, &job);
    int64_t bad = job.bad.load();
    if (bad == INT64_MAX) return {};
    return {Code::index_out_of_range, indices[bad], rows};
}

}  // namespace labkit
