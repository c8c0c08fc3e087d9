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
    case AdmissionVerdict::reserved:
      return "what room is left is for who follows; HLS and DASH have this, too";
  }
  return "";
}

std::string_view name_of(AdmissionVerdict verdict) {
  switch (verdict) {
    case AdmissionVerdict::admitted:
      return "admitted";
    case AdmissionVerdict::full:
      return "full";
    case AdmissionVerdict::no_headroom:
      return "no_headroom";
    case AdmissionVerdict::reserved:
      return "reserved";
  }
  return "unknown";
}

AdmissionVerdict Admission::ask(Standing standing, Duration window, Duration window_max, Place& place) {
  if (settings_.rule != AdmissionRule::first && window >= window_max) return AdmissionVerdict::no_headroom;
  const bool last_ones = settings_.rule == AdmissionRule::followers && standing == Standing::stranger;
  if (last_ones && window >= window_max / 2) return AdmissionVerdict::reserved;
  const uint32_t kept = last_ones ? settings_.viewers_max / 4 : 0;
  const uint32_t taken = taken_->fetch_add(1);
  if (taken >= settings_.viewers_max - kept) {
    --*taken_;
    return taken >= settings_.viewers_max ? AdmissionVerdict::full : AdmissionVerdict::reserved;
  }
  place = Place(taken_);
  return AdmissionVerdict::admitted;
}

}  // namespace klieg::push
