// Who is pushed to: the first so many, or everybody while the machine has something left, or followers of the
// broadcaster before others. Who is not is told so, and plays low-latency HTTP.
//
// Headroom is measured by what pushing is for: as long as viewers are served within less than the widest window of
// pace.h, one more delays nobody beyond what is promised. When the window stands at its widest, the loop has none left.
//
// One for a node, shared by its loops: viewers are counted over all, headroom is the asking loop's. Thread: any; the
// count is asked once per viewer, never per frame.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "base/time.h"

namespace klieg::push {

enum class AdmissionRule : uint8_t {
  first,     // the first viewers_max, whatever it costs
  headroom,  // as many at most, while there is headroom
  // As headroom; strangers only while a quarter of viewers_max, and half of the widest window, are left for followers.
  // The window grows with how many there are, so that is room for about as many again.
  followers,
};

// Of who asks, to the broadcaster; who that is cannot be told everywhere, and is a stranger there.
enum class Standing : uint8_t { stranger, follower };

struct AdmissionSettings {
  uint32_t viewers_max = 100'000;  // of the node; 0: nobody
  AdmissionRule rule = AdmissionRule::headroom;
};

enum class AdmissionVerdict : uint8_t { admitted, full, no_headroom, reserved };
std::string_view words_of(AdmissionVerdict verdict);  // for the viewer
std::string_view name_of(AdmissionVerdict verdict);   // for the operator

class Admission {
 public:
  // One viewer's place, until it is destroyed.
  class Place {
   public:
    Place() = default;
    explicit Place(std::shared_ptr<std::atomic<uint32_t>> taken) : taken_(std::move(taken)) {}
    Place(Place&&) = default;
    Place& operator=(Place&& other) noexcept {
      std::swap(taken_, other.taken_);
      return *this;
    }
    ~Place() {
      if (taken_) --*taken_;
    }

   private:
    std::shared_ptr<std::atomic<uint32_t>> taken_;
  };

  explicit Admission(const AdmissionSettings& settings) : settings_(settings) {}

  // `window`: of the asking loop with one viewer more; `window_max`: the widest. Where admitted, `place` is one.
  AdmissionVerdict ask(Standing standing, Duration window, Duration window_max, Place& place);
  bool asks_for_standing() const { return settings_.rule == AdmissionRule::followers; }

 private:
  const AdmissionSettings settings_;
  std::shared_ptr<std::atomic<uint32_t>> taken_ = std::make_shared<std::atomic<uint32_t>>(0);
};

}  // namespace klieg::push
