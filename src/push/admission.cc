#include "push/admission.h"

namespace klieg::push {

std::string_view words_of(AdmissionVerdict verdict) {
  switch (verdict) {
    case AdmissionVerdict::admitted:
      return "welcome";
    case AdmissionVerdict::full:
      return "as many are pushed to as may be; HLS and DASH have this, too";
    case AdmissionVerdict::no_headroom:
      return "this node is at its limit of pushing; HLS and DASH have this, too";
  }
  return "";
}

AdmissionVerdict Admission::ask(Duration window, Duration window_max, Place& place) {
  if (settings_.rule == AdmissionRule::headroom && window >= window_max) return AdmissionVerdict::no_headroom;
  if (taken_->fetch_add(1) >= settings_.viewers_max) {
    --*taken_;
    return AdmissionVerdict::full;
  }
  place = Place(taken_);
  return AdmissionVerdict::admitted;
}

}  // namespace klieg::push
