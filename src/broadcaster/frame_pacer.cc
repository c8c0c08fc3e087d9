#include "broadcaster/frame_pacer.h"

#include <utility>

namespace klieg::broadcaster {

std::optional<uint64_t> FramePacer::take(LoopTime now, EncoderState encoder) {
  const bool idle = encoder == EncoderState::idle;
  const uint64_t due_end = now < start_ ? 0 : rate_.frame_due(now - start_) + 1;
  std::optional<uint64_t> taken;
  for (; next_ < due_end; ++next_) {
    const bool is_latest = next_ + 1 == due_end;
    if (begins_gop(next_)) {
      // A GOP that was kept a whole GOP long is history.
      dropped_ += kept_ ? 1 : 0;
      kept_ = next_;
    } else if (is_latest && idle && !kept_) {
      taken = next_;
    } else {
      ++dropped_;
    }
  }
  if (idle && kept_) taken = std::exchange(kept_, std::nullopt);
  return taken;
}

bool FramePacer::begins_gop(uint64_t n) const {
  // Instants are rounded to the nanosecond, so the boundary itself may seem to lie just before it.
  const auto span_of = [this](Duration instant) { return (instant + 1us) / gop_; };
  return n == 0 || span_of(rate_.instant_of(n)) != span_of(rate_.instant_of(n - 1));
}

}  // namespace klieg::broadcaster
